//! Which tests there are: the files that a name stands for, and what each becomes in the globals that are here.

use std::collections::VecDeque;

use background_fetch_js::realm::is_potentially_trustworthy;
use url::Url;

use super::html::meta_of;
use super::meta::{Global, Meta};
use super::network::WptNetwork;
use crate::failure::Failure;

/// A test, as a page to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its page.
    pub(crate) url: Url,
    /// Whether it may take long.
    pub(crate) is_long: bool,
}

impl Test {
    /// What results and expectations call it.
    pub(crate) fn name(&self) -> String {
        self.url[url::Position::BeforePath..].to_owned()
    }
}

/// The servers of the platform's tests.
pub(crate) struct Servers(pub(crate) Vec<Url>);

impl Servers {
    /// The URL of a path: on a server with TLS where its name says so.
    fn url(&self, path: &str) -> Option<Url> {
        let needs_tls = path.contains(".https.");
        let fits = |server: &&Url| (server.scheme() == "https") == needs_tls;
        let server = self.0.iter().find(fits).or(self.0.first())?;
        server.join(path).ok()
    }
}

/// Folders that hold no tests.
const NO_TESTS: [&str; 4] = ["resources", "support", "service_workers", "tools"];

/// The tests that these names stand for: files, or folders with everything below.
///
/// # Errors
///
/// A name that the server does not have.
pub(crate) async fn discover(
    servers: &Servers,
    network: &WptNetwork,
    names: &[String],
) -> Result<Vec<Test>, Failure> {
    let mut tests = Vec::new();
    let mut open: VecDeque<String> = names
        .iter()
        .map(|name| format!("/{}", name.trim_start_matches('/')))
        .collect();
    while let Some(path) = open.pop_front() {
        let Some(url) = servers.url(&path) else {
            return Err(Failure::new("no server is given: say --server URL".to_owned()));
        };
        if path.ends_with('/') {
            let listing = network.read(&url).await.map_err(Failure::new)?;
            // In front: the order of the names stays.
            for entry in entries(&listing).into_iter().rev() {
                open.push_front(format!("{path}{entry}"));
            }
            continue;
        }
        if let Some(found) = tests_of(&url, network).await? {
            tests.extend(found);
        } else if names
            .iter()
            .any(|name| format!("/{}", name.trim_start_matches('/')) == path)
        {
            return Err(Failure::new(format!("{path} is no test that can run here")));
        }
    }
    Ok(tests)
}

/// The files and folders of a listing that may be or hold tests.
fn entries(listing: &str) -> Vec<String> {
    let links = listing
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let mut entries: Vec<String> = links
        .map(|link| link.trim_start_matches("./"))
        .filter(|link| !link.is_empty() && !link.starts_with(['/', '?', '.', '#']) && !link.contains("://"))
        .filter(|link| !NO_TESTS.contains(&link.trim_end_matches('/')))
        .filter(|link| link.ends_with('/') || link.ends_with(".js") || link.ends_with(".html"))
        .map(str::to_owned)
        .collect();
    entries.sort();
    entries.dedup();
    entries
}

/// What a file becomes; none where it is no test.
async fn tests_of(url: &Url, network: &WptNetwork) -> Result<Option<Vec<Test>>, Failure> {
    let path = url.path().to_owned();
    let is_script = path.ends_with(".any.js") || path.ends_with(".window.js") || path.ends_with(".worker.js");
    if !is_script && !path.ends_with(".html") {
        return Ok(None);
    }
    let source = network.read(url).await.map_err(Failure::new)?;
    if !is_script {
        let is_test = source.contains("/resources/testharness.js");
        return Ok(is_test.then(|| of_meta(url, &[path], &meta_of(&source))));
    }
    let meta = Meta::of(&source);
    // A service worker is for secure contexts.
    let is_secure = path.contains(".https.") || is_potentially_trustworthy(url);
    Ok(Some(of_meta(url, &pages(&path, &meta, is_secure), &meta)))
}

/// The tests that are at these paths: one for each variant.
fn of_meta(url: &Url, paths: &[String], meta: &Meta) -> Vec<Test> {
    let plain = [String::new()];
    let variants: &[String] = match &meta.variants[..] {
        [] => &plain,
        variants => variants,
    };
    let of_path = |path: &String| {
        let (path, is_long) = (path.clone(), meta.is_long);
        variants.iter().map(move |variant| Test {
            url: with_variant(url, &path, variant),
            is_long,
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// A variant is what stands behind the path: a query, a fragment, or both.
fn with_variant(url: &Url, path: &str, variant: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    let (query, fragment) = match variant.split_once('#') {
        Some((query, fragment)) => (query, Some(fragment)),
        None => (variant, None),
    };
    url.set_query(query.strip_prefix('?').filter(|query| !query.is_empty()));
    url.set_fragment(fragment);
    url
}

fn pages(path: &str, meta: &Meta, is_secure: bool) -> Vec<String> {
    if let Some(stem) = path.strip_suffix(".window.js") {
        return vec![format!("{stem}.window.html")];
    }
    if let Some(stem) = path.strip_suffix(".worker.js") {
        return vec![format!("{stem}.worker.html")];
    }
    let stem = path.strip_suffix(".any.js").unwrap_or(path);
    let page = |global: &Global| match global {
        Global::Window => format!("{stem}.any.html"),
        Global::DedicatedWorker => format!("{stem}.any.worker.html"),
        Global::ServiceWorker => format!("{stem}.any.serviceworker.html"),
    };
    let is_here = |global: &&Global| **global != Global::ServiceWorker || is_secure;
    meta.globals().iter().filter(is_here).map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_gives_tests_and_folders_in_order() {
        let listing = "<li><a href=\"../\">up</a><li><a href=\"b.any.js\">b</a><a href=\"resources/\">r</a>\
                       <a href=\"a.html\">a</a><a href=\"sub/\">s</a><a href=\"x.py\">x</a><a href=\"/top\">t</a>";
        assert_eq!(entries(listing), ["a.html", "b.any.js", "sub/"]);
    }

    #[test]
    fn the_name_says_which_server() {
        let servers = Servers(vec![
            Url::parse("http://a.test:8000").unwrap(),
            Url::parse("https://a.test:8443").unwrap(),
        ]);
        assert_eq!(servers.url("/x.https.any.js").unwrap().port(), Some(8443));
        assert_eq!(servers.url("/x.any.js").unwrap().port(), Some(8000));
    }

    #[test]
    fn a_test_is_run_once_for_each_variant() {
        let url = Url::parse("https://a.test/x.html").unwrap();
        let names = |source: &str| {
            let tests = of_meta(&url, &["/x.html".to_owned()], &meta_of(source));
            tests.iter().map(Test::name).collect::<Vec<_>>()
        };
        assert_eq!(names("<meta name=timeout content=long>"), ["/x.html"]);
        assert_eq!(
            names(
                "<meta content='?a&b#c' name=variant><meta name=variant content=''><meta name=variant content='#d'>"
            ),
            ["/x.html?a&b#c", "/x.html", "/x.html#d"]
        );
    }

    #[test]
    fn a_test_becomes_a_page_for_each_global() {
        let meta = Meta::of("// META: global=window,worker");
        let secure = [
            "/x.https.any.html",
            "/x.https.any.worker.html",
            "/x.https.any.serviceworker.html",
        ];
        assert_eq!(pages("/x.https.any.js", &meta, true), secure);
        assert_eq!(
            pages("/x.any.js", &meta, false),
            ["/x.any.html", "/x.any.worker.html"]
        );
        assert_eq!(pages("/x.window.js", &meta, false), ["/x.window.html"]);
    }
}
