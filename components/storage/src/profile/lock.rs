//! One process owns a profile: it holds the lock on a file in it.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use background_fetch::embedder::{StorageError, StorageErrorKind};

use super::options::Result;
use super::{files, trouble};
use crate::write_points::{Step, step};

/// Held as long as the profile is open. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct ProfileLock {
    file: File,
}

impl Drop for ProfileLock {
    fn drop(&mut self) {
        // Closing it is not enough where a child that was just forked has it open, too, until it runs its program.
        let _ = self.file.unlock();
    }
}

impl ProfileLock {
    pub(super) fn take(profile: &Path) -> Result<Self> {
        let path = profile.join("lock");
        let open = || {
            let mut options = files::private();
            options.read(true).write(true).create(true).truncate(false);
            options.open(&path)
        };
        let mut file =
            step(Step::LockFile, open).map_err(|error| trouble::io("open the lock file", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(profile, file)),
            Err(TryLockError::Error(error)) => return Err(trouble::io("lock", &path, &error)),
        }
        // For whoever comes second; a lock without a name is a lock all the same.
        let _ = step(Step::LockOwner, || {
            file.set_len(0)?;
            file.write_all(std::process::id().to_string().as_bytes())
        });
        Ok(Self { file })
    }
}

fn in_use(profile: &Path, file: File) -> StorageError {
    let mut owner = String::new();
    let _ = file.take(20).read_to_string(&mut owner);
    let by = match owner.parse::<u32>() {
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    StorageError::new(
        StorageErrorKind::Io,
        format!(
            "the profile {} is in use by {by}; wait for it to end, or use another folder",
            profile.display()
        ),
    )
}
