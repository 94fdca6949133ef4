//! [`Story`]: what a background fetch is about. All of it follows from its id, so that every life, and who watches
//! them, know it.

use background_fetch::api::{RequestInfo, RequestObject};
use background_fetch::fetch::{Request, StorageKey};
use background_fetch::{DomString, RegistrationKey};
use background_fetch_sim::{Random, Resource, pattern};
use bytes::Bytes;
use http::Method;
use url::Url;

/// The site that all of it belongs to.
const SITE: &str = "https://site.example/";

/// How many versions there are of what changes.
const VERSIONS: u64 = 3;

/// What happens to a background fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// One of its files is not there.
    Missing,
    /// It sends something too, which may be sent once.
    Posting,
    /// A script aborts it.
    Aborted,
    /// The user pauses it, and lets it go on later.
    Paused,
    /// It belongs to a registration that is cleared now and then.
    Cleared,
    /// It has many small files, which are exported together.
    Many,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Plain, "plain"),
    (Kind::Missing, "missing"),
    (Kind::Posting, "posting"),
    (Kind::Aborted, "aborted"),
    (Kind::Paused, "paused"),
    (Kind::Cleared, "cleared"),
    (Kind::Many, "many"),
];

/// What a server has for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// One version, with an entity tag.
    Stable,
    /// Another version in each life, with an entity tag.
    Changing,
    /// Another version in each life, and nothing that tells them apart.
    Untagged,
    /// One version, over a connection that drops once.
    Dropping,
    /// Nothing.
    Missing,
}

/// A record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) url: String,
    pub(crate) server: Server,
    seed: u64,
    /// Its bytes, in the first version.
    pub(crate) length: u64,
    chunk: usize,
    /// What is sent, where something is.
    upload: Option<usize>,
}

/// A background fetch.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) records: Vec<Record>,
    /// Whether its bodies are exported.
    pub(crate) exports: bool,
}

impl Story {
    /// The `number`th of a life.
    pub(crate) fn new(life: u64, number: u64, random: &mut Random) -> Self {
        let (_, kind) = KINDS[random.below(KINDS.len() as u64) as usize];
        Self::named(&format!("{life}-{number}-{kind}-{}", random.below(1 << 40)))
            .unwrap_or_else(|| unreachable!("it was named right"))
    }

    /// The one of this id; none where it is no such id.
    pub(crate) fn named(id: &str) -> Option<Self> {
        let mut parts = id.split('-').skip(2);
        let name = parts.next()?;
        let (kind, _) = *KINDS.iter().find(|(_, known)| *known == name)?;
        let mut random = Random::new(parts.next()?.parse().ok()?);
        let lengths: &[u64] = match kind {
            Kind::Many => &[0, 300, 900],
            _ => &[0, 300, 900, 5000, 30_000, 100_000],
        };
        let count = random.below(4) + if kind == Kind::Many { 5 } else { 1 };
        let mut records: Vec<Record> = (0..count)
            .map(|index| Record::new(id, index, lengths, &mut random))
            .collect();
        match kind {
            Kind::Missing => records[0].server = Server::Missing,
            Kind::Posting => {
                records[0].upload = Some(1 + random.below(40_000) as usize);
                // It may not be sent again where the connection drops.
                records[0].server = Server::Stable;
            }
            _ => {}
        }
        Some(Self {
            id: id.to_owned(),
            kind,
            records,
            exports: kind == Kind::Many || random.chance(1, 3),
        })
    }

    /// Its registration.
    pub(crate) fn registration(&self) -> RegistrationKey {
        registration(self.kind == Kind::Cleared)
    }

    /// What a script gives to `fetch()`.
    pub(crate) fn requests(&self) -> Vec<RequestInfo> {
        self.records.iter().map(Record::request).collect()
    }
}

/// The registration that is cleared now and then, or the other.
pub(crate) fn registration(cleared: bool) -> RegistrationKey {
    let site = url(SITE);
    RegistrationKey {
        storage_key: StorageKey::of(&site),
        scope: if cleared {
            url("https://site.example/cleared/")
        } else {
            site
        },
    }
}

/// The page that calls.
pub(crate) fn page() -> Url {
    url(SITE)
}

fn url(text: &str) -> Url {
    text.parse()
        .unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

impl Record {
    fn new(id: &str, index: u64, lengths: &[u64], random: &mut Random) -> Self {
        let servers = [
            Server::Stable,
            Server::Changing,
            Server::Untagged,
            Server::Dropping,
        ];
        let most = lengths[random.below(lengths.len() as u64) as usize];
        Self {
            url: format!("{SITE}{id}/{index}"),
            server: servers[random.below(4) as usize],
            seed: random.below(1 << 40),
            length: most - random.below(most / 4 + 1),
            chunk: 100 + random.below(8000) as usize,
            upload: None,
        }
    }

    fn request(&self) -> RequestInfo {
        let Some(length) = self.upload else {
            return self.url.clone().into();
        };
        let request = Request {
            method: Method::POST,
            ..Request::new(url(&self.url))
        };
        let body = pattern(self.seed, 7, length);
        RequestInfo::Request(Box::new(RequestObject::with_body(request, body)))
    }

    /// The body that it sends.
    pub(crate) fn upload(&self) -> Option<Bytes> {
        self.upload.map(|length| pattern(self.seed, 7, length))
    }

    /// What its server has in a life.
    pub(crate) fn resource(&self, life: u64) -> Resource {
        let version = life % self.versions();
        let resource = Resource::pattern(self.pattern(version), self.length(version)).chunks(self.chunk);
        let tagged = |resource: Resource| resource.etag(&format!("v{version}"));
        match self.server {
            Server::Stable | Server::Changing => tagged(resource),
            Server::Untagged => resource,
            Server::Dropping => tagged(resource).drop_after(self.length / 2),
            Server::Missing => Resource::bytes("sorry").with_status(404),
        }
    }

    fn versions(&self) -> u64 {
        match self.server {
            Server::Changing | Server::Untagged => VERSIONS,
            _ => 1,
        }
    }

    fn pattern(&self, version: u64) -> u64 {
        self.seed * VERSIONS + version
    }

    fn length(&self, version: u64) -> u64 {
        self.length + version * 17
    }

    /// The version whose bytes these are, all of them, or the first where `cut`.
    pub(crate) fn version_of(&self, bytes: &[u8], cut: bool) -> Option<u64> {
        if self.server == Server::Missing {
            return (bytes == b"sorry").then_some(0);
        }
        (0..self.versions()).find(|version| {
            let length = self.length(*version) as usize;
            let fits = if cut {
                bytes.len() <= length
            } else {
                bytes.len() == length
            };
            fits && pattern(self.pattern(*version), 0, bytes.len()) == bytes
        })
    }
}

/// An id as the API has it.
pub(crate) fn dom_string(id: &str) -> DomString {
    DomString::from(id)
}
