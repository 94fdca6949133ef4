//! Our own tests of Background Fetch as scripts see it: `spec-tests/js`, run as `bgfetch wpt` runs the platform's.

mod handlers;
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;

fn spec_tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec-tests")
}

/// The harness and the published Web IDL; none where they were not fetched.
fn packages() -> Option<PathBuf> {
    let packages = spec_tests().join("node_modules");
    if packages.join("wpt-runner").exists() && packages.join("@webref/idl").exists() {
        return Some(packages);
    }
    // CI fetches them where there is npm, and must not pass without them.
    assert!(
        std::env::var_os("SPEC_TESTS_REQUIRED").is_none(),
        "{} lacks testharness.js or the Web IDL, and SPEC_TESTS_REQUIRED is set",
        packages.display()
    );
    // Not with `eprintln!`: the harness keeps the output of a test that passes to itself.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {} lacks testharness.js or the Web IDL; run `npm ci --prefix spec-tests`",
        packages.display()
    );
    None
}

/// Runs tests as the program does; the last line of what it says.
fn run(host: &str, tests: &str) -> Option<String> {
    let packages = packages()?;
    let js = spec_tests().join("js");
    let server = Server::start(&packages, &js).expect("the server starts");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgfetch"));
    command.args(["wpt", "--server", &server.origin(host)]);
    command.args(["--resolve", &format!("{host}=127.0.0.1"), "--expectations"]);
    command.arg(js.join("expectations.json"));
    command.args(tests.split_whitespace()).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let out = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{said}");
    out.lines().last().map(str::to_owned)
}

#[test]
fn background_fetch_is_what_scripts_expect() {
    // One of them alone, or a folder: `SPEC_TESTS_JS=abort.window.js cargo test -p bgfetch --test scripts`.
    let tests = std::env::var("SPEC_TESTS_JS").unwrap_or_else(|_| "/".into());
    if let Some(summary) = run("localhost", &tests) {
        let _ = writeln!(std::io::stderr(), "spec-tests/js: {summary}");
    }
}

#[test]
fn a_page_that_is_not_secure_has_no_service_workers() {
    run("insecure.test", "secure-contexts.window.js");
}
