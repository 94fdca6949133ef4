//! Processes: what the one under trial says, and how it ends.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, IoSlice, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};

use super::Trouble;

/// Says a line to whoever watches: when this returns it is out of the process. One call of `writev`, which nothing
/// else here uses: it works where the trial lets writes fail, and is found in a trace.
pub(crate) fn say(line: impl AsRef<str>) {
    static OUTPUT: LazyLock<Option<File>> =
        LazyLock::new(|| OpenOptions::new().append(true).open("/proc/self/fd/1").ok());
    let line = format!("{}\n", line.as_ref().replace('\n', " "));
    // Nobody listens where the watcher is gone.
    let _ = match &*OUTPUT {
        Some(output) => {
            let mut output: &File = output;
            output.write_vectored(&[IoSlice::new(line.as_bytes())]).map(drop)
        }
        None => std::io::stdout().lock().write_all(line.as_bytes()),
    };
}

/// Ends this process as `kill -9` does.
pub(crate) fn kill_this_process() {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did what it was to do.
    Done,
    /// It was killed, by itself or from outside.
    Killed,
    /// It failed.
    Failed,
    /// It hung, and was killed for that.
    Hung,
}

/// A process under trial.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

/// Held while a process is started, and while this one has a profile open: until it runs its program, a new process has
/// all that this one has open, the lock of a profile too.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Trouble> {
        let mut child = {
            let _alone = alone();
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?
        };
        let output = child.stdout.take().ok_or("it has no output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Gives every line to `hear` until it ends, or until it is killed at this moment.
    pub(crate) fn watch(
        mut self,
        kill_at: Option<Instant>,
        mut hear: impl FnMut(&str),
    ) -> Result<End, Trouble> {
        let hangs_at = Instant::now() + PATIENCE;
        let mut killed = None;
        loop {
            let until = match killed {
                None => kill_at.unwrap_or(hangs_at),
                Some(_) => Instant::now() + PATIENCE,
            };
            match self
                .lines
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(line) => hear(&line),
                Err(RecvTimeoutError::Timeout) if killed.is_none() => {
                    self.child.kill()?;
                    let hung = kill_at.is_none();
                    killed = Some(if hung { End::Hung } else { End::Killed });
                }
                Err(_) => break,
            }
        }
        let status = self.child.wait()?;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        Ok(match killed {
            Some(End::Hung) => End::Hung,
            _ if status.success() => End::Done,
            _ if signal == Some(Signal::KILL.as_raw()) => End::Killed,
            _ => End::Failed,
        })
    }
}

/// This program with the command `life` on a profile.
pub(crate) fn life(profile: &Path) -> Result<Command, Trouble> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["life", "--profile"]).arg(profile);
    Ok(command)
}
