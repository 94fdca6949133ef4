//! What the first lines of a platform test say: `// META: key=value`.
//!
//! <https://web-platform-tests.org/writing-tests/testharness.html#specifying-test-metadata>

/// The metadata of a test in JavaScript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The title.
    pub(crate) title: Option<String>,
    /// The scripts to run before it, as it writes them.
    pub(crate) scripts: Vec<String>,
    /// The variants: what is put behind its URL.
    pub(crate) variants: Vec<String>,
    /// Whether it may take long.
    pub(crate) is_long: bool,
    /// The globals that it is for, as it names them.
    globals: Option<Vec<String>>,
}

/// A global that tests run in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Global {
    /// A page.
    Window,
    /// A dedicated worker.
    DedicatedWorker,
    /// A service worker.
    ServiceWorker,
}

impl Meta {
    /// That of a source.
    pub(crate) fn of(source: &str) -> Self {
        let mut meta = Self::default();
        let lines = source.lines().map(str::trim);
        // It stands before everything else, but for empty lines and other comments.
        for line in lines.take_while(|line| line.is_empty() || line.starts_with("//")) {
            let Some(pair) = line.trim_start_matches('/').trim().strip_prefix("META:") else {
                continue;
            };
            let Some((key, value)) = pair.trim().split_once('=') else {
                continue;
            };
            match key.trim() {
                "title" => meta.title = Some(value.to_owned()),
                "script" => meta.scripts.push(value.to_owned()),
                "variant" => meta.variants.push(value.to_owned()),
                "timeout" => meta.is_long = value == "long",
                "global" => {
                    meta.globals = Some(value.split(',').map(|name| name.trim().to_owned()).collect());
                }
                _ => {}
            }
        }
        meta
    }

    /// The globals of an `.any.js` test that are here; a page and a dedicated worker where it does not say.
    pub(crate) fn globals(&self) -> Vec<Global> {
        let names = self.globals.as_deref();
        let has = |wanted: &[&str]| match names {
            None => wanted.contains(&"default"),
            Some(names) => names.iter().any(|name| wanted.contains(&name.as_str())),
        };
        let mut globals = Vec::new();
        if has(&["default", "window"]) {
            globals.push(Global::Window);
        }
        if has(&["default", "worker", "dedicatedworker"]) {
            globals.push(Global::DedicatedWorker);
        }
        if has(&["worker", "serviceworker"]) {
            globals.push(Global::ServiceWorker);
        }
        globals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_ends_where_the_test_begins() {
        let source = "// a comment\n// META: title=A title = more\n//META: script=/a.js\n\n// META: timeout=long\n\
                      // META: variant=?1\n// META: variant=?2\n'use strict';\n// META: script=/late.js\n";
        let meta = Meta::of(source);
        assert_eq!(meta.title.as_deref(), Some("A title = more"));
        assert_eq!(meta.scripts, ["/a.js"]);
        assert_eq!(meta.variants, ["?1", "?2"]);
        assert!(meta.is_long);
        assert_eq!(meta.globals(), [Global::Window, Global::DedicatedWorker]);
    }

    #[test]
    fn a_test_says_which_globals_it_is_for() {
        let globals = |value: &str| Meta::of(&format!("// META: global={value}")).globals();
        assert_eq!(
            globals("worker"),
            [Global::DedicatedWorker, Global::ServiceWorker]
        );
        assert_eq!(
            globals("window, serviceworker"),
            [Global::Window, Global::ServiceWorker]
        );
        assert_eq!(globals("jsshell"), []);
    }
}
