//! What the user sees: bars in a terminal, plain lines elsewhere, JSON lines for programs.
//!
//! Progress goes to the standard error output, answers to the standard output; JSON goes to the standard output all.

mod bars;
mod json;
mod labels;
mod lines;
mod plain;
mod speed;
mod text;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use background_fetch::embedder::DisplayState;
use background_fetch::inspect::{FetchInspection, InspectEvent};

use crate::profile::Finished;
use bars::Bars;
use json::Json;
use plain::Plain;

pub(crate) use json::line as json_line;
pub(crate) use text::{amount, bytes, heading, reason};

/// What the user sees of a session.
pub(crate) enum Output {
    /// A terminal.
    Bars(Box<Bars>),
    /// A file, or a pipe.
    Plain(Plain),
    /// A program.
    Json(Json),
    /// Nobody: the command says all there is to say.
    Silent,
}

impl Output {
    /// The one that fits: JSON where it is asked for.
    pub(crate) fn new(json: bool) -> Self {
        if json {
            Self::Json(Json::default())
        } else if std::io::stderr().is_terminal() {
            Self::Bars(Box::default())
        } else {
            Self::Plain(Plain::default())
        }
    }

    /// With this to add to the commands that it names, so that they use the same profile.
    pub(crate) fn with_option(mut self, option: &str) -> Self {
        match &mut self {
            Self::Bars(bars) => option.clone_into(&mut bars.option),
            Self::Plain(plain) => option.clone_into(&mut plain.option),
            Self::Json(_) | Self::Silent => {}
        }
        self
    }

    /// For a command that says itself how it ended, except to a program.
    pub(crate) fn silent(json: bool) -> Self {
        if json { Self::new(true) } else { Self::Silent }
    }

    /// Whether somebody may press keys.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self, Self::Bars(_))
    }

    /// How often progress is shown.
    pub(crate) fn tick(&self) -> Duration {
        match self {
            Self::Bars(_) => Duration::from_millis(100),
            Self::Plain(_) => Duration::from_secs(2),
            Self::Json(_) | Self::Silent => Duration::from_millis(200),
        }
    }

    /// A background fetch begins, or goes on.
    pub(crate) fn begin(&mut self, fetch: &FetchInspection) {
        match self {
            Self::Bars(bars) => bars.begin(fetch),
            Self::Plain(plain) => plain.begin(fetch),
            Self::Json(json) => json.begin(fetch),
            Self::Silent => {}
        }
    }

    /// Something happened.
    pub(crate) fn event(&mut self, event: &InspectEvent) {
        match self {
            Self::Bars(bars) => bars.event(event),
            Self::Plain(plain) => plain.event(event),
            Self::Json(json) => json.event(event),
            Self::Silent => {}
        }
    }

    /// How far it is; `state` is what the component last said to show.
    pub(crate) fn progress(&mut self, fetch: &FetchInspection, state: Option<&DisplayState>) {
        match self {
            Self::Bars(bars) => bars.progress(fetch, state),
            Self::Plain(plain) => plain.progress(fetch),
            Self::Json(json) => json.progress(fetch),
            Self::Silent => {}
        }
    }

    /// The user clicked, and the worker got it.
    pub(crate) fn clicked(&mut self, fetch: &FetchInspection) {
        let message = text::clicked(fetch);
        match self {
            // The event said so.
            Self::Json(_) => {}
            _ => self.note(&message),
        }
    }

    /// A background fetch is over.
    pub(crate) fn finished(&mut self, finished: &Finished) {
        match self {
            Self::Bars(bars) => bars.finished(finished),
            Self::Plain(plain) => plain.finished(finished),
            Self::Json(json) => json.finished(finished),
            Self::Silent => {}
        }
    }

    /// Something that the user should know.
    pub(crate) fn warn(&mut self, message: &str) {
        match self {
            Self::Json(json) => json.warn(message),
            _ => self.note(&format!("bgfetch: {message}")),
        }
    }

    fn note(&mut self, message: &str) {
        match self {
            Self::Bars(bars) => bars.note(message),
            Self::Plain(_) | Self::Silent => error_line(message),
            Self::Json(_) => {}
        }
    }

    /// A line of a console.
    pub(crate) fn console(&mut self, level: &str, global: &str, text: &str, shown: &str) {
        match self {
            Self::Bars(bars) => bars.answer(shown),
            Self::Json(_) => {
                let said = serde_json::json!({ "level": level, "global": global, "text": text });
                line(&json_line("console", &said));
            }
            Self::Plain(_) | Self::Silent => line(shown),
        }
    }

    /// A background fetch was interrupted; `command` goes on with it.
    pub(crate) fn interrupted(&mut self, fetch: &FetchInspection, command: &str) {
        match self {
            Self::Json(json) => json.interrupted(fetch, command),
            _ => error_line(&text::interrupted(fetch, command)),
        }
    }

    /// A background fetch is over, for a session that goes on.
    pub(crate) fn over(&mut self, fetch: background_fetch::FetchKey) {
        if let Self::Bars(bars) = self {
            bars.over(fetch);
        }
    }

    /// No more progress comes.
    pub(crate) fn end(&mut self) {
        if let Self::Bars(bars) = self {
            bars.end();
        }
    }
}

/// Why a command ended early.
pub(crate) fn error(json: bool, message: &str) {
    if json {
        line(&json::error(message));
    }
    error_line(&format!("bgfetch: {message}"));
}

/// A line of an answer. Who closed the pipe does not want it.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line beside the answer.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
