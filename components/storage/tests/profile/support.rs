//! A profile folder and what the stories do with it.

use std::path::PathBuf;
use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, NewFetch, NewRecord, PauseReasons, RecordState, Settlement, Storage, StorageError, StoredFetch,
};
use background_fetch::fetch::{Client, Request, ResponseHead};
use background_fetch::{DomString, FetchKey, RecordKey, RegistrationKey, ResponseResult};
use background_fetch_storage::{Options, ProfileStorage, Quota};
use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, StatusCode};
use tempfile::TempDir;
use url::Url;

/// A profile folder that is gone when the story ends.
pub(crate) struct Profile {
    folder: TempDir,
    pub(crate) options: Options,
}

impl Profile {
    /// A new one, used since a boot of the machine that is called "first boot".
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            options: Options {
                quota: Quota::Bytes(1 << 30),
                boot_id: Some("first boot".to_owned()),
                ..Options::default()
            },
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    pub(crate) fn open(&self) -> ProfileStorage {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<ProfileStorage, StorageError> {
        ProfileStorage::open(self.path(), self.options.clone())
    }

    /// The machine goes down and comes up again.
    pub(crate) fn reboot(&mut self) {
        self.options.boot_id = Some("another boot".to_owned());
    }

    /// A connection to the database, as another program has it.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("database.sqlite3")).unwrap()
    }

    /// The files of bodies.
    pub(crate) fn body_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path().join("bodies")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(crate) fn body_file(&self) -> PathBuf {
        let [file] = self.body_files().try_into().expect("one body file");
        file
    }
}

pub(crate) fn new_fetch(records: usize) -> NewFetch {
    let url: Url = "https://shop.example/".parse().unwrap();
    let record = |index| NewRecord {
        request: Arc::new(Request::new(url.join(&format!("{index}.bin")).unwrap())),
        body: None,
    };
    NewFetch {
        registration: RegistrationKey::of(url.clone()),
        id: DomString::from("id"),
        title: DomString::from("title"),
        icons: Vec::new(),
        download_total: 0,
        upload_total: 0,
        client: Arc::new(Client::page(url.clone())),
        paused: PauseReasons::default(),
        records: (0..records).map(record).collect(),
    }
}

pub(crate) fn response() -> ResponseHead {
    let url = "https://shop.example/0.bin".parse().unwrap();
    ResponseHead::new(url, StatusCode::OK, HeaderMap::new())
}

pub(crate) fn success() -> Settlement {
    Settlement {
        result: ResponseResult::Success,
        uploaded: 0,
        detail: String::new(),
    }
}

/// The bytes of every story's bodies, from their first.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    pattern_from(0, length)
}

pub(crate) fn pattern_from(start: u64, length: usize) -> Vec<u8> {
    let byte = |index: u64| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
    (start..start + length as u64).map(byte).collect()
}

/// The calls of the stories, in a blocking form.
pub(crate) trait Blocking {
    fn create_with(&self, records: usize) -> FetchKey;
    /// Creates a background fetch of one record with a first response.
    fn begin(&self) -> (RecordKey, BodyKey);
    fn respond(&self, record: RecordKey, generation: u64) -> BodyKey;
    fn append_at(&self, body: BodyKey, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;
    fn settle(&self, record: RecordKey);
    fn pause(&self, fetch: FetchKey) -> Result<(), StorageError>;
    fn load_all(&self) -> Vec<StoredFetch>;
    fn load_record(&self, record: RecordKey) -> RecordState;
    fn read_at(&self, body: BodyKey, offset: u64, max: usize) -> Result<Bytes, StorageError>;
    fn read_all(&self, body: BodyKey) -> Vec<u8>;
}

impl Blocking for ProfileStorage {
    fn create_with(&self, records: usize) -> FetchKey {
        block_on(self.create(&new_fetch(records))).unwrap()
    }

    fn begin(&self) -> (RecordKey, BodyKey) {
        let record = RecordKey {
            fetch: self.create_with(1),
            index: 0,
        };
        (record, self.respond(record, 1))
    }

    fn respond(&self, record: RecordKey, generation: u64) -> BodyKey {
        block_on(self.set_response(record, generation, &response())).unwrap();
        BodyKey::Response { record, generation }
    }

    fn append_at(&self, body: BodyKey, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        block_on(self.append(body, offset, Bytes::copy_from_slice(bytes)))
    }

    fn settle(&self, record: RecordKey) {
        block_on(self.settle_record(record, &success())).unwrap();
    }

    fn pause(&self, fetch: FetchKey) -> Result<(), StorageError> {
        block_on(self.set_paused(fetch, PauseReasons::default()))
    }

    fn load_all(&self) -> Vec<StoredFetch> {
        block_on(self.load()).unwrap()
    }

    fn load_record(&self, record: RecordKey) -> RecordState {
        let fetch = self
            .load_all()
            .into_iter()
            .find(|fetch| fetch.key == record.fetch)
            .unwrap();
        fetch.records[record.index].state.clone()
    }

    fn read_at(&self, body: BodyKey, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        block_on(self.read(body, offset, max))
    }

    fn read_all(&self, body: BodyKey) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let part = self.read_at(body, all.len() as u64, usize::MAX).unwrap();
            if part.is_empty() {
                return all;
            }
            all.extend_from_slice(&part);
        }
    }
}
