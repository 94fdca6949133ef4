//! The console: lines of text for people.
//!
//! <https://console.spec.whatwg.org/>

mod format;
mod inspect;
mod table;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use background_fetch::DomString;

use crate::bindings::ConsoleMethods;
use crate::engine::{Cx, Object, Value};
use crate::host::{ConsoleLine, Host, Level};
use crate::realm::{Charge, Realm};
use crate::webidl::Fallible;

use format::formatted;
pub(crate) use inspect::inspect;

/// The namespace `console`.
pub struct Console;

/// What a realm's console remembers.
#[derive(Default)]
struct Remembered {
    /// For the labels.
    charge: RefCell<Charge>,
    counts: RefCell<HashMap<DomString, u64>>,
    timers: RefCell<HashMap<DomString, Duration>>,
    groups: Cell<usize>,
}

impl Remembered {
    /// There is one label more.
    fn grow<'js>(&self, cx: &Cx<'js>, label: &DomString) -> Fallible<'js, ()> {
        let bytes = 2 * label.len() + size_of::<(DomString, u64)>();
        self.charge.borrow_mut().grow(cx, bytes)
    }
}

/// Prints a text, indented by the groups that it is in.
///
/// <https://console.spec.whatwg.org/#printer>
pub(crate) fn print(cx: &Cx<'_>, level: Level, text: &str) {
    let realm = Realm::of(cx);
    let indent = "  ".repeat(realm.data::<Remembered>().groups.get());
    let text = match indent.as_str() {
        "" => text.to_owned(),
        indent => text
            .split('\n')
            .map(|line| format!("{indent}{line}"))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    let settings = realm.settings();
    let line = ConsoleLine {
        level,
        text,
        realm: settings.client.base_url.clone(),
        global: settings.kind,
    };
    // Where nobody takes it in a hurry, that is not the script's time.
    realm.wait(|| settings.host.console.line(line));
}

/// <https://console.spec.whatwg.org/#logger>
fn log<'js>(cx: &Cx<'js>, level: Level, data: &[Value<'js>]) -> Fallible<'js, ()> {
    // 1. Nothing is nothing.
    if !data.is_empty() {
        print(cx, level, &formatted(cx, data));
    }
    Ok(())
}

fn elapsed(cx: &Cx<'_>, label: &DomString) -> Option<String> {
    let began = *Realm::of(cx).data::<Remembered>().timers.borrow().get(label)?;
    let elapsed = Host::of(cx).clock.now().saturating_sub(began);
    Some(format!("{label}: {:.3} ms", elapsed.as_secs_f64() * 1000.0))
}

fn group<'js>(cx: &Cx<'js>, data: &[Value<'js>]) -> Fallible<'js, ()> {
    log(cx, Level::Log, data)?;
    let remembered = Realm::of(cx).data::<Remembered>();
    remembered.groups.set((remembered.groups.get() + 1).min(40));
    Ok(())
}

impl ConsoleMethods for Console {
    fn assert<'js>(cx: &Cx<'js>, condition: bool, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        if condition {
            return Ok(());
        }
        let text = match data.is_empty() {
            true => "Assertion failed".to_owned(),
            false => format!("Assertion failed: {}", formatted(cx, &data)),
        };
        print(cx, Level::Error, &text);
        Ok(())
    }

    fn clear<'js>(cx: &Cx<'js>) -> Fallible<'js, ()> {
        // Lines that were handed on stay; the groups end.
        Realm::of(cx).data::<Remembered>().groups.set(0);
        Ok(())
    }

    fn debug<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Debug, &data)
    }

    fn error<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Error, &data)
    }

    fn info<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Info, &data)
    }

    fn log<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Log, &data)
    }

    fn table<'js>(
        cx: &Cx<'js>,
        tabular_data: Value<'js>,
        properties: Option<Vec<DomString>>,
    ) -> Fallible<'js, ()> {
        match table::table(cx, &tabular_data, properties.as_deref()) {
            Some(table) => print(cx, Level::Log, &table),
            None => log(cx, Level::Log, &[tabular_data])?,
        }
        Ok(())
    }

    fn trace<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        let error = cx.type_error("").0;
        let stack = error
            .as_object()
            .map(|error| error.get(cx, "stack"))
            .transpose()?;
        let stack = stack
            .map(|stack| stack.to_text(cx))
            .transpose()?
            .unwrap_or_default();
        let text = format!("Trace: {}\n{}", formatted(cx, &data), stack.trim_end());
        print(cx, Level::Log, &text);
        Ok(())
    }

    fn warn<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Warning, &data)
    }

    fn dir<'js>(cx: &Cx<'js>, item: Value<'js>, _: Option<Option<Object<'js>>>) -> Fallible<'js, ()> {
        print(cx, Level::Log, &inspect(cx, &item));
        Ok(())
    }

    fn dirxml<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        log(cx, Level::Log, &data)
    }

    fn count<'js>(cx: &Cx<'js>, label: DomString) -> Fallible<'js, ()> {
        let remembered = Realm::of(cx).data::<Remembered>();
        if !remembered.counts.borrow().contains_key(&label) {
            remembered.grow(cx, &label)?;
        }
        let count = {
            let mut counts = remembered.counts.borrow_mut();
            let count = counts.entry(label.clone()).or_default();
            *count += 1;
            *count
        };
        print(cx, Level::Info, &format!("{label}: {count}"));
        Ok(())
    }

    fn count_reset<'js>(cx: &Cx<'js>, label: DomString) -> Fallible<'js, ()> {
        let remembered = Realm::of(cx).data::<Remembered>();
        if remembered.counts.borrow_mut().remove(&label).is_none() {
            print(cx, Level::Warning, &format!("nothing was counted as {label}"));
        }
        Ok(())
    }

    fn group<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        group(cx, &data)
    }

    fn group_collapsed<'js>(cx: &Cx<'js>, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        group(cx, &data)
    }

    fn group_end<'js>(cx: &Cx<'js>) -> Fallible<'js, ()> {
        let remembered = Realm::of(cx).data::<Remembered>();
        remembered.groups.set(remembered.groups.get().saturating_sub(1));
        Ok(())
    }

    fn time<'js>(cx: &Cx<'js>, label: DomString) -> Fallible<'js, ()> {
        let remembered = Realm::of(cx).data::<Remembered>();
        if remembered.timers.borrow().contains_key(&label) {
            print(cx, Level::Warning, &format!("the timer {label} runs already"));
            return Ok(());
        }
        remembered.grow(cx, &label)?;
        let now = Host::of(cx).clock.now();
        remembered.timers.borrow_mut().insert(label, now);
        Ok(())
    }

    fn time_log<'js>(cx: &Cx<'js>, label: DomString, data: Vec<Value<'js>>) -> Fallible<'js, ()> {
        match elapsed(cx, &label) {
            Some(text) if data.is_empty() => print(cx, Level::Log, &text),
            Some(text) => print(cx, Level::Log, &format!("{text} {}", formatted(cx, &data))),
            None => print(cx, Level::Warning, &format!("there is no timer {label}")),
        }
        Ok(())
    }

    fn time_end<'js>(cx: &Cx<'js>, label: DomString) -> Fallible<'js, ()> {
        match elapsed(cx, &label) {
            Some(text) => print(cx, Level::Info, &text),
            None => print(cx, Level::Warning, &format!("there is no timer {label}")),
        }
        Realm::of(cx)
            .data::<Remembered>()
            .timers
            .borrow_mut()
            .remove(&label);
        Ok(())
    }
}
