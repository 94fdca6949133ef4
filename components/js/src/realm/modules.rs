//! Where the modules of a realm come from.

use std::rc::{Rc, Weak};

use url::Url;

use super::Realm;
use crate::engine::ModuleHost;
use crate::host::scripts::{ScriptUse, load};

/// Fetches what a realm's modules import; its thread waits.
pub(super) struct Modules(Weak<Realm>);

impl Modules {
    pub(super) fn of(realm: &Rc<Realm>) -> Self {
        Self(Rc::downgrade(realm))
    }
}

impl ModuleHost for Modules {
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#resolve-a-module-specifier>
    fn resolve(&self, base: &str, specifier: &str) -> Result<String, String> {
        let is_relative = ["/", "./", "../"]
            .iter()
            .any(|start| specifier.starts_with(start));
        let url = if is_relative {
            let of_realm = || {
                let realm = self.0.upgrade()?;
                Some(realm.settings().client.base_url.clone())
            };
            // A script may have a name that is no URL.
            let base = Url::parse(base).ok().or_else(of_realm);
            base.and_then(|base| base.join(specifier).ok())
        } else {
            Url::parse(specifier).ok()
        };
        url.map(String::from).ok_or_else(|| {
            format!("\"{specifier}\" is neither a URL nor a path that begins with /, ./ or ../")
        })
    }

    /// <https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-single-module-script>
    fn load(&self, name: &str) -> Result<String, String> {
        let realm = self.0.upgrade().ok_or("the realm is gone")?;
        let url = Url::parse(name).map_err(|error| format!("{name} is not a URL: {error}"))?;
        Ok(load(&realm, &url, ScriptUse::Module)?.source)
    }
}
