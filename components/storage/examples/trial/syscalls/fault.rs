//! [`Fault`]: a system call that fails.

use std::collections::BTreeSet;
use std::fmt;

use super::trace::Call;

/// A system call that fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    call: String,
    error: &'static str,
    /// Which of a thread's calls of this name.
    nth: u64,
    /// And all that follow.
    and_on: bool,
}

/// The calls that may fail, with how. Not `fcntl`, which locks: SQLite takes a lock that is refused for somebody else's
/// and waits for seconds each time, and one that cannot be given back is held for ever.
const ERRORS: &[(&str, &[&str])] = &[
    ("openat", &["ENOSPC", "EIO", "EMFILE", "EROFS"]),
    ("mkdir", &["ENOSPC", "EIO", "EROFS", "EDQUOT"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("pwrite64", &["ENOSPC", "EIO", "EDQUOT", "EFBIG"]),
    ("fdatasync", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsync", &["ENOSPC", "EIO", "EDQUOT"]),
    // Not known to an old system, or forbidden, is no fault: then each file is synced.
    ("syncfs", &["ENOSPC", "EIO", "EDQUOT", "ENOSYS", "EPERM"]),
    ("ftruncate", &["ENOSPC", "EIO", "EROFS"]),
    ("fallocate", &["ENOSPC", "EIO"]),
    ("linkat", &["ENOSPC", "EIO", "EROFS", "EDQUOT", "EXDEV", "EMLINK"]),
    ("link", &["ENOSPC", "EIO", "EROFS", "EDQUOT", "EXDEV", "EMLINK"]),
    ("rename", &["ENOSPC", "EIO", "EROFS"]),
    ("renameat2", &["ENOSPC", "EIO", "EROFS"]),
    ("unlink", &["EIO", "EROFS"]),
    ("unlinkat", &["EIO", "EROFS"]),
    ("chmod", &["EIO", "EROFS"]),
    ("fchmod", &["EIO", "EROFS"]),
    ("fchown", &["EIO", "EROFS"]),
    ("pread64", &["EIO"]),
    ("read", &["EIO"]),
    ("lseek", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("newfstatat", &["EIO"]),
    ("statx", &["EIO"]),
    ("flock", &["EIO", "ENOLCK"]),
    ("mmap", &["ENOMEM"]),
];

/// The faults at these calls, of one name or of all.
pub(crate) fn of(calls: &[Call], only: Option<&str>) -> Vec<Fault> {
    let mut faults = BTreeSet::new();
    for call in calls
        .iter()
        .filter(|call| only.is_none_or(|only| call.name == only))
    {
        let errors = ERRORS.iter().find(|(name, _)| *name == call.name);
        if let Some((_, errors)) = errors {
            for (&error, and_on) in errors.iter().flat_map(|error| [(error, false), (error, true)]) {
                // Only what is made takes room.
                if error == "ENOSPC" && call.name == "openat" && !call.text.contains("O_CREAT") {
                    continue;
                }
                let (call, nth) = (call.name.clone(), call.nth);
                faults.insert(Fault {
                    call,
                    error,
                    nth,
                    and_on,
                });
            }
        }
    }
    faults.into_iter().collect()
}

impl Fault {
    /// What `strace` is to be told.
    pub(crate) fn injection(&self) -> String {
        let and_on = if self.and_on { "+" } else { "" };
        format!(
            "inject={}:error={}:when={}{and_on}",
            self.call, self.error, self.nth
        )
    }

    /// Why what it keeps from being stored fails; none where that is not known: SQLite does not say why it failed, and
    /// another try finds that there is room.
    pub(crate) fn is_full(&self) -> Option<bool> {
        let full = matches!(self.error, "ENOSPC" | "EDQUOT" | "EFBIG");
        (!full || self.and_on).then_some(full)
    }
}

impl Fault {
    /// Whether files can be removed: one that cannot stays until the profile is opened next.
    pub(crate) fn lets_files_go(&self) -> bool {
        !matches!(self.call.as_str(), "unlink" | "unlinkat")
    }

    /// Whether it lasts to the end.
    pub(crate) fn lasts(&self) -> bool {
        self.and_on
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.injection())
    }
}
