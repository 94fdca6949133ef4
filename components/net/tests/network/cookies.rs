//! Cookies, between hosts that a proxy plays.

use background_fetch::fetch::CredentialsMode;
use background_fetch_net::{CookieJar, HttpNetwork, Proxies};
use http::HeaderValue;
use http::header::COOKIE;
use url::Url;

use crate::support::proxy::Proxy;
use crate::support::server::{Reply, Seen, Server};
use crate::support::{certificates, fetch, options, page, user};

const SHARED: [(&str, &str); 2] = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
];

/// Every host of http, and those of `NAMES` on https. A request for `/set?…` sets what follows, parts with `&&` between.
struct Web {
    plain: Server,
    secure: Server,
    jar: CookieJar,
    network: HttpNetwork,
    secure_network: HttpNetwork,
}

const NAMES: [&str; 4] = ["example.com", "a.example.com", "b.example.com", "other.example"];

impl Web {
    fn new() -> Self {
        let jar = CookieJar::in_memory();
        let plain = Server::http(answer);
        let secure = Server::https_with(certificates::server_of(&NAMES), answer);
        let tunnel = Proxy::to(secure.address()).url();
        let through = |proxy: &str| {
            let proxies = Proxies::all(proxy, "127.0.0.1").unwrap();
            let options = options().proxies(proxies).cookie_jar(jar.clone());
            options.build().unwrap()
        };
        Self {
            network: through(plain.url("/").as_str()),
            secure_network: through(&tunnel),
            plain,
            secure,
            jar,
        }
    }

    fn get(&self, url: &str) {
        let url = Url::parse(url).unwrap();
        let network = match url.scheme() {
            "https" => &self.secure_network,
            _ => &self.network,
        };
        let outcome = fetch(network, user(&url));
        assert_eq!(outcome.error, None);
    }

    /// Fetches a URL from a page.
    fn get_from(&self, from: &str, url: &str, credentials: CredentialsMode) {
        let url = Url::parse(url).unwrap();
        let mut request = page(from, &url);
        request.request.credentials = credentials;
        let network = match url.scheme() {
            "https" => &self.secure_network,
            _ => &self.network,
        };
        assert_eq!(fetch(network, request).error, None);
    }

    fn set(&self, url: &str, cookies: &[&str]) {
        self.get(&set_url(url, cookies));
    }

    /// The cookies that the user's request for this URL carries.
    fn sent_to(&self, url: &str) -> String {
        self.get(url);
        self.last(url)
    }

    /// The cookies that a page's request for this URL carries.
    fn sent_from(&self, from: &str, url: &str, credentials: CredentialsMode) -> String {
        self.get_from(from, url, credentials);
        self.last(url)
    }

    fn last(&self, url: &str) -> String {
        let server = if url.starts_with("https") {
            &self.secure
        } else {
            &self.plain
        };
        let seen = server.seen();
        let cookies = seen.last().unwrap().header("cookie").unwrap_or_default();
        cookies.to_owned()
    }
}

fn set_url(url: &str, cookies: &[&str]) -> String {
    let mut url = Url::parse(url).unwrap().join("/set").unwrap();
    url.query_pairs_mut()
        .extend_pairs(cookies.iter().map(|cookie| ("c", cookie)));
    url.into()
}

fn answer(seen: &Seen) -> Reply {
    let url = Url::options()
        .base_url(Some(&Url::parse("http://any.example").unwrap()))
        .parse(&seen.target)
        .unwrap();
    let origin = seen.header("origin").unwrap_or("*").to_owned();
    let cookies: Vec<_> = url.query_pairs().map(|(_, cookie)| cookie.into_owned()).collect();
    let mut headers = vec![(SHARED[0].0, origin.as_str()), SHARED[1]];
    if url.path() == "/set" {
        headers.extend(cookies.iter().map(|cookie| ("Set-Cookie", cookie.as_str())));
    }
    Reply::new(200, &headers, "")
}

#[test]
fn a_cookie_comes_back_until_it_is_removed() {
    let web = Web::new();
    assert_eq!(web.sent_to("http://example.com/"), "");
    web.set(
        "http://example.com/",
        &[
            "a=1; HttpOnly",
            "b=2; Max-Age=1000",
            "c=3; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        ],
    );
    assert_eq!(web.sent_to("http://example.com/x"), "a=1; b=2; c=3");
    web.set(
        "http://example.com/",
        &[
            "a=; Max-Age=0",
            "b=4",
            "c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ],
    );
    assert_eq!(web.sent_to("http://example.com/x"), "b=4");
    web.jar.clear();
    assert_eq!(web.sent_to("http://example.com/x"), "");
}

#[test]
fn a_cookie_is_for_its_host_or_for_a_domain_that_is_no_public_suffix() {
    let web = Web::new();
    web.set(
        "http://a.example.com/",
        &[
            "host=1",
            "domain=2; Domain=example.com",
            "dot=3; Domain=.Example.COM",
            "suffix=4; Domain=com",
            "other=5; Domain=b.example.com",
            "below=6; Domain=x.a.example.com",
            "foreign=7; Domain=other.example",
        ],
    );
    assert_eq!(web.sent_to("http://a.example.com/"), "host=1; domain=2; dot=3");
    assert_eq!(web.sent_to("http://b.example.com/"), "domain=2; dot=3");
    assert_eq!(web.sent_to("http://notexample.com/"), "");
    web.set("http://a.co.uk/", &["suffix=1; Domain=co.uk"]);
    web.set("http://a.github.io/", &["suffix=1; Domain=github.io"]);
    assert_eq!(
        web.sent_to("http://b.co.uk/") + &web.sent_to("http://b.github.io/"),
        ""
    );
    // A suffix may set one for itself, and for nobody below.
    web.set("http://github.io/", &["own=1; Domain=github.io"]);
    assert_eq!(web.sent_to("http://github.io/"), "own=1");
    assert_eq!(web.sent_to("http://a.github.io/"), "");
    // An address has no domain.
    web.set("http://10.0.0.1/", &["address=1; Domain=0.0.1", "own=2"]);
    assert_eq!(web.sent_to("http://10.0.0.1/"), "own=2");
}

#[test]
fn the_longest_path_comes_first_and_ports_do_not_matter() {
    let web = Web::new();
    web.set(
        "http://example.com/",
        &["root=1; Path=/", "deep=2; Path=/a/b", "middle=3; Path=/a"],
    );
    assert_eq!(
        web.sent_to("http://example.com:81/a/b/c"),
        "deep=2; middle=3; root=1"
    );
    assert_eq!(web.sent_to("http://example.com/a/bc"), "middle=3; root=1");
    assert_eq!(web.sent_to("http://example.com/ab"), "root=1");
}

#[test]
fn a_secure_cookie_stays_on_secure_connections() {
    let web = Web::new();
    web.set("http://example.com/", &["no=1; Secure"]);
    assert!(web.jar.is_empty());
    web.set(
        "https://example.com/",
        &["s=secret; Secure; Domain=example.com", "p=plain"],
    );
    assert_eq!(web.sent_to("https://example.com/"), "s=secret; p=plain");
    assert_eq!(web.sent_to("http://example.com/"), "p=plain");
    // Who can change the plain connection cannot replace it either.
    web.set(
        "http://a.example.com/",
        &["s=forged", "s=forged; Domain=example.com", "p=new"],
    );
    assert_eq!(web.sent_to("https://a.example.com/"), "s=secret; p=new");
}

#[test]
fn this_machine_counts_as_secure() {
    let web = Web::new();
    let here = web.plain.url("/");
    web.set(here.as_str(), &["a=1; Secure"]);
    assert_eq!(web.sent_to(here.as_str()), "a=1");
}

#[test]
fn prefixes_are_kept() {
    let web = Web::new();
    let all = [
        "__Host-a=1; Secure; Path=/",
        "__Host-b=2; Secure; Path=/; Domain=example.com",
        "__Host-c=3; Path=/",
        "__Host-d=4; Secure; Path=/x",
        "__Host-e=5; Secure",
        "__Secure-f=6; Secure; Domain=example.com",
        "__Secure-g=7",
        "__host-h=8",
        "__SECURE-i=9",
    ];
    web.set("https://example.com/", &all);
    assert_eq!(web.sent_to("https://example.com/"), "__Host-a=1; __Secure-f=6");
    web.jar.clear();
    web.set("http://example.com/", &all);
    assert!(web.jar.is_empty());
}

#[test]
fn another_site_gets_and_sets_only_what_is_for_all_sites() {
    let web = Web::new();
    let all = [
        "d=default",
        "l=lax; SameSite=Lax",
        "s=strict; SameSite=Strict",
        "n=none; SameSite=None; Secure",
    ];
    const URL: &str = "https://a.example.com/";
    web.set(URL, &all);
    web.set(URL, &["open=1; SameSite=None"]);
    let sent_from = |from| web.sent_from(from, URL, CredentialsMode::Include);
    const EVERY: &str = "d=default; l=lax; s=strict; n=none";
    assert_eq!(sent_from("https://a.example.com"), EVERY);
    assert_eq!(sent_from("https://b.example.com:444"), EVERY);
    assert_eq!(sent_from("https://other.example"), "n=none");
    // The scheme is part of a site.
    assert_eq!(sent_from("http://a.example.com"), "n=none");
    web.jar.clear();
    web.get_from(
        "https://other.example",
        &set_url(URL, &all),
        CredentialsMode::Include,
    );
    assert_eq!(web.sent_to(URL), "n=none");
    web.jar.clear();
    web.get_from(
        "https://b.example.com",
        &set_url(URL, &all),
        CredentialsMode::Include,
    );
    assert_eq!(web.sent_to(URL), EVERY);
}

#[test]
fn credentials_decide_whether_cookies_are_sent_and_kept() {
    use CredentialsMode::*;
    const OWN: &str = "https://a.example.com";
    const NEIGHBOUR: &str = "https://b.example.com";
    for (from, credentials, included) in [
        (OWN, Omit, false),
        (OWN, SameOrigin, true),
        (OWN, Include, true),
        (NEIGHBOUR, Omit, false),
        (NEIGHBOUR, SameOrigin, false),
        (NEIGHBOUR, Include, true),
    ] {
        let web = Web::new();
        web.get_from(from, &set_url(OWN, &["a=1"]), credentials);
        assert_eq!(web.jar.len(), usize::from(included), "{from} {credentials:?}");
        web.set(OWN, &["a=1"]);
        let sent = web.sent_from(from, OWN, credentials);
        assert_eq!(sent, if included { "a=1" } else { "" }, "{from} {credentials:?}");
    }
}

#[test]
fn every_hop_sets_cookies_and_gets_its_own() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "http://a.example.com/1" => Reply::new(302, &[("Location", "/2"), ("Set-Cookie", "one=1")], ""),
        "http://a.example.com/2" => Reply::new(
            307,
            &[
                ("Location", "http://b.example.com/3"),
                ("Set-Cookie", "two=2; Domain=example.com"),
            ],
            "",
        ),
        _ => Reply::new(404, &[("Set-Cookie", "three=3")], ""),
    });
    let jar = CookieJar::in_memory();
    let proxies = Proxies::all(server.url("/").as_str(), "").unwrap();
    let network = options()
        .proxies(proxies)
        .cookie_jar(jar.clone())
        .build()
        .unwrap();
    let outcome = fetch(&network, user(&Url::parse("http://a.example.com/1").unwrap()));
    assert_eq!(outcome.head().status, 404);
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(|seen| seen.header("cookie")).collect();
    assert_eq!(sent, [None, Some("one=1"), Some("two=2")]);
    assert_eq!(jar.len(), 3);
}

#[test]
fn a_header_of_the_users_own_stands_and_a_pages_is_dropped() {
    let web = Web::new();
    web.set("http://example.com/", &["jar=1"]);
    let url = Url::parse("http://example.com/").unwrap();
    for (mut request, expected) in [(user(&url), "own=2"), (page("http://example.com", &url), "jar=1")] {
        request
            .request
            .headers
            .insert(COOKIE, HeaderValue::from_static("own=2"));
        assert_eq!(fetch(&web.network, request).error, None);
        assert_eq!(web.last(url.as_str()), expected);
    }
}

#[test]
fn without_a_jar_nothing_is_kept() {
    let server = Server::http(|_| Reply::new(200, &[("Set-Cookie", "a=1")], ""));
    let network = crate::support::network();
    for _ in 0..2 {
        fetch(&network, user(&server.url("/"))).answer();
    }
    assert!(server.seen().iter().all(|seen| seen.header("cookie").is_none()));
}

#[test]
fn what_is_no_cookie_or_too_large_is_ignored() {
    let answer = [
        b"HTTP/1.1 200 OK\r\n".as_slice(),
        b"Set-Cookie: \xff\xfe=1\r\nSet-Cookie: ok=1\r\nSet-Cookie: =nameless\r\nSet-Cookie: nothing\r\nSet-Cookie:\r\n",
        b"Set-Cookie: a=2; Max-Age=99999999999999999999\r\nSet-Cookie: b=3; Expires=never; Max-Age=x\r\n",
        b"Set-Cookie: c=4; Domain=; Path=\r\nSet-Cookie: ;;;=;;;\r\nSet-Cookie: d=5; SameSite=Sometimes\r\n",
        format!("Set-Cookie: large={}\r\n", "x".repeat(4096)).as_bytes(),
        format!("Set-Cookie: path=1; Path=/{}\r\n", "x".repeat(1024)).as_bytes(),
        b"Content-Length: 0\r\n\r\n",
    ]
    .concat();
    let server = Server::http(move |_| Reply::raw(&answer));
    let network = options().cookie_jar(CookieJar::in_memory()).build().unwrap();
    for _ in 0..2 {
        assert_eq!(fetch(&network, user(&server.url("/"))).error, None);
    }
    let seen = server.seen();
    assert_eq!(seen[1].header("cookie"), Some("ok=1; a=2; b=3; c=4; d=5"));
}

#[test]
fn a_jar_has_bounds_within_which_the_oldest_go() {
    let web = Web::new();
    for batch in 0..10 {
        let cookies: Vec<_> = (0..20)
            .map(|number| format!("c{}=1", batch * 20 + number))
            .collect();
        let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
        web.set("http://example.com/", &cookies);
    }
    assert_eq!(web.jar.len(), 180);
    let sent = web.sent_to("http://example.com/");
    assert!(sent.starts_with("c20=1;") && sent.ends_with("c199=1"), "{sent}");
    for host in 0..160 {
        let cookies: Vec<_> = (0..20).map(|number| format!("c{number}=1")).collect();
        let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
        web.set(&format!("http://host{host}.example/"), &cookies);
    }
    assert_eq!(web.jar.len(), 3000);
}
