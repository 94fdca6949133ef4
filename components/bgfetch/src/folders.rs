//! Folders that are still there after a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes a folder and those that it is in, durably.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    for parent in missing.iter().filter_map(|folder| folder.parent()) {
        // Where the parent may not be read, its file system has to see to that.
        let _ = sync(parent);
    }
    Ok(())
}

/// Makes the names in a folder durable, where the system can.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
