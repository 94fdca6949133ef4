//! The `kill` trial: a process is killed at random moments and at every named write point, and started again on what it
//! left, until it was killed often enough.
//!
//! Every few lives one may end by itself: then every event that was owed must have come, and nothing be left. Now and
//! then the machine goes down between two lives.
//!
//! Options: `--kills` (300), `--seed` (by the time), `--workers` (2: profiles at once), `--folder` (where the
//! profiles are; memory where there is `/dev/shm`, otherwise the system's folder for temporary files).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use background_fetch::embedder::Storage;
use background_fetch_sim::Random;
use background_fetch_storage::write_points::Point;
use background_fetch_storage::{Options, ProfileStorage};
use futures::executor::block_on;
use tempfile::TempDir;

use super::Trouble;
use super::arguments::Arguments;
use super::oracle::Oracle;
use super::power_cut::cut_power;
use super::process::{End, Process, alone, life};
use super::story::registration;

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
    let folder = folder(arguments)?;
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
                let done = Worker::new(trial, worker, profile).and_then(|mut worker| worker.run());
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
    println!("Everything holds.");
    Ok(())
}

/// A folder for profiles, which is gone at the end. What a trial looks at does not depend on the disk, so memory does.
pub(crate) fn folder(arguments: &Arguments) -> Result<TempDir, Trouble> {
    let memory = Path::new("/dev/shm");
    Ok(match arguments.text("--folder") {
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
    at_points: BTreeMap<Point, u64>,
    power_cuts: u64,
    emptied: u64,
    lives: u64,
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
             {} lives, {} power cuts, {} times all was over",
            killed as f64 / seconds,
            tally.random,
            tally.at_points.values().sum::<u64>(),
            tally.lives,
            tally.power_cuts,
            tally.emptied,
        );
    }

    fn report(&self) {
        self.progress();
        let tally = self.tally();
        for point in Point::all() {
            let kills = tally.at_points.get(&point).copied().unwrap_or(0);
            println!("{kills:>6} {point}");
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One profile, and who kills its processes.
struct Worker<'a> {
    trial: &'a Trial,
    random: Random,
    profile: PathBuf,
    oracle: Oracle,
    life: u64,
    boot: u64,
    /// The points to kill at, those that come first at the end.
    due: Vec<Point>,
    /// How often the points were passed in a life that ended.
    passed: BTreeMap<Point, u64>,
    /// How long a life that ends takes.
    lifetime: Duration,
}

enum Plan {
    Random(Duration),
    Point(Point, u64),
    /// It ends when all is over.
    Drain,
}

impl<'a> Worker<'a> {
    fn new(trial: &'a Trial, number: u64, profile: PathBuf) -> Result<Self, Trouble> {
        Ok(Self {
            trial,
            random: Random::new(trial.seed.wrapping_mul(1000).wrapping_add(number)),
            profile,
            oracle: Oracle::default(),
            life: 0,
            boot: 0,
            due: Vec::new(),
            passed: BTreeMap::new(),
            lifetime: Duration::from_millis(50),
        })
    }

    fn run(&mut self) -> Result<(), Trouble> {
        loop {
            for _ in 0..4 + self.random.below(12) {
                let killed = self.trial.killed.load(Ordering::Relaxed);
                if killed >= self.trial.wanted || self.trial.stop.load(Ordering::Relaxed) {
                    break;
                }
                let plan = self.plan();
                self.live(plan)?;
                self.perhaps_cut_power()?;
            }
            self.live(Plan::Drain)?;
            self.look_that_nothing_is_left()?;
            let killed = self.trial.killed.load(Ordering::Relaxed);
            if killed >= self.trial.wanted || self.trial.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    fn plan(&mut self) -> Plan {
        if self.random.chance(1, 2) {
            let microseconds = self.lifetime.as_micros() as u64;
            return Plan::Random(Duration::from_micros(self.random.below(microseconds + 1)));
        }
        if self.due.is_empty() {
            // Some come in few lives only: those are tried more often.
            let tally = self.trial.tally();
            let seldom = |point: &Point| tally.at_points.get(point).is_none_or(|kills| *kills < 10);
            self.due = Point::all()
                .flat_map(|point| vec![point; if seldom(&point) { 4 } else { 1 }])
                .collect();
            drop(tally);
            for index in (1..self.due.len()).rev() {
                self.due.swap(index, self.random.below(index as u64 + 1) as usize);
            }
        }
        let point = self.due.pop().unwrap_or_else(|| unreachable!("it was filled"));
        let most = match self.trial.tally().at_points.get(&point) {
            Some(10..) => self.passed.get(&point).copied().unwrap_or(20).max(1),
            // Where it comes at all it comes once.
            _ => 1,
        };
        // The first times are as good as all the others together.
        let most = if self.random.chance(1, 2) {
            most.min(3)
        } else {
            most
        };
        Plan::Point(point, 1 + self.random.below(most))
    }

    fn live(&mut self, plan: Plan) -> Result<(), Trouble> {
        self.life += 1;
        let mut command = life(&self.profile)?;
        let how = match &plan {
            Plan::Random(after) => format!("to be killed after {after:?}"),
            Plan::Point(point, nth) => format!("to be killed at {point}, the {nth}. time"),
            Plan::Drain => "to end".to_owned(),
        };
        self.oracle.new_life(self.life, &how);
        let option = |command: &mut std::process::Command, name: &str, value: &dyn ToString| {
            command.args([name, &value.to_string()]);
        };
        option(&mut command, "--life", &self.life);
        option(&mut command, "--seed", &self.random.below(1 << 60));
        option(&mut command, "--boot", &format!("boot {}", self.boot));
        match &plan {
            Plan::Drain => option(&mut command, "--drain", &"yes"),
            Plan::Random(_) | Plan::Point(..) => option(&mut command, "--new", &(1 + self.random.below(5))),
        }
        if let Plan::Point(point, nth) = &plan {
            option(&mut command, "--point", point);
            option(&mut command, "--nth", nth);
        }
        let began = Instant::now();
        let kill_at = match &plan {
            Plan::Random(after) => Some(began + *after),
            _ => None,
        };
        let mut hits = None;
        let oracle = &mut self.oracle;
        let end = Process::start(&mut command)?.watch(kill_at, |line| {
            oracle.hear(line);
            hits = line
                .strip_prefix("hits ")
                .and_then(|hits| hits.parse().ok())
                .or(hits);
        })?;
        self.oracle
            .note(&format!("--- {end:?} after {:?}", began.elapsed()));
        self.trial.tally().lives += 1;
        match (end, plan) {
            (End::Killed, Plan::Random(_)) => self.trial.tally().random += 1,
            (End::Killed, Plan::Point(point, _)) => {
                *self.trial.tally().at_points.entry(point).or_default() += 1;
            }
            (End::Done, Plan::Point(point, _)) => {
                self.passed.insert(point, hits.unwrap_or(0));
            }
            (End::Done, plan) => {
                self.lifetime = (self.lifetime * 7 + began.elapsed()) / 8;
                if let Plan::Drain = plan {
                    self.oracle.end();
                }
            }
            (End::Failed | End::Hung | End::Killed, _) => return Err(self.failure(&format!("{end:?}"))),
        }
        if end == End::Killed {
            self.trial.killed.fetch_add(1, Ordering::Relaxed);
        }
        match self.oracle.wrongs().first().cloned() {
            Some(wrong) => Err(self.failure(&wrong)),
            None => Ok(()),
        }
    }

    fn perhaps_cut_power(&mut self) -> Result<(), Trouble> {
        if self.random.chance(1, 5) {
            self.boot += 1;
            for line in cut_power(&self.profile, &mut self.random)? {
                self.oracle.note(&line);
            }
            self.trial.tally().power_cuts += 1;
        }
        Ok(())
    }

    /// All is over: there are no rows, no files, and nothing is used.
    fn look_that_nothing_is_left(&mut self) -> Result<(), Trouble> {
        let left = left_over(&self.profile)?;
        if let Some(left) = left {
            return Err(self.failure(&left));
        }
        self.trial.tally().emptied += 1;
        // Now and then from the very beginning.
        if self.random.chance(1, 3) {
            std::fs::remove_dir_all(&self.profile)?;
        }
        let _ = std::fs::remove_dir_all(self.profile.with_extension("exports"));
        Ok(())
    }

    fn failure(&self, what: &str) -> Trouble {
        let log = self.oracle.log();
        let story = log[log.len().saturating_sub(400)..].join("\n");
        format!("{story}\n\nWRONG: {what}").into()
    }
}

/// What is left in a profile; none where that is nothing.
pub(crate) fn left_over(profile: &Path) -> Result<Option<String>, Trouble> {
    let _alone = alone();
    let storage = ProfileStorage::open(profile, Options::default()).map_err(|error| error.message)?;
    let fetches = block_on(storage.load()).map_err(|error| error.message)?;
    let usage =
        block_on(storage.estimate(&registration(false).storage_key)).map_err(|error| error.message)?;
    drop(storage);
    let database = rusqlite::Connection::open(profile.join("database.sqlite3"))?;
    let rows: u64 = database.query_row(
        "SELECT (SELECT count(*) FROM fetch) + (SELECT count(*) FROM record) + (SELECT count(*) FROM body)",
        [],
        |row| row.get::<_, i64>(0).map(i64::cast_unsigned),
    )?;
    let files = std::fs::read_dir(profile.join("bodies"))?.count();
    let (count, usage) = (fetches.len(), usage.usage);
    let nothing = count == 0 && rows == 0 && files == 0 && usage == 0;
    Ok((!nothing).then(|| {
        format!("left over: {count} background fetches, {rows} rows, {files} body files, {usage} bytes used")
    }))
}
