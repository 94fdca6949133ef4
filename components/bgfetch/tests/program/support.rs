//! A folder, a server, and the program between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bgfetch::loopback::{self, Resource, Server};
use bgfetch::trial::Trial;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// What a test plays in.
pub(crate) struct World {
    pub(crate) server: Server,
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            server: Server::start().expect("the server starts"),
            folder: tempfile::tempdir().expect("there is a folder"),
        }
    }

    /// Serves a resource and gives its URL.
    pub(crate) fn serve(&self, path: &str, resource: Resource) -> String {
        self.server.serve(path, resource);
        self.server.url(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the program, with the profile and the working directory of this world.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bgfetch"));
        let (name, rest) = arguments.split_first().expect("there is a command");
        command
            .arg(name)
            .arg("--profile")
            .arg(self.path("profile"))
            .args(rest);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        // What surrounds the tests is not between the program and its server.
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_ascii_uppercase());
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        run(&mut self.command(arguments))
    }

    /// Starts a command with JSON lines.
    pub(crate) fn start(&self, arguments: &[&str]) -> Trial {
        let mut command = self.command(arguments);
        Trial::start(command.arg("--json").stderr(Stdio::null())).expect("the program starts")
    }

    /// Starts a command, and waits until so many bytes are stored.
    pub(crate) fn start_until(&self, arguments: &[&str], downloaded: u64) -> Trial {
        let mut trial = self.start(arguments);
        loop {
            let line = trial
                .next_blocking()
                .expect("the program runs until bytes are stored");
            if line["downloaded"]
                .as_u64()
                .is_some_and(|found| found >= downloaded)
            {
                return trial;
            }
        }
    }

    /// The names in a folder of this world, in order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("there is such a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Whether a file has the pattern of a seed, and nothing else.
    pub(crate) fn has_pattern(&self, name: &str, seed: u64, length: u64) -> bool {
        sha256(&self.path(name)) == loopback::sha256(seed, length)
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Done {
    let output = command.output().expect("the program starts");
    Done {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> String {
    let bytes = fs::read(path).expect("the file is there");
    Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
