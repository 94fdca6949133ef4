//! The file of a cookie jar.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use background_fetch_net::{CookieJar, CookieJarError};

use crate::support::server::{Reply, Server};
use crate::support::{PATIENCE, fetch, options, user};

/// A folder of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("background-fetch-jar-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn jar(&self) -> PathBuf {
        self.0.join("cookies.json")
    }

    /// Waits until the jar is saved: tasks of a network's runtime may hold it a moment longer than the test.
    fn wait_for_jar(&self) {
        let start = Instant::now();
        while !self.jar().exists() {
            assert!(start.elapsed() < PATIENCE, "the jar is not saved");
            std::thread::yield_now();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sets cookies, and gives those that were sent.
fn exchange(jar: &CookieJar, server: &Server) -> String {
    let network = options().cookie_jar(jar.clone()).build().unwrap();
    fetch(&network, user(&server.url("/"))).answer();
    let seen = server.seen();
    seen.last()
        .unwrap()
        .header("cookie")
        .unwrap_or_default()
        .to_owned()
}

fn setting(cookies: &'static [(&'static str, &'static str)]) -> Server {
    Server::http(move |_| Reply::new(200, cookies, ""))
}

#[test]
fn a_jar_is_there_again_without_its_session_cookies() {
    let folder = Folder::new();
    let server = setting(&[
        (
            "Set-Cookie",
            "kept=a \"b\" c; Max-Age=1000; HttpOnly; SameSite=Strict; Path=/",
        ),
        ("Set-Cookie", "gone=1"),
    ]);
    let jar = CookieJar::open(folder.jar()).unwrap();
    assert!(jar.is_empty());
    exchange(&jar, &server);
    jar.flush().unwrap();
    let again = CookieJar::open(folder.jar()).unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(exchange(&again, &server), "kept=a \"b\" c");
    // Nothing is left over from saving, and nobody else may read it.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.jar()).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_last_handle_saves_and_so_does_a_change_after_a_moment() {
    let folder = Folder::new();
    let server = setting(&[("Set-Cookie", "a=1; Max-Age=1000")]);
    let jar = CookieJar::open(folder.jar()).unwrap();
    exchange(&jar, &server);
    drop(jar);
    folder.wait_for_jar();
    fs::remove_file(folder.jar()).unwrap();

    let jar = CookieJar::open(folder.jar()).unwrap();
    let network = options().cookie_jar(jar.clone()).build().unwrap();
    fetch(&network, user(&server.url("/"))).answer();
    folder.wait_for_jar();
    assert_eq!(CookieJar::open(folder.jar()).unwrap().len(), 1);
}

#[test]
fn a_jar_that_did_not_change_is_not_written() {
    let folder = Folder::new();
    let jar = CookieJar::open(folder.jar()).unwrap();
    exchange(&jar, &setting(&[]));
    jar.flush().unwrap();
    drop(jar);
    assert!(!folder.jar().exists());
}

#[test]
fn a_damaged_jar_is_left_as_it_is_and_says_what_to_do() {
    let folder = Folder::new();
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{\"version\":2,\"cookies\":[]}",
        "{\"version\":1,\"cookies\":[{}]}",
        "{\"version\":1,\"cookies\":[{\"raw_cookie\":\"\",\"path\":[\"/\",true],\"domain\":{\"HostOnly\":\"a\"},\"expires\":\"SessionEnd\"}]}",
        "\u{0}\u{0}\u{0}\u{0}",
    ] {
        fs::write(folder.jar(), text).unwrap();
        let error = CookieJar::open(folder.jar()).unwrap_err();
        assert!(
            matches!(error, CookieJarError::Damaged { .. }),
            "{text:?}: {error}"
        );
        let message = error.to_string();
        assert!(message.contains("cookies.json is damaged ("), "{message}");
        assert!(
            message.ends_with("move it away to start with an empty one"),
            "{message}"
        );
        assert_eq!(fs::read_to_string(folder.jar()).unwrap(), text);
    }
    fs::write(folder.jar(), [0xff; 100]).unwrap();
    assert!(matches!(
        CookieJar::open(folder.jar()),
        Err(CookieJarError::Damaged { .. })
    ));
}

#[test]
fn odd_cookies_in_a_file_do_no_harm() {
    let folder = Folder::new();
    let cookie = |domain: &str| {
        format!(
            "{{\"raw_cookie\":\"a=b\",\"path\":[\"/\",true],\"domain\":{domain},\"expires\":{{\"AtUtc\":\"2100-01-01T00:00:00Z\"}}}}"
        )
    };
    let domains = [
        "{\"Suffix\":\"\"}",
        "{\"HostOnly\":\"\"}",
        "\"NotPresent\"",
        "\"Empty\"",
        "{\"Suffix\":\".\"}",
    ];
    let cookies: Vec<_> = domains.iter().map(|domain| cookie(domain)).collect();
    fs::write(
        folder.jar(),
        format!("{{\"version\":1,\"cookies\":[{}]}}", cookies.join(",")),
    )
    .unwrap();
    if let Ok(jar) = CookieJar::open(folder.jar()) {
        assert_eq!(exchange(&jar, &setting(&[("Set-Cookie", "c=1")])), "");
    }
}

#[test]
fn a_folder_that_is_not_there_is_said_and_the_change_is_not_lost() {
    let folder = Folder::new();
    let path = folder.0.join("later").join("cookies.json");
    let jar = CookieJar::open(&path).unwrap();
    exchange(&jar, &setting(&[("Set-Cookie", "a=1; Max-Age=1000")]));
    let message = jar.flush().unwrap_err().to_string();
    assert!(message.starts_with("cannot save the cookie jar "), "{message}");
    fs::create_dir(folder.0.join("later")).unwrap();
    jar.flush().unwrap();
    assert_eq!(CookieJar::open(&path).unwrap().len(), 1);
    let message = CookieJar::open(&folder.0).unwrap_err().to_string();
    assert!(message.starts_with("cannot read the cookie jar "), "{message}");
}
