//! Bars in a terminal: one for each background fetch, and one for each file that is arriving.

use std::collections::HashMap;

use background_fetch::embedder::DisplayState;
use background_fetch::inspect::{FetchInspection, InspectEvent};
use background_fetch::{FetchKey, ResponseResult};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{Limiter, Lines};
use super::speed::Speed;
use super::{error_line, line, text};
use crate::profile::Finished;

/// How many files have a bar at the same time.
const FILES: usize = 8;

/// Bars.
#[derive(Default)]
pub(crate) struct Bars {
    screen: MultiProgress,
    lines: Lines,
    limiter: Limiter,
    /// What to add to a command so that it uses the same profile.
    pub(super) option: String,
    totals: HashMap<FetchKey, (ProgressBar, Speed)>,
    files: HashMap<(FetchKey, usize), ProgressBar>,
    /// What is over, to print when the bars are gone.
    over: Vec<Finished>,
}

impl Bars {
    pub(super) fn begin(&mut self, fetch: &FetchInspection) {
        self.lines.begin(fetch);
        let bar = self.screen.add(ProgressBar::no_length());
        bar.set_style(total_style(text::total(fetch).is_some()));
        bar.set_position(fetch.downloaded);
        bar.set_message(text::heading(fetch));
        self.totals.insert(fetch.key, (bar, Speed::new(fetch.downloaded)));
        self.note("keys: p pauses and goes on, a aborts, c clicks; ctrl-C interrupts");
    }

    pub(super) fn event(&mut self, event: &InspectEvent) {
        if let Some(text) = self.lines.line(event)
            && self.limiter.lets_through()
        {
            self.note(&text);
        }
    }

    pub(super) fn progress(&mut self, fetch: &FetchInspection, state: Option<&DisplayState>) {
        if let Some(text) = self.limiter.left_out() {
            self.note(&text);
        }
        let Some((bar, speed)) = self.totals.get_mut(&fetch.key) else {
            return;
        };
        let speed = speed.measure(fetch.downloaded);
        let total = text::total(fetch);
        if bar.length() != total {
            bar.set_style(total_style(total.is_some()));
            match total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
        }
        bar.set_position(fetch.downloaded);
        let left = total.map(|total| total.saturating_sub(fetch.downloaded));
        let left = left.and_then(|left| left.checked_div(speed));
        let left = left.map_or(String::new(), |left| format!(", {left} s left"));
        bar.set_prefix(format!(
            "{}/{}  {}, {}/s{left}",
            text::settled(fetch),
            fetch.records.len(),
            text::amount(fetch),
            text::bytes(speed)
        ));
        let note = match state {
            Some(state) if state.paused.any() => " (paused)".to_owned(),
            Some(state) if state.upload_total > 0 && state.uploaded < state.upload_total => format!(
                " (sent {} of {})",
                text::bytes(state.uploaded),
                text::bytes(state.upload_total)
            ),
            _ => String::new(),
        };
        bar.set_message(format!("{}{note}", text::heading(fetch)));
        for (index, record) in fetch.records.iter().enumerate() {
            let place = (fetch.key, index);
            if record.result != ResponseResult::Empty {
                if let Some(bar) = self.files.remove(&place) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                continue;
            }
            if !record.in_flight && !self.files.contains_key(&place) {
                continue;
            }
            if !self.files.contains_key(&place) && self.files.len() >= FILES {
                continue;
            }
            let (screen, lines) = (&self.screen, &self.lines);
            let bar = self.files.entry(place).or_insert_with(|| {
                let bar = screen.add(ProgressBar::no_length());
                bar.set_message(lines.label(fetch.key, index).to_owned());
                bar.set_style(file_style(false));
                bar
            });
            if bar.length() != record.content_length
                && let Some(length) = record.content_length
            {
                bar.set_style(file_style(true));
                bar.set_length(length);
            }
            bar.set_position(record.downloaded);
        }
    }

    pub(super) fn finished(&mut self, finished: &Finished) {
        self.over.push(finished.clone());
    }

    pub(super) fn note(&mut self, message: &str) {
        let _ = self.screen.println(message);
    }

    /// A line for the standard output, above the bars.
    pub(super) fn answer(&mut self, text: &str) {
        self.screen.suspend(|| line(text));
    }

    /// A background fetch is over, and its bars go.
    pub(super) fn over(&mut self, fetch: FetchKey) {
        if let Some((bar, _)) = self.totals.remove(&fetch) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
        let (over, files) = std::mem::take(&mut self.files)
            .into_iter()
            .partition(|((of, _), _)| *of == fetch);
        let over: HashMap<_, ProgressBar> = over;
        self.files = files;
        for bar in over.values() {
            bar.finish_and_clear();
            self.screen.remove(bar);
        }
    }

    pub(super) fn end(&mut self) {
        for bar in self
            .files
            .values()
            .chain(self.totals.values().map(|(bar, _)| bar))
        {
            bar.finish_and_clear();
        }
        let _ = self.screen.clear();
        for finished in std::mem::take(&mut self.over) {
            text::saved(&finished).iter().for_each(|text| line(text));
            text::failed(&finished, &self.option)
                .iter()
                .for_each(|text| error_line(text));
        }
    }
}

fn total_style(known: bool) -> ProgressStyle {
    style(if known {
        "{bar:30.green}  {prefix}  {wide_msg}"
    } else {
        "{spinner}  {prefix}  {wide_msg}"
    })
    .progress_chars("━━─")
}

fn file_style(known: bool) -> ProgressStyle {
    style(if known {
        "  {bar:28.cyan} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {wide_msg}"
    } else {
        "  {spinner}  {binary_bytes}  {wide_msg}"
    })
    .progress_chars("━━─")
}

fn style(template: &str) -> ProgressStyle {
    // A template that does not parse would show in the first run; the default still shows progress.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
