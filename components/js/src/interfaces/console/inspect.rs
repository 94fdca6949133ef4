//! What a value looks like to people.

use crate::engine::{Cx, Object, PromiseState, Type, Value};
use crate::interfaces::is_error;
use crate::webidl::FromJs;

/// The elements of a list that are shown.
const ELEMENTS: usize = 100;
/// The characters of a line, where an object is on one line.
const WIDTH: usize = 72;
/// The characters of a nested string that are shown.
const STRING: usize = 10_000;

/// What a value looks like; objects to a depth of two.
pub(crate) fn inspect<'js>(cx: &Cx<'js>, value: &Value<'js>) -> String {
    Inspector::new(cx, 2).value(value, 0)
}

/// The same, deeper.
pub(super) fn inspect_deeply<'js>(cx: &Cx<'js>, value: &Value<'js>) -> String {
    Inspector::new(cx, 4).value(value, 0)
}

struct Inspector<'a, 'js> {
    cx: &'a Cx<'js>,
    depth: usize,
    /// The objects that are being shown.
    open: Vec<Object<'js>>,
}

impl<'a, 'js> Inspector<'a, 'js> {
    fn new(cx: &'a Cx<'js>, depth: usize) -> Self {
        Self {
            cx,
            depth,
            open: Vec::new(),
        }
    }

    fn value(&mut self, value: &Value<'js>, depth: usize) -> String {
        let text = || value.to_text(self.cx).unwrap_or_default();
        match value.kind() {
            Type::Undefined => "undefined".to_owned(),
            Type::Null => "null".to_owned(),
            Type::Boolean => text(),
            Type::Number
                if value
                    .as_number()
                    .is_some_and(|n| n == 0.0 && n.is_sign_negative()) =>
            {
                "-0".to_owned()
            }
            Type::Number => text(),
            Type::BigInt => format!("{}n", text()),
            Type::String => quoted(&text()),
            Type::Symbol => format!("Symbol({})", value.symbol_description().unwrap_or_default()),
            Type::Object => match value.as_object() {
                Some(object) => self.object(&object, depth),
                None => String::new(),
            },
        }
    }

    fn object(&mut self, object: &Object<'js>, depth: usize) -> String {
        if self.open.contains(object) {
            return "[Circular]".to_owned();
        }
        if is_error(self.cx, &object.value()) {
            return self.error(object);
        }
        let name = self.constructor_name(object);
        if object.value().is_callable() {
            let own = self.text_of(object, "name");
            return match own.as_str() {
                "" => "[Function (anonymous)]".to_owned(),
                own => format!("[Function: {own}]"),
            };
        }
        match name.as_str() {
            "Date" => return self.called(object, "toISOString"),
            "RegExp" => return self.called(object, "toString"),
            _ => {}
        }
        if depth > self.depth {
            return format!("[{}]", if name.is_empty() { "Object" } else { &name });
        }
        self.open.push(object.clone());
        let shown = self.contents(object, &name, depth);
        self.open.pop();
        shown
    }

    fn contents(&mut self, object: &Object<'js>, name: &str, depth: usize) -> String {
        if let Some(promise) = object.value().as_promise() {
            let state = match promise.state(self.cx) {
                PromiseState::Pending => "<pending>".to_owned(),
                PromiseState::Fulfilled(value) => self.value(&value, depth + 1),
                PromiseState::Rejected(reason) => format!("<rejected> {}", self.value(&reason, depth + 1)),
            };
            return format!("Promise {{ {state} }}");
        }
        if object.value().is_array() {
            let parts = self.elements(object, depth);
            return braced("", ['[', ']'], &parts, depth);
        }
        if object.is_array_buffer() {
            let length = object.array_buffer_bytes().map_or(0, |bytes| bytes.len());
            return format!("ArrayBuffer {{ byteLength: {length} }}");
        }
        if object.is_view() {
            let length = self.text_of(object, "length");
            let parts = self.elements(object, depth);
            return braced(&format!("{name}({length})"), ['[', ']'], &parts, depth);
        }
        match name {
            "Map" => {
                let pairs = Vec::<Vec<Value<'js>>>::from_js(self.cx, &object.value()).unwrap_or_default();
                let count = pairs.len();
                let parts: Vec<_> = pairs
                    .iter()
                    .take(ELEMENTS)
                    .map(|pair| {
                        let parts: Vec<_> = pair.iter().map(|value| self.value(value, depth + 1)).collect();
                        parts.join(" => ")
                    })
                    .collect();
                braced(&format!("Map({count})"), ['{', '}'], &parts, depth)
            }
            "Set" => {
                let values = Vec::<Value<'js>>::from_js(self.cx, &object.value()).unwrap_or_default();
                let count = values.len();
                let parts: Vec<_> = values
                    .iter()
                    .take(ELEMENTS)
                    .map(|value| self.value(value, depth + 1))
                    .collect();
                braced(&format!("Set({count})"), ['{', '}'], &parts, depth)
            }
            name => {
                let parts = self.properties(object, depth);
                let name = if name == "Object" { "" } else { name };
                braced(name, ['{', '}'], &parts, depth)
            }
        }
    }

    fn elements(&mut self, object: &Object<'js>, depth: usize) -> Vec<String> {
        let length = object
            .get(self.cx, "length")
            .ok()
            .and_then(|length| length.as_number())
            .unwrap_or(0.0) as usize;
        let mut parts: Vec<_> = (0..length.min(ELEMENTS))
            .map(|index| match object.get(self.cx, index as u32) {
                Ok(value) => self.value(&value, depth + 1),
                Err(_) => "?".to_owned(),
            })
            .collect();
        if length > ELEMENTS {
            parts.push(format!("... {} more", length - ELEMENTS));
        }
        parts
    }

    fn properties(&mut self, object: &Object<'js>, depth: usize) -> Vec<String> {
        let keys = object.own_enumerable_keys(self.cx).unwrap_or_default();
        let more = keys.len().saturating_sub(ELEMENTS);
        let mut parts: Vec<_> = keys
            .iter()
            .take(ELEMENTS)
            .map(|key| {
                let name = key.to_text(self.cx).unwrap_or_default();
                // What is shown runs no getter.
                let accessor = object.own_accessor(self.cx, &name).ok().flatten();
                let has_getter = accessor.is_some_and(|functions| functions.iter().any(Value::is_callable));
                let value = match (has_getter, object.get_by_value(self.cx, key)) {
                    (false, Ok(value)) => self.value(&value, depth + 1),
                    _ => "[Getter]".to_owned(),
                };
                let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
                match name.chars().all(is_plain) && !name.is_empty() {
                    true => format!("{name}: {value}"),
                    false => format!("{}: {value}", quoted(&name)),
                }
            })
            .collect();
        if more > 0 {
            parts.push(format!("... {more} more"));
        }
        parts
    }

    /// Name, message and stack.
    fn error(&mut self, object: &Object<'js>) -> String {
        let head = self.called(object, "toString");
        let stack = self.text_of(object, "stack");
        match stack.trim_end() {
            "" => head,
            stack => format!("{head}\n{stack}"),
        }
    }

    fn constructor_name(&self, object: &Object<'js>) -> String {
        let constructor = object.get(self.cx, "constructor").ok();
        let constructor = constructor.and_then(|constructor| constructor.as_object());
        constructor.map_or_else(String::new, |constructor| self.text_of(&constructor, "name"))
    }

    fn text_of(&self, object: &Object<'js>, name: &str) -> String {
        let value = object.get(self.cx, name).ok();
        let value = value.filter(|value| !value.is_nullish());
        value
            .and_then(|value| value.to_text(self.cx).ok())
            .unwrap_or_default()
    }

    fn called(&self, object: &Object<'js>, method: &str) -> String {
        let method = object.method(self.cx, method).ok().flatten();
        let result = method.and_then(|method| method.call(self.cx, &object.value(), &[]).ok());
        result
            .and_then(|result| result.to_text(self.cx).ok())
            .unwrap_or_default()
    }
}

fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(STRING).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    format!(
        "'{}'",
        shown
            .replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('\n', "\\n")
    )
}

/// Parts in braces, on one line where they fit.
fn braced(name: &str, [open, close]: [char; 2], parts: &[String], depth: usize) -> String {
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("{name} ")
    };
    if parts.is_empty() {
        return format!("{name}{open}{close}");
    }
    let width: usize = parts.iter().map(|part| part.chars().count() + 2).sum();
    if width <= WIDTH && !parts.iter().any(|part| part.contains('\n')) {
        return format!("{name}{open} {} {close}", parts.join(", "));
    }
    let indent = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    let lines: Vec<_> = parts.iter().map(|part| format!("{indent}{part}")).collect();
    format!("{name}{open}\n{}\n{outer}{close}", lines.join(",\n"))
}
