//! Runs a program, and measures what it took.
//!
//! A process of its own (`cargo xtask measure`) starts the program, because Linux says of a child only how much memory
//! all waited-for children had at most, and counts for a child what its parent had when it was started. That process
//! has one child and next to nothing in memory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How often it is looked whether the program has ended. It does not shift what is measured.
const LOOK: Duration = Duration::from_millis(50);

/// How much of what a program says is repeated, in bytes.
const QUOTED: usize = 500;

/// What a program took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) wall_seconds: f64,
    /// What it computed.
    pub(crate) user_seconds: f64,
    /// What the kernel did for it.
    pub(crate) system_seconds: f64,
    /// The most that it had in memory at once.
    pub(crate) peak_memory_bytes: u64,
    /// How it ended, as `wait` tells it.
    status: i32,
}

/// The measuring process: runs a program and prints what it took.
pub(crate) fn measure(command: &[OsString]) -> Result<(), Failure> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Failure::usage("there is no program to measure"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot measure {}: {error}", program.display()))
    };
    let start = Instant::now();
    let status = command.status().map_err(|error| failed(&error))?;
    let wall_seconds = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| failed(&error))?;
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    let usage = Usage {
        wall_seconds,
        user_seconds: seconds(usage.user_time()),
        system_seconds: seconds(usage.system_time()),
        peak_memory_bytes: usage.max_rss().unsigned_abs() * 1024,
        status: status.into_raw(),
    };
    println!(
        "{}",
        serde_json::to_string(&usage).map_err(|error| failed(&error))?
    );
    Ok(())
}

/// Runs a program in a measuring process. The inner error says why there is nothing to count: it failed, or took too
/// long.
///
/// What the program says on standard error goes to `log`.
pub(crate) fn run(
    command: &Command,
    log: &Path,
    longest: Duration,
    interrupt: &Interrupt,
) -> Result<Result<Usage, String>, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find the program of this process: {error}")))?;
    let said = File::create(log).map_err(|error| Failure::file("write", log, error))?;
    let mut measuring = Command::new(own);
    measuring
        .args(["measure", "--"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(said)
        // So that all of it can be ended at once.
        .process_group(0);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => measuring.env(name, value),
            None => measuring.env_remove(name),
        };
    }
    let mut child = measuring
        .spawn()
        .map_err(|error| Failure::new(format!("cannot start a process to measure: {error}")))?;
    let Some(status) = wait(&mut child, longest, interrupt)? else {
        return Ok(Err(format!("took longer than {} s", longest.as_secs())));
    };
    let mut printed = String::new();
    if let Some(mut output) = child.stdout.take() {
        let _ = output.read_to_string(&mut printed);
    }
    let usage: Option<Usage> = serde_json::from_str(&printed).ok();
    Ok(match usage {
        Some(usage) if usage.status == 0 => Ok(usage),
        Some(usage) => {
            let how = ExitStatus::from_raw(usage.status);
            Err(format!("failed with {how}: {}", last_words(log)))
        }
        None => Err(format!("could not be run ({status}): {}", last_words(log))),
    })
}

/// Waits for the end; none where it took too long.
fn wait(child: &mut Child, longest: Duration, interrupt: &Interrupt) -> Result<Option<ExitStatus>, Failure> {
    let start = Instant::now();
    loop {
        let ended = child.try_wait();
        match ended.map_err(|error| Failure::new(format!("cannot wait for a process: {error}")))? {
            Some(status) => return Ok(Some(status)),
            None if interrupt.came() || start.elapsed() > longest => {
                // It is there until it is waited for, so nobody else is meant.
                let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
                let _ = child.wait();
                interrupt.check()?;
                return Ok(None);
            }
            None => thread::sleep(LOOK),
        }
    }
}

/// The end of what a program said.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = &text[text.len().saturating_sub(QUOTED)..];
    let text = String::from_utf8_lossy(text).trim().replace('\n', "; ");
    if text.is_empty() {
        "it says nothing".to_owned()
    } else {
        text
    }
}
