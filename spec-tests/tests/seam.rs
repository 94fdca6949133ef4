//! The seam as it crosses a process boundary: every type of it comes back from JSON as it went.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{
    BodyKey, DisplayState, FetchState, FunctionalEvent, FunctionalEventName, NewFetch, NewRecord,
    PauseReasons, PermissionState, RecordState, Settlement, StagedBody, StorageEstimate, StoredFetch,
    StoredRecord,
};
use background_fetch::fetch::{
    CacheMode, Client, CredentialsMode, RedirectMode, Referrer, ReferrerPolicy, Request, RequestMode,
    ResponseHead, ResponseType, StorageKey,
};
use background_fetch::inspect::{EventKind, FetchInspection, InspectEvent, RecordInspection};
use background_fetch::seam::{
    Call, CallId, FetchSnapshot, RealmId, RealmTask, RecordSnapshot, Reply, ResponseDataKey,
};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, BackgroundFetchUIOptions,
    CacheQueryOptions, DomString, Exception, ExceptionName, FetchKey, ImageResource, RecordKey,
    RegistrationKey, ResponseResult,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spec_tests::{SITE, get};
use url::Url;

/// There and back. Not every type can be compared: all of them can be shown.
fn there_and_back<T: Serialize + DeserializeOwned + Debug>(value: &T) -> T {
    let json = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(format!("{back:?}"), format!("{value:?}"), "{json}");
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    back
}

/// The same, for what can be compared.
fn round_trip<T: Serialize + DeserializeOwned + Debug + PartialEq>(value: &T) {
    assert_eq!(there_and_back(value), *value);
}

fn lone_surrogate() -> DomString {
    DomString::from_code_units([0x61, 0xD800, 0, 0xDC00])
}

fn url(path: &str) -> Url {
    Url::parse(SITE).unwrap().join(path).unwrap()
}

fn registration() -> RegistrationKey {
    RegistrationKey {
        storage_key: StorageKey::new("https://site.example^partition"),
        scope: url("app/"),
    }
}

fn client() -> Client {
    Client {
        referrer_policy: ReferrerPolicy::StrictOriginWhenCrossOrigin,
        content_security_policies: vec!["default-src 'self'".to_owned(), String::new()],
        ..Client::page(url("page?q#f"))
    }
}

fn request() -> Request {
    let mut request = Request {
        method: "REPORT".parse().unwrap(),
        body_length: Some(u64::MAX),
        mode: RequestMode::SameOrigin,
        credentials: CredentialsMode::Include,
        cache: CacheMode::OnlyIfCached,
        redirect: RedirectMode::Manual,
        referrer: Referrer::Url(url("from")),
        referrer_policy: ReferrerPolicy::NoReferrer,
        integrity: "sha256-abc".to_owned(),
        keepalive: true,
        ..get("https://site.example/a?q#fragment")
    };
    let name = HeaderName::from_static("x-author");
    for value in [b"one".as_slice(), b"", b"\xFF\xE4\x80", b"tab\there"] {
        request
            .headers
            .append(&name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

fn head() -> ResponseHead {
    let mut head = ResponseHead::new(url("a"), StatusCode::from_u16(799).unwrap(), request().headers);
    head.response_type = ResponseType::Cors;
    head.url_list.push(url("b"));
    head.status_message = "Gr\u{fc}n".to_owned();
    head.cors_exposed_header_names = vec![HeaderName::from_static("x-author")];
    head.content_decoded = true;
    head
}

fn icons() -> Vec<ImageResource> {
    let full = ImageResource {
        src: "icon.png".to_owned(),
        sizes: Some("any".to_owned()),
        r#type: Some("image/png".to_owned()),
        label: Some(String::new()),
    };
    vec![full, ImageResource::default()]
}

fn options() -> BackgroundFetchOptions {
    BackgroundFetchOptions {
        ui: BackgroundFetchUIOptions {
            icons: Some(icons()),
            title: Some(lone_surrogate()),
        },
        download_total: u64::MAX,
    }
}

fn record_key() -> RecordKey {
    RecordKey {
        fetch: FetchKey(u64::MAX),
        index: usize::MAX,
    }
}

fn response_key() -> ResponseDataKey {
    ResponseDataKey {
        record: record_key(),
        generation: u64::MAX,
    }
}

fn snapshot() -> FetchSnapshot {
    FetchSnapshot {
        key: FetchKey(u64::MAX),
        id: lone_surrogate(),
        upload_total: u64::MAX,
        uploaded: u64::MAX - 1,
        download_total: 0,
        downloaded: 1,
        result: BackgroundFetchResult::Failure,
        failure_reason: BackgroundFetchFailureReason::DownloadTotalExceeded,
        records_available: true,
    }
}

#[test]
fn texts_come_back_code_unit_for_code_unit() {
    for text in [
        DomString::default(),
        DomString::from("a\0b \"\\ 日本 😀"),
        DomString::from_code_units([0xFFFD]),
        DomString::from_code_units([0xD800]),
        lone_surrogate(),
    ] {
        round_trip(&text);
    }
    assert_eq!(
        serde_json::to_string(&DomString::from("id")).unwrap(),
        "\"id\"",
        "text is text"
    );
}

#[test]
fn names_of_things_come_back() {
    round_trip(&registration());
    round_trip(&FetchKey(u64::MAX));
    round_trip(&record_key());
    round_trip(&response_key());
    round_trip(&RealmId(u64::MAX));
    round_trip(&CallId(0));
    round_trip(&StagedBody(7));
    round_trip(&StorageKey::new(""));
    for key in [
        BodyKey::Staged(StagedBody(1)),
        BodyKey::Request(record_key()),
        BodyKey::Response {
            record: record_key(),
            generation: 1,
        },
    ] {
        round_trip(&key);
    }
}

#[test]
fn requests_responses_and_environments_come_back_to_the_byte() {
    round_trip(&request());
    round_trip(&get(SITE));
    for referrer in [Referrer::NoReferrer, Referrer::Client] {
        round_trip(&Request {
            referrer,
            ..get(SITE)
        });
    }
    round_trip(&head());
    round_trip(&client());
    round_trip(&Client::user(url("")));
    for method in [Method::GET, Method::PATCH] {
        round_trip(&Request { method, ..get(SITE) });
    }
}

#[test]
fn enumerations_are_written_as_scripts_see_them() {
    fn all<T: Serialize + DeserializeOwned + Debug + PartialEq + Copy>(
        values: &[T],
        text: impl Fn(T) -> &'static str,
    ) {
        for value in values {
            round_trip(value);
            assert_eq!(serde_json::to_value(value).unwrap(), text(*value));
        }
    }
    all(BackgroundFetchResult::ALL, BackgroundFetchResult::as_str);
    all(
        BackgroundFetchFailureReason::ALL,
        BackgroundFetchFailureReason::as_str,
    );
    all(ResponseResult::ALL, ResponseResult::as_str);
    all(FunctionalEventName::ALL, FunctionalEventName::as_str);
    all(PermissionState::ALL, PermissionState::as_str);
    all(RequestMode::ALL, RequestMode::as_str);
    all(CredentialsMode::ALL, CredentialsMode::as_str);
    all(CacheMode::ALL, CacheMode::as_str);
    all(RedirectMode::ALL, RedirectMode::as_str);
    all(ReferrerPolicy::ALL, ReferrerPolicy::as_str);
    all(ResponseType::ALL, ResponseType::as_str);
}

#[test]
fn every_call_comes_back() {
    let fetch = FetchKey(1);
    let calls = [
        Call::Fetch {
            registration: registration(),
            client: Arc::new(client()),
            id: lone_surrogate(),
            requests: vec![request(), get(SITE)],
            options: options(),
        },
        Call::Get {
            registration: registration(),
            id: lone_surrogate(),
        },
        Call::GetIds {
            registration: registration(),
        },
        Call::Attach { fetch },
        Call::Abort { fetch },
        Call::MatchAll {
            fetch,
            request: None,
            options: CacheQueryOptions::default(),
        },
        Call::MatchAll {
            fetch,
            request: Some(Box::new(request())),
            options: CacheQueryOptions {
                ignore_search: true,
                ignore_method: false,
                ignore_vary: true,
            },
        },
        Call::ResponseReady(response_key()),
        Call::ReadResponse {
            response: response_key(),
            offset: u64::MAX,
        },
        Call::ReadRequest {
            record: record_key(),
            offset: 0,
        },
        Call::UpdateUI {
            fetch,
            options: options().ui,
        },
        Call::UpdateUI {
            fetch,
            options: BackgroundFetchUIOptions::default(),
        },
    ];
    for call in calls {
        there_and_back(&call);
    }
}

#[test]
fn every_task_comes_back() {
    let record = RecordSnapshot {
        response: response_key(),
        request: Arc::new(request()),
        ready: Some(Arc::new(head())),
    };
    let replies = [
        Reply::Registration(Some(snapshot())),
        Reply::Registration(None),
        Reply::Ids(vec![lone_surrogate(), DomString::default()]),
        Reply::Aborted(true),
        Reply::Records(vec![record.clone(), record]),
        Reply::Response(Arc::new(head())),
        Reply::Bytes(Some(Bytes::from_static(b"\0\xFF bytes"))),
        Reply::Bytes(Some(Bytes::new())),
        Reply::Bytes(None),
        Reply::Done,
    ];
    let call = CallId(u64::MAX);
    for reply in replies {
        there_and_back(&RealmTask::Settle {
            call,
            outcome: Ok(reply),
        });
    }
    for name in [
        ExceptionName::TypeError,
        ExceptionName::AbortError,
        ExceptionName::InvalidStateError,
        ExceptionName::NotAllowedError,
        ExceptionName::QuotaExceededError,
    ] {
        let exception = Exception::new(name, "why: \"\u{1F600}\"");
        round_trip(&exception);
        there_and_back(&RealmTask::Settle {
            call,
            outcome: Err(exception),
        });
    }
    there_and_back(&RealmTask::Update(snapshot()));
    round_trip(&snapshot());
}

#[test]
fn what_is_stored_comes_back() {
    let states = [
        FetchState::Active,
        FetchState::Aborted,
        FetchState::Settled {
            result: BackgroundFetchResult::Failure,
            failure_reason: BackgroundFetchFailureReason::BadStatus,
        },
        FetchState::Delivered,
    ];
    let paused = PauseReasons {
        user: true,
        permission: false,
        metered: true,
    };
    let settled = RecordState {
        sent: true,
        upload: Some(url("uploads/1")),
        generation: 3,
        response: Some(Arc::new(head())),
        length: u64::MAX,
        settlement: Some(Settlement {
            result: ResponseResult::QuotaExceeded,
            uploaded: 5,
            detail: "full".to_owned(),
        }),
    };
    let records = [RecordState::default(), settled].map(|state| StoredRecord {
        request: Arc::new(request()),
        state,
    });
    for state in states {
        round_trip(&StoredFetch {
            key: FetchKey(1),
            registration: registration(),
            id: lone_surrogate(),
            title: "title".into(),
            icons: icons(),
            download_total: 1,
            upload_total: 2,
            client: Arc::new(client()),
            paused,
            state,
            first_failure: BackgroundFetchFailureReason::FetchError,
            records: records.to_vec(),
        });
    }
    let body = Some(StagedBody(4));
    round_trip(&NewFetch {
        registration: registration(),
        id: lone_surrogate(),
        title: "title".into(),
        icons: icons(),
        download_total: 1,
        upload_total: 2,
        client: Arc::new(client()),
        paused,
        records: vec![NewRecord {
            request: Arc::new(request()),
            body,
        }],
    });
    let (usage, quota) = (1, u64::MAX);
    round_trip(&StorageEstimate { usage, quota });
}

#[test]
fn what_user_interfaces_and_workers_get_comes_back() {
    round_trip(&DisplayState {
        fetch: FetchKey(1),
        id: lone_surrogate(),
        registration: registration(),
        origin: "https://site.example".to_owned(),
        base_url: url("page"),
        title: lone_surrogate(),
        icons: icons(),
        bandwidth_in_use: true,
        dismissible: false,
        pausable: true,
        paused: PauseReasons::default(),
        download_total: 1,
        downloaded: 2,
        upload_total: 3,
        uploaded: 4,
        result: BackgroundFetchResult::Success,
        failure_reason: BackgroundFetchFailureReason::Empty,
    });
    round_trip(&FunctionalEvent {
        name: FunctionalEventName::Click,
        registration: registration(),
        fetch: FetchKey(1),
        id: lone_surrogate(),
    });
}

#[test]
fn what_is_inspected_comes_back() {
    let record = RecordInspection {
        method: "GET".to_owned(),
        url: url("a"),
        upload_total: 1,
        uploaded: 1,
        status: Some(206),
        content_length: Some(u64::MAX),
        downloaded: 2,
        result: ResponseResult::Redundant,
        in_flight: true,
        attempts: 3,
        detail: "why".to_owned(),
    };
    round_trip(&FetchInspection {
        key: FetchKey(1),
        registration: registration(),
        id: lone_surrogate(),
        title: DomString::default(),
        icons: vec![ImageResource::default()],
        paused: PauseReasons::default(),
        aborted: true,
        download_total: 1,
        downloaded: 2,
        upload_total: 3,
        uploaded: 4,
        result: BackgroundFetchResult::Empty,
        failure_reason: BackgroundFetchFailureReason::Empty,
        event_owed: true,
        records_available: false,
        records: vec![record],
    });
    let (record, name) = (usize::MAX, FunctionalEventName::Fail);
    let text = || "a sentence".to_owned();
    let kinds = [
        EventKind::Created,
        EventKind::Paused {
            reasons: PauseReasons::default(),
        },
        EventKind::Aborted,
        EventKind::RequestSent {
            record,
            attempt: 1,
            range_start: u64::MAX,
        },
        EventKind::ResponseReceived { record, status: 206 },
        EventKind::Retry {
            record,
            reason: text(),
            wait: Duration::new(u64::MAX, 999_999_999),
        },
        EventKind::Restarted {
            record,
            reason: text(),
        },
        EventKind::RecordSettled {
            record,
            result: ResponseResult::Success,
            detail: String::new(),
        },
        EventKind::Settled {
            result: BackgroundFetchResult::Success,
            failure_reason: BackgroundFetchFailureReason::Empty,
        },
        EventKind::EventFired { name },
        EventKind::EventFailed {
            name,
            message: text(),
        },
        EventKind::EventEnded { name },
        EventKind::Removed,
        EventKind::Cleared,
        EventKind::StorageTrouble { message: text() },
    ];
    for kind in kinds {
        round_trip(&InspectEvent {
            at: Duration::from_nanos(1),
            fetch: FetchKey(1),
            id: lone_surrogate(),
            kind,
        });
    }
}

#[test]
fn what_is_damaged_is_an_error_and_no_panic() {
    fn refused<T: DeserializeOwned>(json: &str) {
        assert!(serde_json::from_str::<T>(json).is_err(), "{json}");
    }
    refused::<DomString>("[65536]");
    refused::<DomString>("[-1]");
    refused::<BackgroundFetchResult>("\"Success\"");
    refused::<FetchKey>("-1");
    refused::<RegistrationKey>(r#"{"storage_key":"a","scope":"no url"}"#);
    let good = serde_json::to_value(request()).unwrap();
    for (field, bad) in [
        ("method", serde_json::json!("G T")),
        ("headers", serde_json::json!([["bad name", ""]])),
        ("headers", serde_json::json!([["x", "line\nbreak"]])),
        ("headers", serde_json::json!([["x", "\u{100}"]])),
        ("url", serde_json::json!("/relative")),
        ("mode", serde_json::json!("websocket")),
    ] {
        let mut damaged = good.clone();
        damaged[field] = bad;
        refused::<Request>(&damaged.to_string());
    }
    let mut damaged = serde_json::to_value(head()).unwrap();
    damaged["status"] = serde_json::json!(99);
    refused::<ResponseHead>(&damaged.to_string());
}
