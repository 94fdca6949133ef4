//! [`Worker`]: one profile, and who kills its processes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use background_fetch_sim::Random;
use background_fetch_storage::write_points::Point;

use super::Trial;
use super::points::{Due, Scene, seldom, where_writes_fail};
use crate::Trouble;
use crate::leaks::{self, Look};
use crate::oracle::Oracle;
use crate::power_cut::cut_power;
use crate::process::{End, Process, life};
use crate::syscalls::story;

/// One profile, and who kills its processes.
pub(super) struct Worker<'a> {
    trial: &'a Trial,
    random: Random,
    profile: PathBuf,
    oracle: Oracle,
    life: u64,
    boot: u64,
    /// The machine was restarted since the last life.
    restarted: bool,
    due: Due,
    /// How often the points were passed in a life that ended.
    passed: BTreeMap<Point, u64>,
    /// How long a life that ends takes.
    lifetime: Duration,
}

#[derive(Clone, Copy)]
enum Plan {
    Random(Duration),
    Point(Point, u64),
    /// It is killed there if a file becomes too long for the system, which it does.
    WritesFail(Point),
    /// It ends when all is over.
    Drain,
}

/// Lets writes fail beyond 64 KiB of a file, and runs the rest.
const WRITES_FAIL: &str = r#"trap "" XFSZ; ulimit -f 128; exec "$0" "$@""#;

impl<'a> Worker<'a> {
    pub(super) fn new(trial: &'a Trial, number: u64, profile: PathBuf) -> Self {
        Self {
            trial,
            random: Random::new(trial.seed.wrapping_mul(1000).wrapping_add(number)),
            profile,
            oracle: Oracle::default(),
            life: 0,
            boot: 0,
            restarted: false,
            due: Due::default(),
            passed: BTreeMap::new(),
            lifetime: Duration::from_millis(50),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), Trouble> {
        loop {
            let point = where_writes_fail(&self.trial.tally().at_points, &mut self.random);
            // The database is there, so that it is the bodies that become too long.
            if let Some(point) = point.filter(|_| self.profile.exists()) {
                self.live(Plan::WritesFail(point))?;
            }
            for _ in 0..4 + self.random.below(12) {
                if self.is_over() {
                    break;
                }
                let plan = self.plan();
                self.live(plan)?;
                self.perhaps_cut_power()?;
            }
            self.live(Plan::Drain)?;
            if self.is_over() {
                return Ok(());
            }
        }
    }

    fn is_over(&self) -> bool {
        let killed = self.trial.killed.load(Ordering::Relaxed);
        killed >= self.trial.wanted || self.trial.stop.load(Ordering::Relaxed)
    }

    fn plan(&mut self) -> Plan {
        let scene = Scene::of(&self.profile, self.restarted);
        let point = seldom(&scene, &self.trial.tally().at_points, &mut self.random);
        if let Some(point) = point.filter(|_| self.random.chance(3, 4)) {
            return Plan::Point(point, 1);
        }
        if self.random.chance(1, 2) {
            let microseconds = self.lifetime.as_micros() as u64;
            return Plan::Random(Duration::from_micros(self.random.below(microseconds + 1)));
        }
        let tally = self.trial.tally();
        let point = self.due.next(&tally.at_points, &mut self.random);
        let most = match tally.at_points.at(point) {
            10.. => self.passed.get(&point).copied().unwrap_or(20).max(1),
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

    fn command(&mut self, plan: Plan) -> Result<Command, Trouble> {
        let mut command = life(&self.profile)?;
        let mut option = |name: &str, value: &dyn ToString| {
            command.args([name, &value.to_string()]);
        };
        option("--life", &self.life);
        option("--seed", &self.random.below(1 << 60));
        option("--boot", &format!("boot {}", self.boot));
        match plan {
            Plan::Drain => option("--drain", &"yes"),
            Plan::WritesFail(_) => option("--stories", &story("plain")),
            Plan::Random(_) | Plan::Point(..) => option("--new", &(1 + self.random.below(5))),
        }
        if let Plan::Point(point, _) | Plan::WritesFail(point) = plan {
            option("--point", &point);
        }
        if let Plan::Point(_, nth) = plan {
            option("--nth", &nth);
        }
        if let Plan::WritesFail(_) = plan {
            let mut limited = Command::new("sh");
            limited.args(["-c", WRITES_FAIL]);
            limited.arg(command.get_program()).args(command.get_args());
            return Ok(limited);
        }
        Ok(command)
    }

    fn live(&mut self, plan: Plan) -> Result<(), Trouble> {
        self.life += 1;
        let how = match &plan {
            Plan::Random(after) => format!("to be killed after {after:?}"),
            Plan::Point(point, nth) => format!("to be killed at {point}, the {nth}. time"),
            Plan::WritesFail(point) => format!("to be killed at {point}, when a write fails"),
            Plan::Drain => "to end".to_owned(),
        };
        self.oracle.new_life(self.life, &how);
        if let Plan::WritesFail(_) = plan {
            self.oracle.expect_fault(self.profile.display().to_string(), None);
        }
        let mut command = self.command(plan)?;
        let began = Instant::now();
        let kill_at = match plan {
            Plan::Random(after) => Some(began + after),
            _ => None,
        };
        let (mut hits, mut used) = (None, None);
        let oracle = &mut self.oracle;
        let end = Process::start(&mut command)?.watch(kill_at, |line| {
            oracle.hear(line);
            let number = |name| line.strip_prefix(name).and_then(|number| number.parse().ok());
            hits = number("hits ").or(hits);
            used = number("used ").or(used);
        })?;
        self.restarted = false;
        self.oracle
            .note(&format!("--- {end:?} after {:?}", began.elapsed()));
        self.trial.tally().lives += 1;
        match (end, plan) {
            (End::Killed, Plan::Random(_)) => self.trial.tally().random += 1,
            (End::Killed, Plan::Point(point, _) | Plan::WritesFail(point)) => {
                self.trial.tally().at_points.add(point);
            }
            (End::Done, Plan::Point(point, _)) => {
                self.passed.insert(point, hits.unwrap_or(0));
            }
            (End::Done, Plan::Random(_) | Plan::Drain) => {
                self.lifetime = (self.lifetime * 7 + began.elapsed()) / 8;
            }
            (End::Done | End::Failed, Plan::WritesFail(_)) => {}
            (End::Failed | End::Hung | End::Killed, _) => return Err(self.failure(&format!("{end:?}"))),
        }
        match end {
            End::Killed => {
                self.trial.killed.fetch_add(1, Ordering::Relaxed);
                self.look_that_opening_sweeps()?;
            }
            End::Done => self.look_after(plan, used)?,
            End::Failed | End::Hung => {}
        }
        match self.oracle.wrongs().first().cloned() {
            Some(wrong) => Err(self.failure(&wrong)),
            None => Ok(()),
        }
    }

    fn perhaps_cut_power(&mut self) -> Result<(), Trouble> {
        if self.random.chance(1, 5) {
            self.boot += 1;
            self.restarted = true;
            for line in cut_power(&self.profile, &mut self.random)? {
                self.oracle.note(&line);
            }
            self.trial.tally().power_cuts += 1;
            self.look_that_opening_sweeps()?;
        }
        Ok(())
    }

    /// Opening what a kill or a power cut left leaves nothing that belongs to nobody.
    fn look_that_opening_sweeps(&mut self) -> Result<(), Trouble> {
        let planted = self.random.chance(1, 8);
        let swept = leaks::open_a_copy(&self.profile, &format!("boot {}", self.boot), planted)?;
        if swept.leaks > 0 {
            self.trial.tally().swept += 1;
        }
        swept.wrong.map_or(Ok(()), |wrong| Err(self.failure(&wrong)))
    }

    /// After a good end nothing is there that belongs to nobody; and when all is over, nothing at all.
    fn look_after(&mut self, plan: Plan, used: Option<u64>) -> Result<(), Trouble> {
        let look = Look::at(&self.profile)?;
        let wrong = match plan {
            Plan::Drain => look.left_over(used),
            // What could not be written is not known to the database.
            Plan::WritesFail(_) => look.wrong(None),
            Plan::Random(_) | Plan::Point(..) => look.wrong(used),
        };
        if let Some(wrong) = wrong {
            return Err(self.failure(&wrong));
        }
        if let Plan::Drain = plan {
            self.oracle.end();
            self.begin_again()?;
        }
        Ok(())
    }

    /// All is over.
    fn begin_again(&mut self) -> Result<(), Trouble> {
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
