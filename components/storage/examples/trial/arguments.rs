//! [`Arguments`]: a command, and options with a value each.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use super::Trouble;

/// What the program was started with.
pub(crate) struct Arguments {
    command: Option<String>,
    options: HashMap<String, String>,
}

impl Arguments {
    /// Those of this process.
    pub(crate) fn of_this_process() -> Self {
        let mut arguments = std::env::args().skip(1);
        let command = arguments.next();
        let mut options = HashMap::new();
        while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
            options.insert(name, value);
        }
        Self { command, options }
    }

    /// The command.
    pub(crate) fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// The value of an option, where it is given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The value of an option, or what it is without.
    pub(crate) fn value<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T, Trouble> {
        self.text(name).map_or(Ok(default), |text| {
            text.parse()
                .map_err(|error| format!("{name} {text}: {error}").into())
        })
    }
}
