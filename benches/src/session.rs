//! A session: everything is run on one server, one after the other, the programs by turns.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use nix::unistd::syncfs;

use crate::certificate::Certificate;
use crate::content;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::job::{Direction, Job, Workload};
use crate::machine;
use crate::measure;
use crate::nginx::{self, Nginx};
use crate::peer::{Errand, Peer};
use crate::results::{JobResult, PeerResult, Run};
use crate::text;

/// More files than this are too many for a run that is not counted.
const WARM_UP_FILES: u64 = 1_000;
/// More bytes than this are, too.
const WARM_UP_BYTES: u64 = 1 << 30;
/// What is left free on the disk, in bytes.
const RESERVE: u64 = 512 << 20;

/// What does not change from job to job.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// Everything is in here. It is empty at first.
    pub(crate) folder: &'a Path,
    /// The program `bgfetch`.
    pub(crate) bgfetch: PathBuf,
    /// What it was built from.
    pub(crate) commit: String,
    /// Whether `aria2c` is there.
    pub(crate) aria2c: bool,
    /// The server.
    pub(crate) nginx: Nginx,
    /// Its certificate.
    pub(crate) certificate: Certificate,
    /// How often each program runs.
    pub(crate) runs: u32,
    /// How long a run may take.
    pub(crate) longest: Duration,
    /// The date of the results; the clock's where there is none.
    pub(crate) date: Option<String>,
    /// Whether to stop.
    pub(crate) interrupt: Interrupt,
}

impl Session<'_> {
    /// Runs a job. `progress` is told what is going on.
    pub(crate) fn run(&self, job: &Job, progress: &dyn Fn(&str)) -> Result<JobResult, Failure> {
        let mut notes = Vec::new();
        let (workload, note) = fitting(job.workload, job.direction, self.free()?)?;
        notes.extend(note);
        let mut peers = job.peers.clone();
        if !self.aria2c && peers.contains(&Peer::Aria2c) {
            peers.retain(|peer| *peer != Peer::Aria2c);
            notes.push("aria2c is not installed".to_owned());
        }
        let source = match job.direction {
            Direction::Upload => self.folder.join("source"),
            Direction::Download => nginx::files(self.folder),
        };
        progress(&format!("{}: making {}", job.name, described(workload)));
        remove(&source)?;
        content::generate(&source, workload, &self.interrupt)?;
        let mut results: Vec<PeerResult> = peers.into_iter().map(PeerResult::new).collect();
        for round in 0..=self.runs as usize {
            // Who comes first has the disk and the caches as nobody else has them: everybody does once.
            let count = results.len();
            for turn in 0..count {
                let result = &mut results[(round + turn) % count];
                if result.failure.is_some() {
                    continue;
                }
                let warm_up = round == 0;
                let workload = if warm_up {
                    warm_up_of(workload)
                } else {
                    Some(workload)
                };
                let Some(workload) = workload else { continue };
                let ran = self.run_once(result.peer, job, workload, &source)?;
                let round = match round {
                    0 => "warm-up".to_owned(),
                    _ => format!("round {round} of {}", self.runs),
                };
                let how = match &ran {
                    Ok(run) => text::seconds(run.wall_seconds),
                    Err(failure) => failure.clone(),
                };
                progress(&format!("{}: {round}: {}: {how}", job.name, result.peer.name()));
                match ran {
                    Ok(_) if warm_up => {}
                    Ok(run) => result.runs.push(run),
                    Err(failure) => result.failure = Some(failure),
                }
            }
        }
        remove(&source)?;
        Ok(JobResult {
            name: job.name.clone(),
            date: self.date.clone().unwrap_or_else(machine::now),
            commit: self.commit.clone(),
            workload,
            direction: job.direction,
            transport: job.transport,
            goals: job.goals.clone(),
            series: job.series,
            notes,
            peers: results,
        })
    }

    /// Runs a program once, and checks what it did. The inner error says what it did wrong.
    fn run_once(
        &self,
        peer: Peer,
        job: &Job,
        workload: Workload,
        source: &Path,
    ) -> Result<Result<Run, String>, Failure> {
        let [output, scratch] = ["output", "scratch"].map(|name| self.folder.join(name));
        let uploads = nginx::uploads(self.folder);
        for folder in [&output, &scratch, &uploads] {
            remove(folder)?;
            fs::create_dir(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
        }
        let errand = Errand {
            bgfetch: &self.bgfetch,
            base: &self.nginx.base(job.transport, job.direction),
            direction: job.direction,
            workload,
            source,
            output: &output,
            scratch: &scratch,
            certificate: &self.certificate.root,
        };
        let command = peer.command(&errand)?;
        // What others have written is not this program's to wait for.
        self.sync()?;
        let load_before = machine::load();
        let log = self.folder.join("program.log");
        let usage = match measure::run(&command, &log, self.longest, &self.interrupt)? {
            Ok(usage) => usage,
            Err(failure) => return Ok(Err(failure)),
        };
        let sync = Instant::now();
        self.sync()?;
        let sync_seconds = sync.elapsed().as_secs_f64();
        let arrived = match job.direction {
            Direction::Upload => &uploads,
            Direction::Download => &output,
        };
        let verified = content::verify(arrived, workload, &self.interrupt)?;
        for folder in [&output, &scratch, &uploads] {
            remove(folder)?;
        }
        Ok(verified.map(|()| Run {
            wall_seconds: usage.wall_seconds,
            user_seconds: usage.user_seconds,
            system_seconds: usage.system_seconds,
            peak_memory_bytes: usage.peak_memory_bytes,
            sync_seconds,
            load_before,
        }))
    }

    /// Makes everything durable that was written to the file system.
    fn sync(&self) -> Result<(), Failure> {
        let folder = File::open(self.folder).map_err(|error| Failure::file("open", self.folder, error))?;
        syncfs(folder).map_err(|error| Failure::file("sync the disk of", self.folder, error))
    }

    /// The free bytes of the file system.
    fn free(&self) -> Result<u64, Failure> {
        let disk =
            statvfs(self.folder).map_err(|error| Failure::file("look at the disk of", self.folder, error))?;
        // Their types differ from platform to platform.
        #[allow(clippy::unnecessary_cast)]
        Ok(disk.blocks_available() as u64 * disk.fragment_size() as u64)
    }
}

/// A workload in words.
pub(crate) fn described(workload: Workload) -> String {
    let Workload { files, bytes } = workload;
    match files {
        1 => format!("a file of {}", text::size(bytes)),
        _ => format!("{} files of {}", text::count(files), text::size(bytes)),
    }
}

/// What is run before anything is counted; none where that would take long.
fn warm_up_of(workload: Workload) -> Option<Workload> {
    let files = workload.files.min(WARM_UP_FILES);
    let warm_up = Workload { files, ..workload };
    (warm_up.total() <= WARM_UP_BYTES).then_some(warm_up)
}

/// A workload that the disk has room for, and what to say where it is less than was asked for.
fn fitting(
    workload: Workload,
    direction: Direction,
    free: u64,
) -> Result<(Workload, Option<String>), Failure> {
    // Where it comes from and where it arrives; an upload is stored on its way, too.
    let copies = if direction == Direction::Upload { 3 } else { 2 };
    let needed = |of: Workload| copies * of.files * of.bytes.next_multiple_of(4096) + RESERVE;
    let mut fitting = workload;
    while needed(fitting) > free && fitting.files == 1 && fitting.bytes > 1 << 20 {
        fitting.bytes /= 2;
    }
    if needed(fitting) > free {
        let [needed, free] = [needed(fitting), free].map(text::mib);
        return Err(Failure::new(format!(
            "{} take {needed:.0} MiB of disk, and {free:.0} MiB are free; choose another disk with --folder",
            described(fitting)
        )));
    }
    let note = (fitting != workload).then(|| {
        let [made, asked] = [fitting, workload].map(described);
        format!("{made} instead of {asked}: the disk has no room for more")
    });
    Ok((fitting, note))
}

/// Removes a folder with everything in it, where there is one.
fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file("remove", folder, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_file_is_halved_until_the_disk_has_room() {
        let eight = Workload {
            files: 1,
            bytes: 8 * GIB,
        };
        let fit = |free| fitting(eight, Direction::Download, free).unwrap();
        assert_eq!(fit(17 * GIB), (eight, None));
        let (reduced, note) = fit(9 * GIB);
        assert_eq!(reduced.bytes, 4 * GIB);
        assert!(
            note.unwrap()
                .starts_with("a file of 4 GiB instead of a file of 8 GiB")
        );
        let (upload, _) = fitting(eight, Direction::Upload, 9 * GIB).unwrap();
        assert_eq!(upload.bytes, 2 * GIB);
        fitting(eight, Direction::Download, RESERVE).unwrap_err();
    }

    #[test]
    fn many_files_are_all_or_nothing_and_take_whole_blocks() {
        let many = Workload {
            files: 100_000,
            bytes: 100,
        };
        let needed = 2 * 100_000 * 4096 + RESERVE;
        assert_eq!(fitting(many, Direction::Download, needed).unwrap(), (many, None));
        let refused = fitting(many, Direction::Download, needed - 1)
            .unwrap_err()
            .message;
        assert!(
            refused.contains("100,000 files of 100 B take 1293 MiB"),
            "{refused}"
        );
    }

    #[test]
    fn a_warm_up_is_short() {
        let warm_up = |files, bytes| warm_up_of(Workload { files, bytes }).map(|of| of.files);
        assert_eq!(warm_up(1, GIB), Some(1));
        assert_eq!(warm_up(1, GIB + 1), None);
        assert_eq!(warm_up(100_000, 100), Some(1_000));
    }
}
