//! Where the lines of consoles go.

use std::fmt;

use url::Url;

use crate::webidl::Globals;

/// How much a line of a console matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `console.debug`
    Debug,
    /// `console.log`, and what is no other.
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warning,
    /// `console.error`, and what nobody catches.
    Error,
}

/// A line of a console; its text may have line breaks.
#[derive(Clone, Debug)]
pub struct ConsoleLine {
    /// How much it matters.
    pub level: Level,
    /// Its text, formatted, and indented by its groups.
    pub text: String,
    /// The URL of the realm that it comes from.
    pub realm: Url,
    /// The global that it comes from.
    pub global: Globals,
}

/// Takes the lines of all consoles, from any thread.
pub trait ConsoleSink: Send + Sync {
    /// Takes a line; who prints more than can be taken may be kept waiting.
    fn line(&self, line: ConsoleLine);
}

/// Writes lines to the standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardError;

impl ConsoleSink for StandardError {
    fn line(&self, line: ConsoleLine) {
        eprintln!("{line}");
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Log => "log",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// `worker warning: text`; a page's own lines at the usual level are the text alone.
impl fmt::Display for ConsoleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let global = match self.global {
            Globals::WINDOW => "",
            Globals::SERVICE_WORKER => "service worker",
            _ => "worker",
        };
        let level = match self.level {
            Level::Log | Level::Info => String::new(),
            level => level.to_string(),
        };
        let head = [global, &level].join(" ");
        match head.trim() {
            "" => f.write_str(&self.text),
            head => write!(f, "{head}: {}", self.text),
        }
    }
}
