//! The `kill` trial: a process is killed at random moments and at every named write point, and started again on what it
//! left, until it was killed often enough.
//!
//! Every few lives one may end by itself: then every event that was owed must have come, and nothing be left. Now and
//! then the machine goes down between two lives.
//!
//! What is left is looked for on the disk, before the profile is opened again. After each kill a copy is opened, which must
//! sweep away what belongs to nobody. That a leak would be seen is tried all the time: by planting some.
//!
//! With 1000 kills and more, a write point that none of them reached is a failure.
//!
//! Options: `--kills` (300), `--seed` (by the time), `--workers` (2: profiles at once), `--folder` (where the
//! profiles are; memory where there is `/dev/shm`, otherwise the system's folder for temporary files).

mod points;
mod worker;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use background_fetch_storage::write_points::Point;
use tempfile::TempDir;

use super::Trouble;
use super::arguments::Arguments;
use points::Kills;
use worker::Worker;

/// The `kill` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    let by_time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let trial = Trial {
        wanted: arguments.value("--kills", 300)?,
        seed: arguments.value("--seed", by_time)?,
        killed: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        tally: Mutex::default(),
        began: Instant::now(),
    };
    let folder = folder(arguments.text("--folder"))?;
    println!(
        "{} kills with the seed {}, in {}",
        trial.wanted,
        trial.seed,
        folder.path().display()
    );
    let workers = arguments.value("--workers", 2)?;
    let ends: Vec<Result<(), Trouble>> = std::thread::scope(|scope| {
        let start = |worker: u64| {
            let (trial, profile) = (&trial, folder.path().join(format!("profile-{worker}")));
            scope.spawn(move || {
                let done = Worker::new(trial, worker, profile).run();
                trial.stop.store(true, Ordering::Relaxed);
                done
            })
        };
        let workers: Vec<_> = (0..workers).map(start).collect();
        trial.show_progress();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err("a worker panicked".into()))
        };
        workers.into_iter().map(join).collect()
    });
    trial.report();
    if let Some(trouble) = ends.into_iter().find_map(Result::err) {
        let kept = folder.keep();
        return Err(format!(
            "{trouble}\nseed {}; the profiles are kept in {}",
            trial.seed,
            kept.display()
        )
        .into());
    }
    let killed = trial.killed.load(Ordering::Relaxed);
    trial.tally().at_points.check(killed)?;
    println!("Everything holds.");
    Ok(())
}

/// A folder in this one, or in memory, which is gone at the end. What a trial looks at does not depend on the disk.
pub(crate) fn folder(parent: Option<&str>) -> Result<TempDir, Trouble> {
    let memory = Path::new("/dev/shm");
    Ok(match parent {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None if memory.is_dir() => tempfile::tempdir_in(memory)?,
        None => tempfile::tempdir()?,
    })
}

/// What all workers share.
struct Trial {
    wanted: u64,
    seed: u64,
    killed: AtomicU64,
    stop: AtomicBool,
    tally: Mutex<Tally>,
    began: Instant,
}

#[derive(Default)]
struct Tally {
    random: u64,
    at_points: Kills,
    power_cuts: u64,
    emptied: u64,
    lives: u64,
    /// How often opening swept something that a kill had left.
    swept: u64,
}

impl Trial {
    fn show_progress(&self) {
        let mut shown = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            if shown.elapsed() > Duration::from_secs(5) {
                shown = Instant::now();
                self.progress();
            }
        }
    }

    fn progress(&self) {
        let killed = self.killed.load(Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs_f64();
        let tally = self.tally();
        println!(
            "{killed:>6} kills in {seconds:.0} s ({:.0} a second): {} at random, {} at write points; \
             {} lives, {} power cuts, {} times all was over, {} times something to sweep",
            killed as f64 / seconds,
            tally.random,
            tally.at_points.sum(),
            tally.lives,
            tally.power_cuts,
            tally.emptied,
            tally.swept,
        );
    }

    fn report(&self) {
        self.progress();
        let tally = self.tally();
        for point in Point::all() {
            println!("{:>6} {point}", tally.at_points.at(point));
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
