//! [`Scene`]: what happens while a system call fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::fault::Fault;
use super::trace::{self, Call};
use crate::Trouble;
use crate::leaks::Look;
use crate::oracle::Oracle;
use crate::process::{End, Process, life};
use crate::story::{Kind, Story};

/// What happens while a system call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A new profile: bodies of all sizes arrive, one is sent, one background fetch is aborted, bodies are exported.
    New,
    /// A profile that a kill in the middle of that left behind, after a restart of the machine.
    LeftBehind,
    /// The same, and the machine was not restarted.
    Killed,
}

impl Scene {
    pub(crate) const ALL: [Self; 3] = [Self::New, Self::LeftBehind, Self::Killed];

    /// The system calls that it has to do with the profile. What is made on the way goes to a folder.
    pub(crate) fn calls(self, folder: &Path) -> Result<Vec<Call>, Trouble> {
        let profile = folder.join("counted/profile");
        self.set(&profile, &mut Oracle::default())?;
        let output = folder.join("trace");
        let mut command = self.command(&profile, &output, "trace=all")?;
        let mut said = Vec::new();
        let end = Process::start(&mut command)?.watch(None, |line| said.push(line.to_owned()))?;
        if end != End::Done {
            return Err(format!("a run without faults ended so: {end:?}\n{}", said.join("\n")).into());
        }
        let mut calls = trace::calls(&fs::read_to_string(&output)?);
        let path = folder.join("counted").display().to_string();
        calls.retain(|call| call.text.contains(&path) && call.name != "execve");
        Ok(calls)
    }

    /// Plays it with a fault. What is wrong, where something is, and how it came.
    pub(crate) fn play(self, folder: &Path, fault: &Fault) -> Result<Option<(String, String)>, Trouble> {
        let profile = folder.join("profile");
        let mut oracle = Oracle::default();
        self.set(&profile, &mut oracle)?;
        let mut command = self.command(&profile, Path::new("/dev/null"), &fault.injection())?;
        oracle.new_life(2, &format!("with {fault}"));
        oracle.expect_fault(profile.display().to_string(), fault.is_full());
        let end = Process::start(&mut command)?.watch(None, |line| oracle.hear(line))?;
        oracle.note(&format!("--- {end:?}"));
        if end == End::Failed && !oracle.said_something() {
            // Its libraries could not be loaded: that is before anything begins.
            return Ok(None);
        }
        let mut wrong = (end == End::Hung || end == End::Killed).then(|| format!("{end:?}"));
        // Before the profile is opened again, which sweeps.
        let stays = fault.lasts() && oracle.heard_of_a_database_that_failed();
        if end == End::Done && fault.lets_files_go() && !stays {
            wrong = Look::at(&profile)?.wrong(None);
        }
        // Without faults everything goes on.
        let mut command = life(&profile)?;
        command.args([
            "--stories",
            "none",
            "--drain",
            "yes",
            "--life",
            "3",
            "--boot",
            "3",
        ]);
        oracle.new_life(3, "without faults");
        let mut used = None;
        let end = Process::start(&mut command)?.watch(None, |line| {
            oracle.hear(line);
            used = line
                .strip_prefix("used ")
                .and_then(|used| used.parse().ok())
                .or(used);
        })?;
        if end != End::Done {
            wrong = wrong.or_else(|| Some(format!("without faults: {end:?}")));
        } else if wrong.is_none() {
            wrong = Look::at(&profile)?.left_over(used);
        }
        if wrong.is_none() {
            // It forgets how it came where all is well.
            oracle.end();
        }
        let wrong = wrong.or_else(|| oracle.wrongs().first().cloned());
        Ok(wrong.map(|wrong| (general(&wrong, folder), oracle.log().join("\n"))))
    }

    /// Sets the scene at a profile: what was there is gone.
    fn set(self, profile: &Path, oracle: &mut Oracle) -> Result<(), Trouble> {
        if let Some(folder) = profile.parent() {
            let _ = fs::remove_dir_all(folder);
            fs::create_dir_all(folder)?;
        }
        if self != Self::New {
            // Killed in the middle: there is a body of every kind.
            let mut command = life(profile)?;
            command.args(["--stories", &stories(), "--life", "1", "--boot", "1"]);
            command.args(["--point", "after-append", "--nth", "30"]);
            oracle.new_life(1, "killed");
            let end = Process::start(&mut command)?.watch(None, |line| oracle.hear(line))?;
            if end != End::Killed {
                return Err(format!("it was to be killed: {end:?}\n{}", oracle.log().join("\n")).into());
            }
            fs::write(profile.join("bodies/999"), "a body of nobody")?;
        }
        Ok(())
    }

    fn command(self, profile: &Path, output: &Path, expression: &str) -> Result<Command, Trouble> {
        let life = life(profile)?;
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-o"]).arg(output);
        if let Some(call) = expression
            .strip_prefix("inject=")
            .and_then(|rest| rest.split(':').next())
        {
            // Nothing else is of interest: so nothing else is slowed down.
            command
                .arg("--seccomp-bpf")
                .arg("-e")
                .arg(format!("trace={call}"));
        }
        command
            .arg("-e")
            .arg(expression)
            .arg("--")
            .arg(life.get_program())
            .args(life.get_args());
        match self {
            Self::New => command.args(["--stories", &stories()]),
            Self::LeftBehind | Self::Killed => command.args(["--stories", "none", "--drain", "yes"]),
        };
        let boot = if self == Self::Killed { "1" } else { "2" };
        command.args(["--life", "2", "--boot", boot]);
        Ok(command)
    }
}

/// The ids of stories in which everything happens.
fn stories() -> String {
    ["plain", "posting", "aborted", "many"].map(story).join(",")
}

/// The id of a story of this kind that has small and large bodies in both directions, or many small ones, and exports
/// them.
pub(crate) fn story(kind: &str) -> String {
    let fits = |story: &Story| {
        let small = story
            .records
            .iter()
            .any(|record| (1..1000).contains(&record.length));
        let large = story.records.iter().any(|record| record.length >= 70_000);
        let sends = story.records[0]
            .upload()
            .is_none_or(|upload| upload.len() > 30_000);
        story.exports && small && (large || story.kind == Kind::Many) && sends
    };
    let mut stories = (0..).filter_map(|seed| Story::named(&format!("1-0-{kind}-{seed}")));
    stories.find(fits).map(|story| story.id).unwrap_or_default()
}

/// What is wrong without what differs from fault to fault.
fn general(wrong: &str, folder: &Path) -> String {
    wrong.replace(&folder.display().to_string(), "…")
}
