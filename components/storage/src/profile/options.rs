//! [`Options`]: what a profile's owner chooses.

use background_fetch::embedder::StorageError;

/// What the owner of a profile chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the bodies of one storage key may take up. Default: the free space of the disk.
    pub quota: Quota,
    /// After how many bytes more a growing body is made durable, in bytes. Default: 4 MiB. So much of each
    /// body may be lost when the machine (not the process) goes down, and four times as much where the disk is behind:
    /// then appending waits for it.
    pub checkpoint_bytes: u64,
    /// Whether the end of each record is durable before anybody hears of it. Otherwise, the default, it is so within
    /// moments, at the latest before its background fetch ends: what the machine lost when it went down is fetched
    /// again. It never costs an event or a byte of what an event hands out.
    pub settle_durably: bool,
    /// A body of at most so many bytes lives in the database, a longer one in a file of its own. Default: 64 KiB.
    /// This much of each body may be lost when the process is killed.
    pub inline_bytes: usize,
    /// Complete bodies of that kind share a file of their background fetch instead where one commit stores at least so
    /// many bytes of them. Default: 64 KiB.
    pub pack_bytes: u64,
    /// The bytes of bodies, of all together, that may wait in memory. Default: 16 MiB.
    pub buffer_bytes: u64,
    /// Names this run of the machine, so that what the operating system had not written to the disk yet is known
    /// to have survived a kill of the process. None, the default, asks the operating system (Linux); an empty
    /// string stands for "not known": then only what was made durable is trusted.
    pub boot_id: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quota: Quota::FreeDiskSpace,
            checkpoint_bytes: 4 << 20,
            settle_durably: false,
            inline_bytes: 64 << 10,
            pack_bytes: 64 << 10,
            buffer_bytes: 16 << 20,
            boot_id: None,
        }
    }
}

/// What the bodies of one storage key may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So many bytes.
    Bytes(u64),
    /// What they take up already and what the profile's disk has free for this user.
    FreeDiskSpace,
}

/// What SQLite and memory bear in one piece.
const LARGEST_INLINE: usize = 16 << 20;

impl Options {
    /// The longest body that stays in the database.
    pub(super) fn inline_limit(&self) -> usize {
        self.inline_bytes.min(LARGEST_INLINE)
    }

    /// The name of this run of the machine, none where it is not known.
    pub(super) fn this_boot(&self) -> Option<String> {
        match &self.boot_id {
            Some(given) => Some(given.clone()),
            None => std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok(),
        }
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
    }
}

/// The result of everything here.
pub(super) type Result<T> = std::result::Result<T, StorageError>;
