//! [`Story`]: what happens in a simulated world, as plain data: drawn from a seed or from bytes, told in words, and cut
//! down to what matters.

mod draw;
mod shrink;
mod words;

use background_fetch::embedder::{MeteredPolicy, PermissionState, StorageErrorKind};

pub use draw::Choices;
pub use shrink::shrink;

use crate::{Ranges, StorageOperation, UploadTrouble};

/// What happens in a simulated world: its servers, and step by step the scripts, the user, the network and the crashes.
///
/// The same story always goes the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The seed of the schedule, and of what a crash leaves.
    pub schedule: u64,
    /// What stays as it is throughout.
    pub setting: Setting,
    /// What the servers have.
    pub files: Vec<File>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// What stays as it is throughout a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The quota of the site, in bytes; none for one that is never reached.
    pub quota: Option<u64>,
    /// What the site may.
    pub permission: PermissionState,
    /// What a metered connection means.
    pub metered: MeteredPolicy,
    /// The failures in a row that a record survives.
    pub retries: u32,
    /// What goes wrong with each upload, where the policy is to resume them and servers keep what arrives.
    pub uploads: Option<Vec<UploadTrouble>>,
    /// Whether the second registration is another site's.
    pub two_sites: bool,
}

/// What a server has at a URL: one version after the other, of which the last stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The versions.
    pub versions: Vec<Version>,
}

/// One version of a file, and how its server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its length in bytes.
    pub length: u64,
    /// What names it.
    pub validator: Validator,
    /// The status of a whole response.
    pub status: u16,
    /// How a request for a part is answered.
    pub ranges: Ranges,
    /// The most bytes that a part has.
    pub range_cap: Option<u64>,
    /// Whether the server says how long it is.
    pub says_length: bool,
    /// Whether it travels compressed.
    pub content_decoded: bool,
    /// The other URLs through which its server redirects.
    pub redirects: usize,
    /// The bytes of a chunk.
    pub chunk: u64,
    /// The milliseconds before each chunk.
    pub chunk_delay: u64,
    /// The milliseconds before the head.
    pub latency: u64,
    /// What goes wrong with its requests, one after the other.
    pub troubles: Vec<Trouble>,
    /// The requests after which the next version takes its place.
    pub requests: u64,
}

/// What names a version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validator {
    /// Nothing.
    None,
    /// A strong entity tag.
    Strong,
    /// A weak entity tag.
    Weak,
    /// A date that is strong.
    Date,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// No connection.
    Unreachable,
    /// The connection drops after so many bytes.
    Drop(u64),
    /// After so many bytes nothing comes for so many seconds.
    Stall(u64, u64),
    /// After so many bytes nothing comes any more.
    StallForEver(u64),
    /// The answer has this status.
    Status(u16),
    /// After so many bytes comes what is no HTTP.
    Garbage(u64),
}

/// One of the background fetches of a story: an id in one of the two registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The registration, 0 or 1.
    pub registration: usize,
    /// The id: its place in the alphabet.
    pub id: usize,
}

/// One thing that happens. What a script or the user does is begun; the steps that let time pass say how far it comes
/// before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A page calls `fetch()`.
    Fetch {
        /// The id.
        target: Target,
        /// The files, by their places in the story.
        files: Vec<usize>,
        /// `downloadTotal`.
        download_total: u64,
        /// The first request is a `POST` with so many bytes.
        upload: Option<u64>,
    },
    /// A page calls `get()`, and again.
    Get(Target),
    /// A page calls `getIds()`.
    GetIds(usize),
    /// A page calls `abort()`.
    Abort(Target),
    /// A page reads the body of a record while it grows.
    Read(Target, usize),
    /// The user pauses.
    Pause(Target),
    /// The user resumes.
    Resume(Target),
    /// The user aborts.
    UserAborts(Target),
    /// The user allows what waits for permission.
    Allow(Target),
    /// The user refuses it.
    Refuse(Target),
    /// The site may from now on, may not, or the user is asked.
    Permission(PermissionState),
    /// A registration has an active worker from now on, or none.
    Worker(usize, bool),
    /// The user clicks.
    Click(Target),
    /// The user dismisses.
    Dismiss(Target),
    /// The browser opens another page.
    OpenPage,
    /// The user closes the page that was opened last, and opens another where it was the only one.
    ClosePage,
    /// The network goes away.
    Offline,
    /// The network comes back.
    Online,
    /// The network loses its connections.
    LoseConnections,
    /// The connection is metered from now on, or not.
    Metered(bool),
    /// Workers do this with their events from now on.
    Workers(Habit),
    /// So many workers do not start.
    WorkersFail(u32),
    /// The n-th next call of an operation of the storage fails, before or after its effect.
    StorageFails {
        /// The operation.
        operation: StorageOperation,
        /// Which of its calls, from 1.
        nth: usize,
        /// How.
        kind: StorageErrorKind,
        /// Whether it had its effect.
        after_effect: bool,
    },
    /// An operation of the storage fails from now on, until the storage is mended.
    StorageFailsOn(StorageOperation, StorageErrorKind),
    /// An operation of the storage takes so many milliseconds from now on, until the storage is mended.
    StorageIsSlow(StorageOperation, u64),
    /// The storage is mended.
    StorageIsMended,
    /// The site's registration is cleared.
    Clear(usize),
    /// The process is killed, and starts again.
    Crash,
    /// The program ends in good order, and starts again.
    Restart,
    /// So many milliseconds pass.
    Pass(u64),
    /// Tasks run so often, before anything else.
    Turns(u64),
    /// Everything goes as far as it can without time.
    Settle,
}

/// What a worker does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// It reads every record.
    Reads,
    /// It reads every record, after so many seconds.
    Slow(u64),
    /// It does nothing.
    Ignores,
    /// It reads the first record, and rejects.
    Rejects,
    /// It never settles: its time runs out.
    NeverSettles,
    /// It changes the title, and reads every record 20 seconds later.
    UpdatesUi,
}

impl Story {
    /// The story of a seed.
    pub fn of_seed(seed: u64) -> Self {
        Self::draw(&mut Choices::of_seed(seed))
    }

    /// The story that bytes stand for; every sequence of bytes is one.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::draw(&mut Choices::of_bytes(bytes))
    }
}
