//! The seam in a binary form, which says the length of a list before its members and no names: what passes comes back
//! as it went.

use std::fmt::Debug;
use std::sync::Arc;

use background_fetch::fetch::{Client, Request, ResponseHead};
use background_fetch::seam::{Call, RealmTask, Reply};
use background_fetch::{BackgroundFetchOptions, DomString, RegistrationKey};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spec_tests::{SITE, get, post};
use url::Url;

fn there_and_back<T: Serialize + DeserializeOwned + Debug>(value: &T) {
    let bytes = postcard::to_stdvec(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    let back: T = postcard::from_bytes(&bytes).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in [&b"a=1"[..], b"b=\xff"] {
        headers.append(header::SET_COOKIE, HeaderValue::from_bytes(value).unwrap());
    }
    headers.insert(header::ETAG, HeaderValue::from_static("\"v1\""));
    headers
}

#[test]
fn a_call_comes_back_with_its_headers_and_a_lone_surrogate() {
    let url = Url::parse(SITE).unwrap();
    let request = Request {
        headers: headers(),
        body_length: Some(u64::MAX),
        ..post(SITE)
    };
    there_and_back(&Call::Fetch {
        registration: RegistrationKey::of(url.clone()),
        client: Arc::new(Client::page(url)),
        id: DomString::from_code_units([0x61, 0xD800]),
        requests: vec![request, get(SITE)],
        options: BackgroundFetchOptions::default(),
    });
}

#[test]
fn an_answer_comes_back_with_its_headers() {
    let mut head = ResponseHead::new(Url::parse(SITE).unwrap(), StatusCode::OK, headers());
    head.cors_exposed_header_names = vec![header::ETAG];
    there_and_back(&Reply::Response(Arc::new(head)));
    there_and_back(&RealmTask::Cleared {
        fetch: background_fetch::FetchKey(7),
    });
}
