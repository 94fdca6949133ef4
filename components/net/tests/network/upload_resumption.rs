//! Informational responses that name an upload resource.

use background_fetch::embedder::NetworkRequest;
use background_fetch::fetch::upload::{
    INTEROP_VERSION, PARTIAL_UPLOAD, TRUE, UPLOAD_COMPLETE, UPLOAD_DRAFT_INTEROP_VERSION, UPLOAD_OFFSET,
};
use background_fetch_net::HttpNetwork;
use http::{HeaderValue, Method};
use std::io::{BufReader, Read, Write};
use url::Url;

use crate::support::bodies::{Stored, noise};
use crate::support::certificates;
use crate::support::server::{Reply, Seen, Server, accept_one, read_request};
use crate::support::{fetch, network, page, upload, user};

/// An upload creation.
fn creation(url: &Url, bytes: Vec<u8>) -> NetworkRequest {
    let mut request = upload(url, Method::POST, Stored::new(bytes));
    let headers = &mut request.request.headers;
    headers.insert(UPLOAD_COMPLETE, TRUE);
    headers.insert(UPLOAD_DRAFT_INTEROP_VERSION, INTEROP_VERSION);
    request
}

/// The upload resources that this informational response makes of a creation.
fn named(network: &HttpNetwork, informational: &str) -> Vec<String> {
    let answer = format!("{informational}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let server = Server::http(move |_| Reply::raw(&answer));
    let outcome = fetch(network, creation(&server.url("/a/b"), noise(1000)));
    assert_eq!(outcome.answer(), (200, "ok"));
    let base = server.url("/");
    let short = |url: &Url| url.as_str().replace(base.as_str(), "/");
    outcome.uploads.iter().map(short).collect()
}

#[test]
fn an_upload_resource_is_told_with_its_absolute_url() {
    let network = network();
    let table = [
        ("/uploads/1", "/uploads/1"),
        ("uploads/1#x", "/a/uploads/1"),
        ("https://other.example/1?a", "https://other.example/1?a"),
    ];
    for (location, expected) in table {
        let said = format!(
            "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Draft-Interop-Version: 9\r\nLocation: {location}\r\n\r\n"
        );
        assert_eq!(named(&network, &said), [expected], "{location}");
        // Progress that says the same is no news.
        let again = format!("HTTP/1.1 100 Continue\r\n\r\n{said}{said}");
        assert_eq!(named(&network, &again), [expected], "{location}");
    }
}

#[test]
fn what_is_no_upload_resource_is_ignored() {
    let network = network();
    for said in [
        "HTTP/1.1 104 x\r\nLocation: /1\r\n\r\n",
        "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 8\r\nLocation: /1\r\n\r\n",
        "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\n\r\n",
        "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nUpload-Offset: 7\r\n\r\n",
        "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nLocation: http://[\r\n\r\n",
        "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nLocation: /1\r\nLocation: /2\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nUpload-Draft-Interop-Version: 9\r\nLocation: /1\r\n\r\n",
    ] {
        assert_eq!(named(&network, said), [""; 0], "{said}");
    }
}

#[test]
fn nobody_is_told_who_did_not_ask() {
    let said = "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nLocation: /1\r\n\r\n";
    let server = Server::http(move |_| Reply::raw(format!("{said}HTTP/1.1 204 No Content\r\n\r\n")));
    let network = network();
    let plain = upload(&server.url("/"), Method::POST, Stored::new(noise(100)));
    assert_eq!(fetch(&network, plain).uploads, []);
    let mut append = creation(&server.url("/"), noise(100));
    append.request.headers.insert(UPLOAD_OFFSET, HeaderValue::from(7));
    assert_eq!(fetch(&network, append).uploads, []);
}

#[test]
fn an_upload_resource_is_told_while_the_body_is_sent_and_before_the_connection_breaks() {
    let url = accept_one(|mut socket| {
        let mut byte = [0];
        while !byte.starts_with(b"!") {
            socket.read_exact(&mut byte).unwrap();
        }
        let said = "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nLocation: /1\r\n\r\n";
        socket.write_all(said.as_bytes()).unwrap();
        // The client goes on sending; what is not read when the socket closes resets the connection.
        socket.read_exact(&mut vec![0; 16 * 1024 * 1024]).unwrap();
    });
    let mut bytes = noise(32 * 1024 * 1024);
    bytes[0] = b'!';
    let outcome = fetch(&network(), creation(&url, bytes));
    assert_eq!(outcome.uploads, [url.join("/1").unwrap()]);
    outcome.temporary();
}

#[test]
fn over_tls_creations_speak_http_1_1_whose_informational_responses_are_told() {
    let said = "HTTP/1.1 104 x\r\nUpload-Draft-Interop-Version: 9\r\nLocation: /1\r\n\r\n";
    let mut url = accept_one(move |socket| {
        let tls = rustls::ServerConnection::new(certificates::server(&["h2", "http/1.1"])).unwrap();
        let mut stream = BufReader::new(rustls::StreamOwned::new(tls, socket));
        let request = read_request(&mut stream).unwrap();
        assert_ne!(stream.get_ref().conn.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(request.body.len(), 1000);
        let answer = format!("{said}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    url.set_scheme("https").unwrap();
    let outcome = fetch(&network(), creation(&url, noise(1000)));
    assert_eq!(outcome.answer(), (200, "ok"));
    assert_eq!(outcome.uploads, [url.join("/1").unwrap()]);
}

#[test]
fn a_redirect_to_another_origin_or_to_a_get_is_no_creation() {
    let other = Server::http(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "*")], "ok"));
    let network = network();
    let location = other.url("/").to_string();
    let server = Server::http(move |_| Reply::redirect(307, &location));
    let has_fields = |seen: &Seen| seen.header("upload-complete").is_some();
    // A page's: the other origin was not asked.
    let mut request = creation(&server.url("/"), noise(100));
    request.client = page(&server.origin(), &server.url("/")).client;
    assert_eq!(fetch(&network, request).answer(), (200, "ok"));
    assert!(has_fields(&server.only()) && !has_fields(&other.only()));
    // The user's.
    assert_eq!(
        fetch(&network, creation(&server.url("/"), noise(100))).answer(),
        (200, "ok")
    );
    assert!(has_fields(&other.seen()[1]));

    let server = Server::http(|seen| match seen.target.as_str() {
        "/" => Reply::redirect(303, "/b"),
        _ => Reply::text("ok"),
    });
    assert_eq!(
        fetch(&network, creation(&server.url("/"), noise(100))).answer(),
        (200, "ok")
    );
    assert!(!has_fields(&server.seen()[1]));
}

#[test]
fn an_offset_is_retrieved_and_the_rest_appended() {
    let server = Server::http(|seen| match seen.method.as_str() {
        "HEAD" => Reply::raw(
            "HTTP/1.1 204 No Content\r\nUpload-Offset: 7\r\nUpload-Complete: ?0\r\nConnection: close\r\n\r\n",
        ),
        _ => Reply::new(200, &[("Upload-Complete", "?1")], "stored"),
    });
    let network = network();
    let mut retrieval = user(&server.url("/1"));
    retrieval.request.method = Method::HEAD;
    let outcome = fetch(&network, retrieval);
    assert_eq!(outcome.head().headers["upload-offset"], "7");
    assert_eq!(outcome.answer(), (204, ""));
    let mut append = creation(&server.url("/1"), b"the rest".to_vec());
    append.request.method = Method::PATCH;
    append.request.headers.insert(UPLOAD_OFFSET, HeaderValue::from(7));
    append.request.headers.insert("content-type", PARTIAL_UPLOAD);
    assert_eq!(fetch(&network, append).answer(), (200, "stored"));
    let seen = server.seen().remove(1);
    assert_eq!(seen.method, "PATCH");
    assert_eq!(seen.header("upload-offset"), Some("7"));
    assert_eq!(seen.header("content-type"), Some("application/partial-upload"));
    assert_eq!(seen.body, b"the rest");
}
