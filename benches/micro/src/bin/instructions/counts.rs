//! [`Counts`]: the counts in the tree.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// How many instructions each path takes, and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    rustc: String,
    valgrind: String,
    architecture: String,
    instructions: BTreeMap<String, u64>,
}

fn file() -> PathBuf {
    // Where the package was built: the program belongs to its tree.
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

impl Counts {
    /// None yet, on this machine.
    pub(crate) fn of_this_machine(valgrind: String) -> Self {
        let rustc = Command::new("rustc").arg("--version").output();
        let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            rustc: rustc.unwrap_or_else(|_| "an unknown rustc".to_owned()),
            valgrind,
            architecture: std::env::consts::ARCH.to_owned(),
            instructions: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, path: &str, instructions: u64) {
        self.instructions.insert(path.to_owned(), instructions);
    }

    pub(crate) fn get(&self, path: &str) -> Option<u64> {
        self.instructions.get(path).copied()
    }

    /// What they were counted with.
    pub(crate) fn tools(&self) -> String {
        format!("{}, {}, {}", self.rustc, self.valgrind, self.architecture)
    }

    /// Those in the tree.
    pub(crate) fn read() -> Result<Self, String> {
        let file = file();
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{} cannot be read: {error}; --accept writes it", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{} is damaged: {error}", file.display()))
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        let file = file();
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        std::fs::write(&file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))
    }
}
