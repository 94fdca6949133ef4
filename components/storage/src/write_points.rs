//! Named points around everything that changes a disk: where a test kills the process.
//!
//! With the feature `write-points` a hook is told of each point as it is reached, on the thread that
//! reaches it; without the feature the points cost nothing. One hook sees every point in order: a test counts them, or
//! kills at the n-th, which is all that is needed. (The `fail` crate looks a script up by the name of each point; it
//! has no kill, and no hook for all of them.) Not part of the interface.

#[cfg(feature = "write-points")]
mod hook;

use std::io::{self, Write};

#[cfg(feature = "write-points")]
pub use hook::{Point, set_hook};

macro_rules! steps {
    ($($(#[doc = $doc:literal])+ $step:ident = $name:literal,)+) => {
        /// Something that changes the disk.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Step {
            $($(#[doc = $doc])+ $step,)+
        }

        impl Step {
            /// Every step, in the order of a profile's life.
            pub const ALL: &[Self] = &[$(Self::$step,)+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)+
                }
            }
        }
    };
}

steps! {
    /// The profile's folder is made.
    ProfileFolder = "profile-folder",
    /// The lock file is opened, and made.
    LockFile = "lock-file",
    /// The lock file gets the owner's number.
    LockOwner = "lock-owner",
    /// The folder of body files is made.
    BodiesFolder = "bodies-folder",
    /// The database file is made.
    DatabaseFile = "database-file",
    /// SQLite opens it, and mends what a crash left.
    DatabaseOpen = "database-open",
    /// A migration of the schema is committed.
    Migrate = "migrate",
    /// A body file is cut off at what the database vouches for.
    Truncate = "truncate",
    /// What opening mends in the database is committed.
    Repair = "repair",
    /// Free pages are given back.
    Vacuum = "vacuum",
    /// The run of the machine is noted.
    NoteBoot = "note-boot",
    /// The names in the profile's folder are made durable.
    SyncProfile = "sync-profile",
    /// A transaction begins.
    Begin = "begin",
    /// A body file is made.
    CreateBody = "create-body",
    /// A new body file gets its first bytes.
    FirstBytes = "first-bytes",
    /// A body file gets more bytes.
    Append = "append",
    /// A write that failed is cut off.
    CutOff = "cut-off",
    /// The bytes of a body file are made durable.
    SyncBody = "sync-body",
    /// The names of body files are made durable.
    SyncBodies = "sync-bodies",
    /// A transaction is committed.
    Commit = "commit",
    /// Memory follows a commit: files are removed.
    Follow = "follow",
    /// Who waits for a commit is answered.
    Answer = "answer",
    /// A body file is removed.
    RemoveBody = "remove-body",
    /// An exported file gets its mode.
    ExportMode = "export-mode",
    /// An exported file gets its second name.
    ExportLink = "export-link",
    /// The copy of an export is made.
    ExportCreate = "export-create",
    /// It gets its bytes.
    ExportWrite = "export-write",
    /// They are made durable.
    ExportSync = "export-sync",
    /// It gets its name.
    ExportPersist = "export-persist",
    /// That name is made durable.
    ExportFolder = "export-folder",
    /// The database is closed.
    Close = "close",
}

/// Where in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before it.
    Before,
    /// Half of the bytes are written.
    Halfway,
    /// After it, successful or not.
    After,
}

#[cfg(feature = "write-points")]
use hook::reached;

#[cfg(not(feature = "write-points"))]
fn reached(_: Step, _: Moment) {}

/// Does a step.
pub(crate) fn step<T>(step: Step, action: impl FnOnce() -> T) -> T {
    reached(step, Moment::Before);
    let done = action();
    reached(step, Moment::After);
    done
}

/// Does a step that writes these bytes, in two halves.
pub(crate) fn write(step: Step, file: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    self::step(step, || {
        if !cfg!(feature = "write-points") {
            return file.write_all(bytes);
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        reached(step, Moment::Halfway);
        file.write_all(second)
    })
}
