//! The `syscalls` trial: every system call of the storage fails, one after the other, with each error that it may have;
//! once, and from there on. `strace` lets them fail.
//!
//! A first run shows which calls there are. Then each fault has a life of its own, on a new profile or on one that a kill
//! left behind, and after it another without faults: what was promised must be kept, and nothing be left.
//!
//! Options: `--every` (1: every fault; 20: one in twenty), `--seed` (where it begins, then), `--only` (a system call),
//! `--workers` (2), `--folder` (as `kill`).

mod fault;
mod scene;
mod trace;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::arguments::Arguments;
use super::{Trouble, kill};
use fault::Fault;
use scene::Scene;

pub(crate) use scene::story;

/// The `syscalls` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    needs_strace()?;
    let folder = kill::folder(arguments.text("--folder"))?;
    let mut cases = Vec::new();
    for scene in Scene::ALL {
        let calls = scene.calls(folder.path())?;
        let faults = fault::of(&calls, arguments.text("--only"));
        println!(
            "{scene:?}: {} faults at {} system calls",
            faults.len(),
            calls.len()
        );
        cases.extend(faults.into_iter().map(|fault| (scene, fault)));
    }
    let every: usize = arguments.value("--every", 1)?;
    let begin: usize = arguments.value("--seed", 0)?;
    let cases: Vec<(Scene, Fault)> = cases.into_iter().skip(begin % every).step_by(every).collect();
    let trial = Trial {
        cases,
        next: AtomicUsize::new(0),
        wrongs: Mutex::default(),
        began: Instant::now(),
    };
    let workers: u64 = arguments.value("--workers", 2)?;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (trial, folder) = (&trial, folder.path().join(format!("worker-{worker}")));
            scope.spawn(move || trial.work(&folder));
        }
    });
    trial.report()
}

/// Says what to do where there is no `strace`.
pub(crate) fn needs_strace() -> Result<(), Trouble> {
    let probe = Command::new("strace")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if probe.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err("this needs strace: install the package of that name".into())
}

struct Trial {
    cases: Vec<(Scene, Fault)>,
    next: AtomicUsize,
    /// What is wrong, with the faults and the story of the first.
    wrongs: Mutex<BTreeMap<String, Wrong>>,
    began: Instant,
}

struct Wrong {
    faults: Vec<String>,
    story: String,
}

impl Trial {
    fn work(&self, folder: &Path) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((scene, fault)) = self.cases.get(number) else {
                return;
            };
            if number % 500 == 499 {
                println!(
                    "{:>6} faults in {:.0} s",
                    number + 1,
                    self.began.elapsed().as_secs_f64()
                );
            }
            let (what, story) = match scene.play(folder, fault) {
                Ok(None) => continue,
                Ok(Some((what, story))) => (what, story),
                Err(trouble) => (format!("the trial itself: {trouble}"), String::new()),
            };
            println!("{scene:?} {fault}: {what}");
            let mut wrongs = self
                .wrongs
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let wrong = wrongs.entry(what).or_insert(Wrong {
                faults: Vec::new(),
                story,
            });
            wrong.faults.push(format!("{scene:?} {fault}"));
        }
    }

    fn report(self) -> Result<(), Trouble> {
        let count = self.cases.len();
        println!("{count} faults in {:.0} s", self.began.elapsed().as_secs_f64());
        let wrongs = self.wrongs.into_inner()?;
        if wrongs.is_empty() {
            println!("Everything holds.");
            return Ok(());
        }
        let mut report = String::new();
        for (what, wrong) in wrongs {
            report += &format!(
                "\n{}\n\nWRONG with {} faults: {what}\n  {}\n",
                wrong.story,
                wrong.faults.len(),
                wrong.faults.join("\n  ")
            );
        }
        Err(report.into())
    }
}
