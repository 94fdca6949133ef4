//! The program as a child process, with its JSON lines: for the demo, the acceptance check and the tests.

use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;

use serde_json::Value;
use tokio::sync::mpsc;

/// The main function of a check that starts itself as the program: with the variable `child` set it is the program,
/// so that what is checked is what was built with it. Otherwise it runs `check`, and says what is wrong.
pub fn check_or_program(
    child: &str,
    check: impl FnOnce() -> Result<Vec<String>, Box<dyn Error>>,
) -> ExitCode {
    if std::env::var_os(child).is_some() {
        return crate::main(std::env::args_os());
    }
    match check() {
        Ok(troubles) if troubles.is_empty() => {
            println!("\nEverything holds.");
            ExitCode::SUCCESS
        }
        Ok(troubles) => {
            for trouble in troubles {
                println!("WRONG: {trouble}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("the check could not be run: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A running `bgfetch … --json`. Dropped, it is killed.
pub struct Trial {
    child: Child,
    lines: mpsc::UnboundedReceiver<Value>,
    peak_memory: u64,
}

impl Trial {
    /// Starts a command, whose standard output is to be JSON lines.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let (sender, lines) = mpsc::unbounded_channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                    if sender.send(value).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            child,
            lines,
            peak_memory: 0,
        })
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line; none after the last.
    pub async fn next(&mut self) -> Option<Value> {
        let line = self.lines.recv().await;
        self.look_at_memory();
        line
    }

    /// The same, where there is no async runtime.
    pub fn next_blocking(&mut self) -> Option<Value> {
        let line = self.lines.blocking_recv();
        self.look_at_memory();
        line
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) -> io::Result<()> {
        self.look_at_memory();
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// The most memory that it was seen to have resident, in bytes; 0 where the system does not say.
    pub fn peak_memory(&self) -> u64 {
        self.peak_memory
    }

    fn look_at_memory(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let peak = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        self.peak_memory = self.peak_memory.max(peak.unwrap_or(0) << 10);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
