//! JSON lines: each has an `event` that says what it is.
//!
//! Those of [`EventKind`](background_fetch::inspect::EventKind) as they happen, with `at` in seconds; `begin`,
//! `progress`, `result`, `interrupted`, `warning` and `error` are the program's own.

use std::collections::HashMap;

use background_fetch::FetchKey;
use background_fetch::inspect::{FetchInspection, InspectEvent};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{line as print, text};
use crate::profile::Finished;

/// JSON lines.
#[derive(Default)]
pub(crate) struct Json {
    /// The last progress.
    last: HashMap<FetchKey, Value>,
}

impl Json {
    pub(super) fn begin(&mut self, fetch: &FetchInspection) {
        print(&line("begin", fetch));
    }

    pub(super) fn event(&mut self, event: &InspectEvent) {
        let Ok(Value::Object(kind)) = serde_json::to_value(&event.kind) else {
            return;
        };
        let mut object = Map::new();
        object.insert("event".to_owned(), Value::Null);
        object.insert("at".to_owned(), event.at.as_secs_f64().into());
        object.insert("fetch".to_owned(), event.fetch.0.into());
        object.insert("id".to_owned(), event.id.to_string().into());
        object.extend(kind.into_iter().map(|(name, value)| (name, plain(value))));
        print(&Value::Object(object).to_string());
    }

    pub(super) fn progress(&mut self, fetch: &FetchInspection) {
        let progress = json!({
            "event": "progress",
            "fetch": fetch.key,
            "id": fetch.id,
            "downloaded": fetch.downloaded,
            "total": text::total(fetch),
            "uploaded": fetch.uploaded,
            "upload_total": fetch.upload_total,
            "complete": text::settled(fetch),
            "records": fetch.records.len(),
        });
        if self.last.get(&fetch.key) != Some(&progress) {
            print(&progress.to_string());
            self.last.insert(fetch.key, progress);
        }
    }

    pub(super) fn finished(&mut self, finished: &Finished) {
        print(&line("result", finished));
    }

    pub(super) fn interrupted(&mut self, fetch: &FetchInspection, command: &str) {
        let interrupted = json!({
            "event": "interrupted",
            "fetch": fetch.key,
            "id": fetch.id,
            "downloaded": fetch.downloaded,
            "resume": command,
        });
        print(&interrupted.to_string());
    }

    pub(super) fn warn(&mut self, message: &str) {
        print(&json!({ "event": "warning", "message": message }).to_string());
    }
}

pub(super) fn error(message: &str) -> String {
    json!({ "event": "error", "message": message }).to_string()
}

/// An object as a line, with the name of its event.
pub(crate) fn line(event: &str, object: &impl Serialize) -> String {
    let mut line = Map::new();
    line.insert("event".to_owned(), event.into());
    if let Ok(Value::Object(object)) = serde_json::to_value(object) {
        line.extend(object);
    }
    Value::Object(line).to_string()
}

/// Times in seconds.
fn plain(value: Value) -> Value {
    match (
        value.get("secs").and_then(Value::as_u64),
        value.get("nanos").and_then(Value::as_u64),
    ) {
        (Some(seconds), Some(nanoseconds)) => (seconds as f64 + nanoseconds as f64 / 1e9).into(),
        _ => value,
    }
}
