//! The pages and worker scripts around tests in JavaScript, as the platform's own server makes them; and what the harness
//! asks its browser for.

use url::Url;

use super::meta::Meta;

/// A response that no server gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// Its MIME type.
    pub(crate) mime: &'static str,
    /// Its body.
    pub(crate) body: String,
}

/// What is to be made for a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// A page that runs the test.
    Window,
    /// A page that runs it in a dedicated worker.
    WorkerPage,
    /// A page that runs it in a service worker.
    ServiceWorkerPage,
    /// The script of either worker.
    WorkerScript,
}

/// The wrapper that a URL stands for, and the path of the test's source; none where it is a file.
pub(crate) fn wrapper_of(url: &Url) -> Option<(Wrapper, String)> {
    let path = url.path();
    let of = |suffix: &str, source: &str, wrapper| {
        path.strip_suffix(suffix)
            .map(|stem| (wrapper, format!("{stem}{source}")))
    };
    of(".any.html", ".any.js", Wrapper::Window)
        .or_else(|| of(".window.html", ".window.js", Wrapper::Window))
        .or_else(|| of(".any.worker.html", ".any.js", Wrapper::WorkerPage))
        .or_else(|| of(".any.serviceworker.html", ".any.js", Wrapper::ServiceWorkerPage))
        .or_else(|| of(".any.worker.js", ".any.js", Wrapper::WorkerScript))
        .or_else(|| of(".any.serviceworker.js", ".any.js", Wrapper::WorkerScript))
        .or_else(|| of(".worker.html", ".worker.js", Wrapper::WorkerPage))
}

impl Wrapper {
    /// Makes it, for a test with this source.
    pub(crate) fn make(&self, url: &Url, source_path: &str, source: &str) -> Made {
        let meta = Meta::of(source);
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let title = meta
            .title
            .as_deref()
            .map(|title| format!("<title>{}</title>\n", escape(title)));
        let title = title.unwrap_or_default();
        let timeout = if meta.is_long {
            "<meta name=\"timeout\" content=\"long\">\n"
        } else {
            ""
        };
        let head = format!(
            "<!doctype html>\n<meta charset=utf-8>\n{title}{timeout}<script src=\"/resources/testharness.js\"></script>\n\
             <script src=\"/resources/testharnessreport.js\"></script>\n"
        );
        let page = |body: String| Made {
            mime: "text/html; charset=utf-8",
            body: format!("{head}{body}"),
        };
        match self {
            Self::Window => {
                let scripts = meta.scripts.iter().map(|script| script_element(script));
                let scripts: String = scripts.collect();
                page(format!(
                    "<script>\n{}</script>\n{scripts}<div id=log></div>\n{}",
                    global(true),
                    script_element(source_path)
                ))
            }
            Self::WorkerPage => {
                // A `.worker.js` test is the worker's script itself.
                let script = match source_path.strip_suffix(".any.js") {
                    Some(stem) => format!("{stem}.any.worker.js"),
                    None => source_path.to_owned(),
                };
                let script = serde_json::Value::from(format!("{script}{query}"));
                page(format!(
                    "<div id=log></div>\n<script>\nfetch_tests_from_worker(new Worker({script}));\n</script>\n"
                ))
            }
            Self::ServiceWorkerPage => {
                let stem = source_path.strip_suffix(".any.js").unwrap_or(source_path);
                let script = serde_json::Value::from(format!("{stem}.any.serviceworker.js{query}"));
                page(format!(
                    "<div id=log></div>\n<script>\n{}</script>\n",
                    service_worker_page(&script)
                ))
            }
            Self::WorkerScript => Made {
                mime: "text/javascript; charset=utf-8",
                body: worker_script(&meta, source_path),
            },
        }
    }
}

/// What tests for several globals ask which one theirs is.
fn global(is_window: bool) -> String {
    let is_worker = !is_window;
    format!(
        "self.GLOBAL = {{isWindow: () => {is_window}, isWorker: () => {is_worker}, isShadowRealm: () => false}};\n"
    )
}

fn script_element(src: &str) -> String {
    format!("<script src=\"{}\"></script>\n", escape(src))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

/// Registers the worker anew, and collects the results of its tests.
fn service_worker_page(script: &serde_json::Value) -> String {
    format!(
        "(async () => {{\n\
         const scope = \"does/not/exist\";\n\
         const known = await navigator.serviceWorker.getRegistration(scope);\n\
         if (known) await known.unregister();\n\
         const registration = await navigator.serviceWorker.register({script}, {{scope}});\n\
         fetch_tests_from_worker(registration.installing);\n\
         }})();\n"
    )
}

fn worker_script(meta: &Meta, source_path: &str) -> String {
    let import = |path: &str| format!("importScripts({});\n", serde_json::Value::from(path));
    let title = meta
        .title
        .as_deref()
        .map(|title| format!("self.META_TITLE = {};\n", serde_json::Value::from(title)));
    let mut script = global(false) + &title.unwrap_or_default();
    script.push_str(&import("/resources/testharness.js"));
    script.extend(meta.scripts.iter().map(|path| import(path)));
    script.push_str(&import(source_path));
    script.push_str("done();\n");
    script
}

/// `testharnessreport.js`: no output in the page; the results go to the runner.
pub(crate) const REPORT: &str = "\
setup({output: false});
add_completion_callback((tests, harness) => {
  bgfetchWpt.complete(JSON.stringify({
    status: harness.status,
    message: harness.message,
    tests: tests.map(({name, status, message}) => ({name, status, message})),
  }));
});
";

/// `testdriver-vendor.js`: what tests ask of the user.
pub(crate) const VENDOR: &str = "\
for (const command of ['set_permission', 'background_fetch_click', 'bless', 'delete_all_cookies']) {
  window.test_driver_internal[command] = async (...values) =>
      bgfetchWpt.command(command, JSON.stringify(values.filter(value => value !== null && value !== window)));
}
window.test_driver_internal.in_automation = true;
";

#[cfg(test)]
mod tests {
    use super::*;

    fn made(url: &str, source: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        let (wrapper, path) = wrapper_of(&url)?;
        Some(wrapper.make(&url, &path, source).body)
    }

    #[test]
    fn a_page_runs_the_scripts_of_the_metadata_before_the_test() {
        let source = "// META: script=/common/utils.js\n// META: timeout=long\n";
        let page = made("https://a.test/x/y.https.window.html", source).unwrap();
        let common = page.find("src=\"/common/utils.js\"").unwrap();
        assert!(common < page.find("src=\"/x/y.https.window.js\"").unwrap());
        assert!(page.contains("content=\"long\""), "{page}");
    }

    #[test]
    fn a_worker_imports_them_and_says_when_it_is_done() {
        let script = made(
            "https://a.test/x.any.worker.js?v",
            "// META: script=a.js\n// META: title=T\n",
        )
        .unwrap();
        let expected = "self.GLOBAL = {isWindow: () => false, isWorker: () => true, isShadowRealm: () => false};\n\
                        self.META_TITLE = \"T\";\nimportScripts(\"/resources/testharness.js\");\n\
                        importScripts(\"a.js\");\nimportScripts(\"/x.any.js\");\ndone();\n";
        assert_eq!(script, expected);
        let page = made("https://a.test/x.any.worker.html?v", "").unwrap();
        assert!(page.contains("new Worker(\"/x.any.worker.js?v\")"), "{page}");
    }

    #[test]
    fn what_is_no_wrapper_is_a_file() {
        assert_eq!(made("https://a.test/x.html", ""), None);
        assert_eq!(made("https://a.test/x.any.js", ""), None);
    }
}
