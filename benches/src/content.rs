//! What is in the files: pseudo-random bytes that follow from a file's number, so that they need not be kept to be
//! compared with.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::job::Workload;

/// How much is made or compared at once, in bytes. Whole words.
const PIECE: usize = 256 << 10;

/// The name of a file by its number.
pub(crate) fn name(file: u64) -> String {
    format!("{file:06}.bin")
}

/// Makes the files of a workload in a new folder.
pub(crate) fn generate(folder: &Path, workload: Workload, interrupt: &Interrupt) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
    for file in 0..workload.files {
        let path = folder.join(name(file));
        let failed = |error: io::Error| Failure::file("write", &path, error);
        let mut output = File::create_new(&path).map_err(failed)?;
        pieces(file, workload.bytes, interrupt, |piece| {
            output.write_all(piece).map_err(failed)
        })?;
    }
    Ok(())
}

/// Checks that a folder has the files of a workload with every byte, and nothing else. The inner error says what is
/// wrong with them.
pub(crate) fn verify(
    folder: &Path,
    workload: Workload,
    interrupt: &Interrupt,
) -> Result<Result<(), String>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("read the folder", folder, error))?;
    let count = entries.count() as u64;
    if count != workload.files {
        return Ok(Err(format!("made {count} files instead of {}", workload.files)));
    }
    for file in 0..workload.files {
        let path = folder.join(name(file));
        let mut input = match File::open(&path) {
            Ok(input) => input,
            Err(error) => return Ok(Err(format!("did not make {}: {error}", name(file)))),
        };
        let length = input
            .metadata()
            .map_err(|error| Failure::file("look at", &path, error))?
            .len();
        if length != workload.bytes {
            let wanted = workload.bytes;
            return Ok(Err(format!(
                "gave {} {length} bytes instead of {wanted}",
                name(file)
            )));
        }
        let mut found = vec![0; PIECE.min(length as usize)];
        let mut right = true;
        pieces(file, length, interrupt, |piece| {
            let found = &mut found[..piece.len()];
            input
                .read_exact(found)
                .map_err(|error| Failure::file("read", &path, error))?;
            right &= found == piece;
            Ok(())
        })?;
        if !right {
            return Ok(Err(format!("gave {} wrong bytes", name(file))));
        }
    }
    Ok(Ok(()))
}

/// Gives the first `length` bytes of a file, a piece at a time.
fn pieces(
    file: u64,
    length: u64,
    interrupt: &Interrupt,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let seed = mixed(file);
    let mut piece = vec![0; PIECE.min((length as usize).next_multiple_of(8))];
    let mut at = 0;
    while at < length {
        interrupt.check()?;
        for (word, bytes) in piece.chunks_exact_mut(8).enumerate() {
            bytes.copy_from_slice(&mixed(seed.wrapping_add(at / 8 + word as u64)).to_le_bytes());
        }
        let take_now = (length - at).min(piece.len() as u64);
        take(&piece[..take_now as usize])?;
        at += take_now;
    }
    Ok(())
}

/// SplitMix64's function of a counter: fast, and nothing that a disk or a transfer could compress.
///
/// <https://prng.di.unimi.it/splitmix64.c>
fn mixed(counter: u64) -> u64 {
    let mut mixed = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with files after `spoil` did something to them.
    fn after(workload: Workload, spoil: impl FnOnce(&Path)) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::default();
        generate(&folder.path().join("files"), workload, &interrupt).unwrap();
        spoil(&folder.path().join("files"));
        verify(&folder.path().join("files"), workload, &interrupt).unwrap()
    }

    #[test]
    fn files_as_they_were_made_are_right_whatever_their_length() {
        for bytes in [
            0,
            1,
            7,
            8,
            100,
            PIECE as u64 - 1,
            PIECE as u64,
            3 * PIECE as u64 + 5,
        ] {
            assert_eq!(after(Workload { files: 3, bytes }, |_| ()), Ok(()), "{bytes}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_too_many_is_noticed() {
        let workload = Workload { files: 2, bytes: 10 };
        let missing = after(workload, |folder| fs::remove_file(folder.join(name(1))).unwrap());
        assert!(missing.unwrap_err().contains("1 files instead of 2"));
        let renamed = after(workload, |folder| {
            fs::rename(folder.join(name(1)), folder.join("x")).unwrap();
        });
        assert!(renamed.unwrap_err().contains("did not make 000001.bin"));
        let more = after(workload, |folder| fs::write(folder.join("x"), "").unwrap());
        assert!(more.unwrap_err().contains("3 files instead of 2"));
    }

    #[test]
    fn a_byte_that_is_wrong_or_missing_is_noticed() {
        let length = 2 * PIECE + 5;
        let workload = Workload {
            files: 1,
            bytes: length as u64,
        };
        for at in [0, PIECE, length - 1] {
            let wrong = after(workload, |folder| {
                let mut bytes = fs::read(folder.join(name(0))).unwrap();
                bytes[at] ^= 1;
                fs::write(folder.join(name(0)), bytes).unwrap();
            });
            assert!(wrong.unwrap_err().contains("wrong bytes"), "{at}");
        }
        let short = after(workload, |folder| {
            fs::write(folder.join(name(0)), vec![0; length - 1]).unwrap();
        });
        assert!(short.unwrap_err().contains("bytes instead of"));
    }

    #[test]
    fn no_two_files_are_alike() {
        let folder = tempfile::tempdir().unwrap();
        let workload = Workload { files: 2, bytes: 64 };
        generate(&folder.path().join("files"), workload, &Interrupt::default()).unwrap();
        let read = |file| fs::read(folder.path().join("files").join(name(file))).unwrap();
        assert_ne!(read(0), read(1));
    }
}
