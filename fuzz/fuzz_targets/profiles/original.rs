//! The profile that is damaged: made by the storage itself, once in each state, and kept in memory.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, NewRecord, PauseReasons, Settlement, Storage,
};
use background_fetch::fetch::{Client, Request, ResponseHead, StorageKey};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey, RecordKey, RegistrationKey, ResponseResult,
};
use background_fetch_sim::pattern;
use background_fetch_storage::{Options, ProfileStorage, Quota};
use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

pub const SITE: &str = "https://site.example/";

/// The paths of everything that is fetched.
pub const NAMES: [&str; 8] = ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7"];

/// The length of each of their responses: some stay in the database, some have a file.
const LENGTHS: [usize; 8] = [5000, 800, 3000, 0, 4000, 900, 2000, 100];

pub fn url(name: &str) -> Url {
    Url::parse(SITE).and_then(|site| site.join(name)).expect("a URL")
}

/// The bytes of a response.
pub fn response(name: &str) -> Bytes {
    let index = NAMES.iter().position(|found| *found == name);
    index.map_or_else(Bytes::new, |index| pattern(index as u64, 0, LENGTHS[index]))
}

/// The bytes of a request's body: one has one.
pub fn request(name: &str) -> Bytes {
    if name == "/7" {
        pattern(99, 0, 1500)
    } else {
        Bytes::new()
    }
}

pub fn options(restarted: bool) -> Options {
    Options {
        quota: Quota::Bytes(1 << 20),
        checkpoint_bytes: 1000,
        inline_bytes: 1000,
        boot_id: Some(if restarted { "second" } else { "first" }.to_owned()),
        ..Options::default()
    }
}

/// How many bytes of each response the database vouches for, with checksums.
const VOUCHED: [usize; 8] = [3000, 300, 3000, 0, 4000, 900, 1999, 0];

/// The bytes of a response that the database vouches for.
pub fn vouched(name: &str) -> Bytes {
    let index = NAMES.iter().position(|found| *found == name);
    index.map_or_else(Bytes::new, |index| response(name).slice(..VOUCHED[index]))
}

/// The path of a record that was stored.
pub fn name(record: RecordKey) -> Option<&'static str> {
    let first = match record.fetch {
        FetchKey(1) => 0,
        FetchKey(2) => 4,
        FetchKey(3) => 6,
        _ => return None,
    };
    NAMES.get(first + record.index).copied()
}

/// Puts the profile, as a good end or a crash left it, into a folder. Gives the names of the bodies' files.
pub fn copy(closed: bool, to: &Path) -> Vec<String> {
    static ORIGINALS: OnceLock<[Files; 2]> = OnceLock::new();
    let originals = ORIGINALS.get_or_init(|| [make(false), make(true)]);
    fs::create_dir_all(to.join("bodies")).expect("a folder");
    let original = &originals[usize::from(closed)];
    for (name, bytes) in original {
        fs::write(to.join(name), bytes).expect("a file");
    }
    let names = original.iter().map(|(name, _)| name.clone());
    names.filter(|name| name.starts_with("bodies/")).collect()
}

type Files = Vec<(String, Vec<u8>)>;

fn make(closed: bool) -> Files {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = ProfileStorage::open(folder.path(), options(false)).expect("a new profile opens");
    let [active, paused] = fill(&storage);
    block_on(storage.flush()).expect("it is stored");
    if closed {
        drop(storage);
        return files(folder.path());
    }
    // What the database does not vouch for.
    append(&storage, active, 0, 0, VOUCHED[0]..VOUCHED[0] + 300);
    append(&storage, paused, 0, 6, VOUCHED[6]..LENGTHS[6]);
    files(folder.path())
}

fn files(folder: &Path) -> Files {
    let mut found = Vec::new();
    for (prefix, folder) in [("", folder.to_owned()), ("bodies/", folder.join("bodies"))] {
        for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
            if let Ok(bytes) = fs::read(entry.path()) {
                found.push((format!("{prefix}{}", entry.file_name().to_string_lossy()), bytes));
            }
        }
    }
    found.sort();
    let bodies = found.iter().filter(|(name, _)| name.starts_with("bodies/"));
    assert!(bodies.count() > 2, "bodies have files");
    found
}

/// Background fetches in each state, with bodies of each kind. Gives those that go on.
fn fill(storage: &ProfileStorage) -> [FetchKey; 2] {
    // In the middle: a file and a small body that have begun, one that is complete, an empty one.
    let active = create(storage, "active", &[0, 1, 2, 3]);
    for (record, name) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        respond(storage, active, record, name);
        append(storage, active, record, name, 0..VOUCHED[name]);
    }
    settle(storage, active, 2, ResponseResult::Success);
    // At the end, not told yet.
    let settled = create(storage, "settled", &[4, 5]);
    for (record, name) in [(0, 4), (1, 5)] {
        respond(storage, settled, record, name);
        append(storage, settled, record, name, 0..VOUCHED[name]);
        settle(storage, settled, record, ResponseResult::Success);
    }
    let state = FetchState::Settled {
        result: BackgroundFetchResult::Success,
        failure_reason: BackgroundFetchFailureReason::Empty,
    };
    block_on(storage.set_state(settled, state)).expect("it is stored");
    // The user's pause, and an upload.
    let paused = create(storage, "paused", &[6, 7]);
    respond(storage, paused, 0, 6);
    append(storage, paused, 0, 6, 0..VOUCHED[6]);
    let user = PauseReasons {
        user: true,
        ..PauseReasons::default()
    };
    block_on(storage.set_paused(paused, user)).expect("it is stored");
    [active, paused]
}

fn create(storage: &ProfileStorage, id: &str, names: &[usize]) -> FetchKey {
    let scope = url("/");
    let record = |name: &usize| {
        let name = NAMES[*name];
        let body = request(name);
        let mut request = Request::new(url(name));
        let mut staged = None;
        if !body.is_empty() {
            request.method = Method::POST;
            request.body_length = Some(body.len() as u64);
            let to = block_on(storage.stage(&StorageKey::of(&scope))).expect("a body begins");
            block_on(storage.append(BodyKey::Staged(to), 0, body)).expect("it is stored");
            staged = Some(to);
        }
        NewRecord {
            request: Arc::new(request),
            body: staged,
        }
    };
    let new = NewFetch {
        registration: RegistrationKey::of(scope.clone()),
        id: id.into(),
        title: id.into(),
        icons: Vec::new(),
        download_total: 0,
        upload_total: 0,
        client: Arc::new(Client::page(scope.clone())),
        paused: PauseReasons::default(),
        records: names.iter().map(record).collect(),
    };
    block_on(storage.create(&new)).expect("it is stored")
}

fn respond(storage: &ProfileStorage, fetch: FetchKey, index: usize, name: usize) {
    let record = RecordKey { fetch, index };
    let name = NAMES[name];
    let mut headers = HeaderMap::new();
    headers.insert("etag", HeaderValue::from_static("\"v1\""));
    headers.insert("content-length", HeaderValue::from(response(name).len()));
    let head = ResponseHead::new(url(name), StatusCode::OK, headers);
    block_on(storage.set_response(record, 1, &head)).expect("it is stored");
}

/// Appends these of the bytes of a response.
fn append(storage: &ProfileStorage, fetch: FetchKey, index: usize, name: usize, range: Range<usize>) {
    let body = BodyKey::Response {
        record: RecordKey { fetch, index },
        generation: 1,
    };
    let mut offset = range.start as u64;
    for part in response(NAMES[name])[range].chunks(700) {
        let part = Bytes::copy_from_slice(part);
        let end = offset + part.len() as u64;
        block_on(storage.append(body, offset, part)).expect("it is stored");
        offset = end;
    }
}

fn settle(storage: &ProfileStorage, fetch: FetchKey, index: usize, result: ResponseResult) {
    let settlement = Settlement {
        result,
        uploaded: 0,
        detail: String::new(),
    };
    let record = RecordKey { fetch, index };
    block_on(storage.settle_record(record, &settlement)).expect("it is stored");
}
