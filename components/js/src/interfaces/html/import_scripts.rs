//! `importScripts()`.

use crate::engine::Cx;
use crate::host::scripts::{ScriptUse, load};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible};

/// <https://html.spec.whatwg.org/multipage/workers.html#import-scripts-into-worker-global-scope>
pub(super) fn import_scripts<'js>(cx: &Cx<'js>, urls: &[String]) -> Fallible<'js, ()> {
    let base = Realm::of(cx).settings().client.base_url.clone();
    // 1. Not in a module worker.
    if Realm::of(cx).settings().is_module {
        return Err(Error::type_error("a module worker imports with import"));
    }
    // 4 and 5. All URLs first.
    let mut records = Vec::new();
    for url in urls {
        let parsed = base.join(url);
        let parsed =
            parsed.map_err(|error| Error::dom("SyntaxError", format!("{url:.200} is not a URL: {error}")))?;
        records.push(parsed);
    }
    // 6. Each in its turn.
    for url in records {
        let script = load(&Realm::of(cx), &url, ScriptUse::ImportScripts);
        let script = script.map_err(|message| Error::dom("NetworkError", message))?;
        cx.run_script(&script.source, script.url.as_str())?;
    }
    Ok(())
}
