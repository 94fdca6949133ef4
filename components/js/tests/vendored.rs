//! What is kept of other projects is what their packages have.

use std::io::Write;
use std::path::Path;

#[test]
fn the_streams_are_those_of_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("../../spec-tests/node_modules/web-streams-polyfill");
    if !package.exists() {
        // CI fetches it where there is npm, and must not pass without it.
        assert!(
            std::env::var_os("SPEC_TESTS_REQUIRED").is_none(),
            "{} is missing",
            package.display()
        );
        // Not with `eprintln!`: the harness keeps the output of a test that passes to itself.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {} is missing; run `npm ci --prefix spec-tests` to compare what is vendored with it",
            package.display()
        );
        return;
    }
    let vendored = root.join("vendor/web-streams-polyfill");
    for (ours, theirs) in [("ponyfill.mjs", "dist/ponyfill.mjs"), ("LICENSE", "LICENSE")] {
        let read =
            |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            read(&vendored.join(ours)) == read(&package.join(theirs)),
            "{ours} differs"
        );
    }
}
