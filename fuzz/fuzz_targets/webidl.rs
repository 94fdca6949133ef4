//! Any arguments of `fetch()`, and the conversions of Web IDL: what the specification refuses gets its exception and
//! leaves nothing behind, everything else is what the getters give back.
#![no_main]

use arbitrary::Arbitrary;
use background_fetch::api::{RequestInfo, RequestObject};
use background_fetch::embedder::{PermissionState, Policies};
use background_fetch::fetch::{
    CacheMode, Client, CredentialsMode, RedirectMode, ReferrerPolicy, Request, RequestBody, RequestMode,
    ResponseType, is_bad_port,
};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, BackgroundFetchUIOptions,
    DomString, ExceptionName, ImageResource, ResponseResult,
};
use background_fetch_storage::MemoryStorage;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Method;
use libfuzzer_sys::fuzz_target;
use spec_tests::{SITE, Site};
use url::Url;

const QUOTA: u64 = 1000;
const LONGEST_TEXT: usize = 40;
const MOST_ICONS: usize = 2;
const MOST_REQUESTS: usize = 3;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// The schedule.
    seed: u8,
    /// Whether no page fetches, but the user.
    is_user: bool,
    /// The page's URL, within the site.
    base: &'a str,
    id: Text<'a>,
    title: Option<Text<'a>>,
    icons: Option<Vec<&'a str>>,
    download_total: u64,
    requests: Vec<Info<'a>>,
    permission: Option<bool>,
    without_worker: bool,
    /// Whether the id is active already.
    taken: bool,
}

/// A DOMString.
#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Unicode(&'a str),
    CodeUnits(Vec<u16>),
}

/// A RequestInfo.
#[derive(Arbitrary, Debug)]
enum Info<'a> {
    Url(&'a str),
    Request {
        url: &'a str,
        method: &'a str,
        mode: u8,
        body: Option<Body<'a>>,
        body_used: bool,
    },
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    Bytes(&'a [u8]),
    /// Its pieces; none breaks it off.
    Stream(Vec<Option<&'a [u8]>>),
}

fuzz_target!(|input: Input<'_>| {
    strings(&input.id);
    if let Text::Unicode(text) = &input.id {
        enumerations(text);
    }
    let mut policies = Policies::default();
    policies.limits.text_length = LONGEST_TEXT;
    policies.limits.icons = MOST_ICONS;
    policies.limits.requests_of_a_fetch = MOST_REQUESTS;
    let site = Site::new(u64::from(input.seed), policies, MemoryStorage::new(QUOTA));
    site.world.run(arguments(&site, &input));
    assert_eq!(site.world.executor.live_spawned_tasks(), 0, "tasks are left over");
});

impl Text<'_> {
    fn dom_string(&self) -> DomString {
        match self {
            Self::Unicode(text) => DomString::from(*text),
            Self::CodeUnits(units) => DomString::from_code_units(units.clone()),
        }
    }
}

impl Info<'_> {
    /// The argument; none where a `Request` object cannot be made.
    fn argument(&self) -> Option<RequestInfo> {
        match self {
            Self::Url(text) => Some(RequestInfo::Url((*text).to_owned())),
            Self::Request {
                url,
                method,
                mode,
                body,
                body_used,
            } => Some(RequestInfo::Request(Box::new(RequestObject {
                request: Request {
                    method: method.parse().ok()?,
                    mode: RequestMode::ALL[usize::from(*mode) % RequestMode::ALL.len()],
                    ..Request::new(Url::parse(SITE).ok()?.join(url).ok()?)
                },
                body: body.as_ref().map(Body::request_body),
                body_used: *body_used,
            }))),
        }
    }

    fn body(&self) -> Option<&Body<'_>> {
        match self {
            Self::Url(_) => None,
            Self::Request { body, .. } => body.as_ref(),
        }
    }

    /// The URL that it names, where the Request constructor and `fetch()` take it.
    fn accepted(&self, client: &Client) -> Option<Url> {
        let url = match self {
            Self::Url(text) => {
                let trimmed = text.trim_matches(|unit: char| unit <= ' ');
                if client.origin.is_some() && trimmed.contains('<') && trimmed.contains(['\n', '\r']) {
                    return None;
                }
                client.base_url.join(text).ok()?
            }
            Self::Request { .. } => {
                let RequestInfo::Request(object) = self.argument()? else {
                    return None;
                };
                let request = object.request;
                let method = request.method.as_str().to_ascii_uppercase();
                let is_refused = request.mode == RequestMode::NoCors
                    || (request.mode == RequestMode::Navigate && client.origin.is_some())
                    || ["CONNECT", "TRACE", "TRACK"].contains(&method.as_str())
                    || (object.body.is_some() && matches!(request.method, Method::GET | Method::HEAD))
                    || object.body_used;
                if is_refused {
                    return None;
                }
                request.url
            }
        };
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let blocked = client.origin.is_some() && url.port().is_some_and(is_bad_port);
        let accepted = matches!(url.scheme(), "http" | "https") && !has_credentials && !blocked;
        accepted.then_some(url)
    }
}

impl Body<'_> {
    fn request_body(&self) -> RequestBody {
        match self {
            Self::Bytes(bytes) => Bytes::copy_from_slice(bytes).into(),
            Self::Stream(pieces) => {
                let pieces = pieces.iter().map(|piece| {
                    let bytes = piece.map(Bytes::copy_from_slice);
                    bytes.ok_or_else(|| "the source went away".to_owned())
                });
                RequestBody::Stream(stream::iter(pieces.collect::<Vec<_>>()).boxed())
            }
        }
    }

    /// Its length; none where it breaks off.
    fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stream(pieces) => pieces
                .iter()
                .map(|piece| piece.map(|bytes| bytes.len() as u64))
                .sum(),
        }
    }
}

/// The exceptions that the arguments may get, none where they are good.
fn exceptions(input: &Input<'_>, client: &Client, requests: &[&Info<'_>]) -> Vec<ExceptionName> {
    let good = |info: &&Info<'_>| info.accepted(client).is_some();
    let too_long = |text: &Text<'_>| text.dom_string().len() > LONGEST_TEXT;
    if requests.is_empty()
        || !requests.iter().all(good)
        || requests.len() > MOST_REQUESTS
        || too_long(&input.id)
        || input.title.as_ref().is_some_and(too_long)
        || input.icons.as_ref().map_or(0, Vec::len) > MOST_ICONS
    {
        return vec![ExceptionName::TypeError];
    }
    if input.permission == Some(false) {
        return vec![ExceptionName::NotAllowedError];
    }
    if input.without_worker || input.taken {
        return vec![ExceptionName::TypeError];
    }
    if input.download_total > QUOTA {
        return vec![ExceptionName::QuotaExceededError];
    }
    // Bodies are read at the same time: which of them fails first is a matter of the schedule.
    let mut exceptions = Vec::new();
    let lengths: Vec<_> = requests
        .iter()
        .filter_map(|info| info.body())
        .map(Body::length)
        .collect();
    if lengths.contains(&None) {
        exceptions.push(ExceptionName::TypeError);
    }
    let bytes = |body: &Body<'_>| match body {
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::Stream(pieces) => pieces
            .iter()
            .map_while(|piece| *piece)
            .map(|bytes| bytes.len() as u64)
            .sum(),
    };
    if requests
        .iter()
        .filter_map(|info| info.body())
        .map(bytes)
        .sum::<u64>()
        > QUOTA
    {
        exceptions.push(ExceptionName::QuotaExceededError);
    }
    exceptions
}

async fn arguments(site: &Site, input: &Input<'_>) {
    site.open().await;
    // Nothing arrives, and an event that tells of a failure stays active: so records stay available.
    site.world.network.offline();
    site.world.service_workers.hold();
    let Some(base) = Url::parse(SITE).ok().and_then(|url| url.join(input.base).ok()) else {
        return site.close().await;
    };
    let client = Client {
        storage_key: site.registration.storage_key.clone(),
        ..if input.is_user {
            Client::user(base)
        } else {
            Client::page(base)
        }
    };
    let page = site.open_realm(client.clone());
    let manager = page.realm.background_fetch(&site.registration);
    let id = input.id.dom_string();
    if input.taken {
        let other = manager
            .fetch(id.clone(), ["https://site.example/other"], Default::default())
            .await;
        assert!(other.is_ok() || id.len() > LONGEST_TEXT);
    }
    site.world.permissions.set(match input.permission {
        None => PermissionState::Prompt,
        Some(true) => PermissionState::Granted,
        Some(false) => PermissionState::Denied,
    });
    site.world
        .service_workers
        .set_active(&site.registration, !input.without_worker);

    let requests: Vec<_> = input
        .requests
        .iter()
        .filter(|info| info.argument().is_some())
        .collect();
    let title = input.title.as_ref().map(Text::dom_string);
    let icon = |src: &&str| ImageResource {
        src: (*src).to_owned(),
        ..Default::default()
    };
    let options = BackgroundFetchOptions {
        ui: BackgroundFetchUIOptions {
            icons: input.icons.as_ref().map(|icons| icons.iter().map(icon).collect()),
            title: title.clone(),
        },
        download_total: input.download_total,
    };
    let expected = exceptions(input, &client, &requests);
    let infos = requests.iter().filter_map(|info| info.argument());
    match manager.fetch(id.clone(), infos, options).await {
        Err(exception) => {
            assert!(
                expected.contains(&exception.name),
                "{exception}, not {expected:?}"
            );
            assert!(
                !exception.message.is_empty() && exception.message.len() < 4096,
                "{exception}"
            );
            if !input.taken {
                site.assert_nothing_stored().await;
            }
        }
        Ok(registration) => {
            assert_eq!(expected, []);
            assert_eq!(*registration.id(), id);
            assert_eq!(registration.download_total(), input.download_total);
            let lengths = requests.iter().filter_map(|info| info.body()?.length());
            assert_eq!(registration.upload_total(), lengths.sum::<u64>());
            let records = registration
                .match_all(None, Default::default())
                .await
                .expect("records");
            assert_eq!(records.len(), requests.len());
            for (record, info) in records.iter().zip(&requests) {
                let request = record.request();
                let url = &request.request().url;
                assert_eq!(Some(url), info.accepted(&client).as_ref());
                // What came out goes in again, and is the same.
                assert_eq!(Info::Url(url.as_str()).accepted(&client).as_ref(), Some(url));
                if request.request().is_get() {
                    let matched = registration.match_all(Some(url.as_str().into()), Default::default());
                    assert!(!matched.await.expect("records").is_empty());
                }
            }
            let inspected = site
                .engine()
                .inspect_one(registration.key())
                .expect("it is there");
            assert_eq!(inspected.title, title.unwrap_or_default());
            let is_empty = id.is_empty();
            match manager.get(id).await {
                Ok(again) => assert!(
                    again.is_none_or(|again| again == registration),
                    "another instance"
                ),
                Err(exception) => assert!(is_empty, "{exception}"),
            }
        }
    }
    page.event_loop.close();
    let cleared = site.engine().clear_registration(&site.registration).await;
    cleared.expect("the registration is cleared");
    site.world.service_workers.release();
    site.close().await;
}

/// A DOMString is its code units, whatever way it takes.
fn strings(text: &Text<'_>) {
    let string = text.dom_string();
    let units: Vec<u16> = match text {
        Text::Unicode(text) => text.encode_utf16().collect(),
        Text::CodeUnits(units) => units.clone(),
    };
    assert_eq!(string.code_units(), units);
    assert_eq!((string.len(), string.is_empty()), (units.len(), units.is_empty()));
    // As a USVString it has a replacement character for each lone surrogate.
    assert_eq!(string.to_string(), String::from_utf16_lossy(&units));
    let shown = DomString::from(string.to_string());
    assert_eq!(shown.to_string(), string.to_string());
    assert_eq!(string == shown, String::from_utf16(&units).is_ok());
    let json = serde_json::to_vec(&string).expect("it can be written");
    assert_eq!(
        serde_json::from_slice::<DomString>(&json).expect("it can be read"),
        string
    );
    let binary = postcard::to_stdvec(&string).expect("it can be written");
    assert_eq!(
        postcard::from_bytes::<DomString>(&binary).expect("it can be read"),
        string
    );
}

/// A string is a value of an enumeration, or none.
fn enumerations(text: &str) {
    macro_rules! check {
        ($($name:ident)+) => {
            $(match text.parse::<$name>() {
                Ok(value) => assert_eq!(value.as_str(), text),
                Err(_) => assert!($name::ALL.iter().all(|value| value.as_str() != text)),
            })+
        };
    }
    check!(BackgroundFetchResult BackgroundFetchFailureReason ResponseResult RequestMode CredentialsMode);
    check!(CacheMode RedirectMode ReferrerPolicy ResponseType);
}
