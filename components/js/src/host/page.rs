//! Pages: a document is loaded, its scripts run in their order, `load` is fired.

use std::sync::Arc;

use background_fetch::fetch::{Client, ReferrerPolicy, Request, RequestMode};
use http::HeaderMap;
use url::Url;

use super::scripts::{ScriptUse, content_type, decode, fetch_script, fetch_to_end};
use super::service_workers::ServiceWorkers;
use super::{Host, PolicyContainer};
use crate::bindings::DocumentReadyState;
use crate::engine::Cx;
use crate::interfaces::{
    Document, Element, EventTarget, PendingScript, Window, create_event, define_globals,
    enable_client_messages, parse_into,
};
use crate::realm::{Realm, RealmHandle, Settings, report_thrown, spawn};
use crate::webidl::{Error, Fallible, Ref};

/// Where the document of a page comes from.
#[derive(Clone, Debug)]
pub enum PageSource {
    /// From its URL.
    Network,
    /// This is it, in HTML.
    Html(String),
    /// An empty one with this module script.
    Script {
        /// Its text.
        text: String,
        /// Where it is: what it imports is relative to that.
        url: Url,
    },
}

/// Runs in a page before its first script.
pub type BeforeScripts = Box<dyn for<'js> FnOnce(&Cx<'js>) + Send>;

/// Opens a page: a window with its document, whose scripts run.
///
/// # Errors
///
/// A sentence, where there is no thread or no memory for it. What goes wrong later is in the console.
pub fn open_page(
    settings: Settings,
    source: PageSource,
    before_scripts: BeforeScripts,
) -> Result<RealmHandle, String> {
    let name = format!("page {}", settings.client.base_url);
    spawn(&name, settings, move |cx| {
        if let Err(thrown) = define_globals(cx) {
            Realm::of(cx).report(cx, &thrown.into());
            return;
        }
        before_scripts(cx);
        let realm = Realm::of(cx);
        let host = Host::of(cx);
        let url = realm.settings().client.base_url.clone();
        let page = async move {
            match source {
                PageSource::Html(html) => Ok((html, HeaderMap::new(), None)),
                PageSource::Network => load_document(&host, url)
                    .await
                    .map(|(html, headers)| (html, headers, None)),
                PageSource::Script { text, url } => Ok((String::new(), HeaderMap::new(), Some((text, url)))),
            }
        };
        realm.spawn_then(page, |cx, page| match page {
            Ok((html, headers, script)) => {
                take_policies(&Realm::of(cx), &headers);
                begin(cx, &html, script);
            }
            Err(message) => Realm::of(cx).report(cx, &Error::type_error(message)),
        });
    })
}

async fn load_document(host: &Arc<Host>, url: Url) -> Result<(String, HeaderMap), String> {
    let request = Request {
        mode: RequestMode::Navigate,
        ..Request::new(url.clone())
    };
    // The worker of the registration that the page is in comes first.
    let answered = match host.service_workers.worker_of_navigation(&url) {
        Some(worker) => ServiceWorkers::navigate(host, &worker, request.clone()).await?,
        None => None,
    };
    let (head, bytes) = match answered {
        Some(answered) => answered,
        None => {
            let network = Arc::clone(&host.network);
            fetch_to_end(network, request, Client::user(url.clone())).await?
        }
    };
    if !head.is_ok() {
        return Err(format!(
            "the page {url} cannot be opened: the server answers {}",
            head.status
        ));
    }
    Ok((decode(&bytes, &content_type(&head)), head.headers))
}

/// Puts a realm under the policies that its document, or its worker's script, comes with.
pub(crate) fn take_policies(realm: &Realm, headers: &HeaderMap) {
    let policies = PolicyContainer::of_response(headers);
    for policy in policies.content_security_policies {
        realm.add_content_security_policy(policy);
    }
    if policies.referrer_policy != ReferrerPolicy::Empty {
        realm.set_referrer_policy(policies.referrer_policy);
    }
}

fn document<'js>(cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Document>> {
    use crate::bindings::WindowMethods;
    let window = Ref::<Window>::of(cx, &cx.global())?;
    Window::document(&window, cx)
}

fn begin(cx: &Cx<'_>, html: &str, script: Option<(String, Url)>) {
    let scripts = document(cx).and_then(|document| parse_into(cx, &document, html));
    match scripts {
        Ok(mut scripts) => {
            scripts.reverse();
            if let Some((text, url)) = script {
                let script = PendingScript {
                    src: None,
                    text: String::new(),
                    is_module: true,
                };
                let ran = run(cx, &script, &text, &url);
                report_thrown(cx, ran);
            }
            run_next(cx, scripts);
        }
        Err(error) => Realm::of(cx).report(cx, &error),
    }
}

/// Runs the last of these scripts, and then the others: they are in reverse order.
fn run_next(cx: &Cx<'_>, mut scripts: Vec<PendingScript>) {
    let Some(script) = scripts.pop() else {
        return loaded(cx);
    };
    let realm = Realm::of(cx);
    let base = realm.settings().client.base_url.clone();
    let Some(src) = &script.src else {
        let ran = run(cx, &script, &script.text, &base);
        report_thrown(cx, ran);
        // In a task of its own, as the parser would go on.
        return realm.spawn_then(async {}, |cx, ()| run_next(cx, scripts));
    };
    let url = match base.join(src) {
        Ok(url) => url,
        Err(error) => {
            realm.report(
                cx,
                &Error::type_error(format!("the script {src:?} has no URL: {error}")),
            );
            return run_next(cx, scripts);
        }
    };
    let what = if script.is_module {
        ScriptUse::Module
    } else {
        ScriptUse::ImportScripts
    };
    let fetched = fetch_script(Arc::clone(&Host::of(cx).network), realm.client(), url, what);
    realm.spawn_then(fetched, move |cx, fetched| {
        match fetched {
            Ok(fetched) => {
                let ran = run(cx, &script, &fetched.source, &fetched.url);
                report_thrown(cx, ran);
            }
            Err(message) => Realm::of(cx).report(cx, &Error::type_error(message)),
        }
        Realm::of(cx).spawn_then(async {}, |cx, ()| run_next(cx, scripts));
    });
}

/// Runs the script of an element that a script has inserted, and fires `load` or `error` at it.
pub(crate) fn run_inserted<'js>(cx: &Cx<'js>, element: &Ref<'js, Element>, script: PendingScript) {
    let realm = Realm::of(cx);
    let base = realm.settings().client.base_url.clone();
    let Some(src) = &script.src else {
        // At once, inside of whoever inserted it.
        let ran = run(cx, &script, &script.text, &base);
        return report_thrown(cx, ran);
    };
    let what = if script.is_module {
        ScriptUse::Module
    } else {
        ScriptUse::ImportScripts
    };
    let url = base
        .join(src)
        .map_err(|error| format!("the script {src:?} has no URL: {error}"));
    let (network, client) = (Arc::clone(&Host::of(cx).network), realm.client());
    let fetched = async move { fetch_script(network, client, url?, what).await };
    let element = element.root(cx);
    realm.spawn_then(fetched, move |cx, fetched| {
        let event = match fetched {
            Ok(fetched) => {
                let ran = run(cx, &script, &fetched.source, &fetched.url);
                report_thrown(cx, ran);
                "load"
            }
            Err(message) => {
                Realm::of(cx).report(cx, &Error::type_error(message));
                "error"
            }
        };
        if let (Some(element), Ok(event)) = (element.get(cx), create_event(cx, event)) {
            EventTarget::dispatch(&element.upcast(), cx, &event);
        }
    });
}

fn run<'js>(cx: &Cx<'js>, script: &PendingScript, source: &str, url: &Url) -> Fallible<'js, ()> {
    if script.is_module {
        // A rejection that nobody handles is reported as every other.
        Realm::run_script(cx, || cx.run_module(source, url.as_str()))?;
    } else {
        Realm::run_classic_script(cx, source, url.as_str())?;
    }
    Ok(())
}

/// <https://html.spec.whatwg.org/multipage/parsing.html#the-end>
fn loaded(cx: &Cx<'_>) {
    let fired = (|| {
        let document = document(cx)?;
        Document::set_ready_state(&document, cx, DocumentReadyState::Interactive)?;
        let event = create_event(cx, "DOMContentLoaded")?;
        EventTarget::dispatch(&document.upcast(), cx, &event);
        // 6.4. Messages of service workers had to wait.
        enable_client_messages(cx);
        Document::set_ready_state(&document, cx, DocumentReadyState::Complete)?;
        let window = Ref::<Window>::of(cx, &cx.global())?;
        let event = create_event(cx, "load")?;
        EventTarget::dispatch(&window.upcast(), cx, &event);
        Ok(())
    })();
    report_thrown(cx, fired);
}
