//! What nobody handles: an event at the global, then a line of the console.
//!
//! <https://html.spec.whatwg.org/multipage/webappapis.html#runtime-script-errors>

use std::cell::Cell;

use background_fetch::DomString;

use super::worker::report_to_parent;
use super::{ErrorEvent, PromiseRejectionEvent};
use crate::bindings::{ErrorEventInit, EventInit};
use crate::engine::{Cx, Object, Slots, Value};
use crate::host::Level;
use crate::interfaces::console::{inspect, print};
use crate::interfaces::{Event, EventTarget, is_error};
use crate::realm::{Realm, Report};
use crate::webidl::{Inherits, Interface, Ref, create};

/// What was thrown, as far as an event tells of it.
#[derive(Clone, Debug, Default)]
pub struct ErrorInformation {
    /// A sentence.
    pub message: String,
    /// The URL of the script; empty where it is not known.
    pub filename: String,
    /// The line, from 1; 0 where it is not known.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
}

/// <https://html.spec.whatwg.org/multipage/webappapis.html#extract-error>
fn extract_error<'js>(cx: &Cx<'js>, exception: &Value<'js>, is_for_want_of_memory: bool) -> ErrorInformation {
    let text = match is_for_want_of_memory {
        true => want_of_memory(cx),
        false => exception.to_text(cx).unwrap_or_else(|_| inspect(cx, exception)),
    };
    let message = format!("Uncaught {text}");
    let stack = exception.as_object().filter(|_| is_error(cx, exception));
    let stack = stack.and_then(|object| object.get(cx, "stack").ok());
    let stack = stack.and_then(|stack| stack.to_text(cx).ok()).unwrap_or_default();
    let (filename, line, column) = stack.lines().find_map(place_of).unwrap_or_default();
    ErrorInformation {
        message,
        filename,
        line,
        column,
    }
}

/// What is said of scripts that have used up their memory: the engine says it without the limit, or throws `null`.
fn want_of_memory(cx: &Cx<'_>) -> String {
    let limit = Realm::of(cx).settings().limits.memory;
    let limit = match limit >> 20 {
        0 => format!("{limit} bytes"),
        megabytes => format!("{megabytes} MiB"),
    };
    format!("InternalError: out of memory: the scripts of this realm may take up {limit}")
}

/// An exception for the console, with its stack.
fn shown<'js>(cx: &Cx<'js>, exception: &Value<'js>, is_for_want_of_memory: bool) -> String {
    let text = inspect(cx, exception);
    if !is_for_want_of_memory {
        return text;
    }
    let stack = text.split_once('\n').map_or("", |(_, stack)| stack);
    let words = want_of_memory(cx);
    format!("{words}\n{stack}").trim_end().to_owned()
}

/// The place of a line of a stack: `    at name (file:line:column)`, or the same without a name.
fn place_of(line: &str) -> Option<(String, u32, u32)> {
    let place = line.trim().strip_prefix("at ")?;
    let place = match place.rsplit_once(" (") {
        Some((_, place)) => place.strip_suffix(')')?,
        None => place,
    };
    let (place, column) = place.rsplit_once(':')?;
    let (file, line) = place.rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?, column.parse().ok()?))
}

/// The reporter of a realm.
pub(crate) fn report<'js>(cx: &Cx<'js>, report: &Report<'js>) {
    match report {
        Report::Exception(exception) => report_exception(cx, exception),
        Report::Rejection { promise, reason } => {
            let canceled = fire_rejection(cx, "unhandledrejection", true, promise, reason);
            if !canceled {
                let text = shown(cx, reason, cx.is_for_want_of_memory(reason));
                print(cx, Level::Error, &format!("Uncaught (in promise) {text}"));
            }
        }
        Report::Handled { promise, reason } => {
            fire_rejection(cx, "rejectionhandled", false, promise, reason);
        }
        Report::Overrun { limit } => {
            let text = format!(
                "a task ran for more than {} s, and was ended",
                limit.as_secs_f64()
            );
            print(cx, Level::Error, &text);
        }
    }
}

/// Tells developers that a promise was rejected which a script gave to somebody who has no other way to say so.
pub fn report_rejected<'js>(cx: &Cx<'js>, to: &str, reason: &Value<'js>) {
    let text = shown(cx, reason, cx.is_for_want_of_memory(reason));
    print(
        cx,
        Level::Error,
        &format!("Uncaught (in a promise given to {to}) {text}"),
    );
}

/// The global's "in error reporting mode".
#[derive(Default)]
struct InErrorReporting(Cell<bool>);

/// <https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception>
pub fn report_exception<'js>(cx: &Cx<'js>, exception: &Value<'js>) {
    let is_for_want_of_memory = cx.is_for_want_of_memory(exception);
    let information = extract_error(cx, exception, is_for_want_of_memory);
    // What reports errors of its own has its errors printed.
    let reporting = Realm::of(cx).data::<InErrorReporting>();
    let canceled = !reporting.0.replace(true) && {
        let canceled = fire_error(cx, &information, Some(exception.clone()));
        reporting.0.set(false);
        canceled
    };
    if canceled {
        return;
    }
    let text = format!("Uncaught {}", shown(cx, exception, is_for_want_of_memory));
    if !report_to_parent(cx, &information, &text) {
        print(cx, Level::Error, &text);
    }
}

/// Fires `error` at the global; whether it was cancelled.
pub fn fire_error<'js>(cx: &Cx<'js>, information: &ErrorInformation, error: Option<Value<'js>>) -> bool {
    let Ok(target) = Ref::<EventTarget>::of(cx, &cx.global()) else {
        return false;
    };
    fire_error_at(cx, &target, information, error)
}

/// Fires `error` at a target; whether it was cancelled.
pub fn fire_error_at<'js>(
    cx: &Cx<'js>,
    target: &Ref<'js, EventTarget>,
    information: &ErrorInformation,
    error: Option<Value<'js>>,
) -> bool {
    let init = ErrorEventInit {
        parent: EventInit {
            bubbles: false,
            cancelable: true,
            composed: false,
        },
        message: DomString::from(information.message.as_str()),
        filename: information.filename.clone(),
        lineno: information.line,
        colno: information.column,
        error,
    };
    let slots = Slots::default();
    let event = ErrorEvent::new(Event::trusted_cancelable(cx, "error"), &slots, init);
    dispatch(cx, target, event, slots)
}

fn fire_rejection<'js>(
    cx: &Cx<'js>,
    type_: &str,
    cancelable: bool,
    promise: &Value<'js>,
    reason: &Value<'js>,
) -> bool {
    let Ok(target) = Ref::<EventTarget>::of(cx, &cx.global()) else {
        return false;
    };
    let event = match cancelable {
        true => Event::trusted_cancelable(cx, type_),
        false => Event::trusted(cx, type_),
    };
    let slots = Slots::default();
    let event = PromiseRejectionEvent::new(event, &slots, promise.clone(), Some(reason.clone()));
    dispatch(cx, &target, event, slots)
}

fn dispatch<'js, T: Interface + Inherits<Event>>(
    cx: &Cx<'js>,
    target: &Ref<'js, EventTarget>,
    event: T,
    slots: Slots<'js>,
) -> bool {
    match create(cx, event, slots) {
        Ok(event) => !EventTarget::dispatch(target, cx, &event.upcast()),
        // There is no memory for it: the console has it.
        Err(_) => false,
    }
}

/// What `onerror` of a global is called with, for an `ErrorEvent`: five arguments.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#the-event-handler-processing-algorithm>
pub(crate) fn error_handler_arguments<'js>(
    cx: &Cx<'js>,
    target: &Object<'js>,
    event: &Ref<'js, Event>,
) -> Option<[Value<'js>; 5]> {
    if event.event_type() != *"error" || *target != cx.global() {
        return None;
    }
    let event = event.downcast::<ErrorEvent>()?;
    let error = crate::bindings::ErrorEventMethods::error(&event, cx).ok()?;
    Some([
        cx.utf16(event.message.code_units()),
        cx.string(&event.filename),
        cx.number(event.lineno.into()),
        cx.number(event.colno.into()),
        error,
    ])
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn the_place_of_an_error_is_in_its_stack() {
        let place = |line| place_of(line).map(|(file, line, column)| format!("{file}|{line}|{column}"));
        assert_eq!(
            place("    at f (https://a.example/x.js:3:14)").as_deref(),
            Some("https://a.example/x.js|3|14")
        );
        assert_eq!(
            place("    at https://a.example/x.js:3:14").as_deref(),
            Some("https://a.example/x.js|3|14")
        );
        assert_eq!(place("    at f (native)"), None);
    }
}
