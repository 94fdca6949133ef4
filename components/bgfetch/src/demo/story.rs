//! The demo's story: the events of both processes, in order, as lines; and a bar where there is a terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::files::FILES;
use crate::output::{bytes, line};

pub(super) struct Story {
    began: Instant,
    bar: Option<(MultiProgress, ProgressBar)>,
    downloaded: u64,
    total: u64,
    /// The tenths that were told.
    told: u64,
}

impl Story {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            bar: None,
            downloaded: 0,
            total: FILES.iter().map(|file| file.length).sum(),
            told: 0,
        }
    }

    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            // Above the bar.
            Some((screen, _)) => drop(screen.println(text)),
            None => line(text),
        }
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.say("");
        self.say(text);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn downloaded(&self) -> u64 {
        self.downloaded
    }

    /// How much has arrived, in percent.
    pub(super) fn percent(&self) -> u64 {
        self.downloaded * 100 / self.total
    }

    /// Takes the bar away.
    pub(super) fn pause(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    pub(super) fn end(&mut self) {
        self.pause();
    }

    /// Tells one JSON line of the program.
    pub(super) fn event(&mut self, event: &Value) {
        let name = event["event"].as_str().unwrap_or_default();
        if matches!(name, "begin" | "progress") {
            self.downloaded = event["downloaded"].as_u64().unwrap_or(self.downloaded);
            self.progress();
            return;
        }
        if let Some(text) = told(name, event) {
            self.say(&format!("  {:>5.2} s  {text}", self.elapsed().as_secs_f64()));
        }
    }

    fn progress(&mut self) {
        if std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
            let (total, downloaded) = (self.total, self.downloaded);
            let (_, bar) = self.bar.get_or_insert_with(|| {
                let style = ProgressStyle::with_template(
                    "  {bar:40.green} {percent:>3} %  {binary_bytes} of {binary_total_bytes}",
                );
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                let screen = MultiProgress::new();
                let bar = screen.add(ProgressBar::new(total));
                bar.set_style(style.progress_chars("━━─"));
                (screen, bar)
            });
            bar.set_position(downloaded);
        } else if self.percent() / 20 > self.told {
            self.told = self.percent() / 20;
            let text = format!(
                "{:<17} {} of {}",
                "progress",
                bytes(self.downloaded),
                bytes(self.total)
            );
            self.say(&format!("  {:>5.2} s  {text}", self.elapsed().as_secs_f64()));
        }
    }
}

/// What an event is told as, where it is.
fn told(name: &str, event: &Value) -> Option<String> {
    let record = event["record"]
        .as_u64()
        .and_then(|record| FILES.get(usize::try_from(record).ok()?));
    let file = || record.map_or("", |file| file.name);
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let rest = match name {
        "created" => "the fetch and its five requests are on the disk".to_owned(),
        "request-sent" => match event["range_start"].as_u64() {
            Some(start @ 1..) => format!("{}: asking for the rest, from byte {start} on", file()),
            _ => file().to_owned(),
        },
        "retry" => format!(
            "{}: {}; again in {:.1} s",
            file(),
            in_short(&text("reason")),
            event["wait"].as_f64().unwrap_or_default()
        ),
        "restarted" => format!("{}: {}", file(), text("reason")),
        "record-settled" => format!("{}: {} {}", file(), text("result"), text("detail"))
            .trim_end()
            .to_owned(),
        "settled" => text("result"),
        "event-fired" | "event-ended" => text("name"),
        "removed" => "nothing of it is left in the profile".to_owned(),
        "result" => {
            let records = event["records"].as_array().map_or(0, Vec::len);
            format!("{records} files saved")
        }
        "storage-trouble" | "event-failed" | "error" | "warning" => text("message"),
        _ => return None,
    };
    Some(format!("{name:<17} {rest}"))
}

/// What happened, out of `cannot fetch URL: what happened: why`: which file it is, the line says before.
fn in_short(reason: &str) -> &str {
    let parts: Vec<&str> = reason.split(": ").collect();
    match parts[..] {
        [url, what, ..] if url.starts_with("cannot fetch ") => what,
        _ => reason,
    }
}
