//! Format specifiers.

use super::inspect::{inspect, inspect_deeply};
use crate::engine::{Cx, Type, Value};

/// The text of the arguments of a logging call.
///
/// <https://console.spec.whatwg.org/#formatter>
pub(super) fn formatted<'js>(cx: &Cx<'js>, data: &[Value<'js>]) -> String {
    let [first, rest @ ..] = data else {
        return String::new();
    };
    let mut rest = rest.iter();
    let mut parts = vec![match first.kind() {
        Type::String => substitute(cx, &first.to_text(cx).unwrap_or_default(), &mut rest),
        _ => inspect(cx, first),
    }];
    parts.extend(rest.map(|value| plain(cx, value)));
    parts.join(" ")
}

/// A string as it is, and anything else as it looks.
fn plain<'js>(cx: &Cx<'js>, value: &Value<'js>) -> String {
    match value.kind() {
        Type::String => value.to_text(cx).unwrap_or_default(),
        _ => inspect(cx, value),
    }
}

fn substitute<'js>(cx: &Cx<'js>, target: &str, rest: &mut std::slice::Iter<'_, Value<'js>>) -> String {
    if rest.len() == 0 {
        return target.to_owned();
    }
    let mut text = String::with_capacity(target.len());
    let mut characters = target.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.peek() {
            Some('%') => text.push('%'),
            Some(specifier @ ('s' | 'd' | 'i' | 'f' | 'o' | 'O' | 'c')) => {
                let Some(value) = rest.next() else {
                    text.push('%');
                    continue;
                };
                text.push_str(&specified(cx, *specifier, value));
            }
            _ => {
                text.push('%');
                continue;
            }
        }
        characters.next();
    }
    text
}

fn specified<'js>(cx: &Cx<'js>, specifier: char, value: &Value<'js>) -> String {
    match specifier {
        's' => plain(cx, value),
        // A style has no place among text.
        'c' => String::new(),
        'o' | 'O' => inspect_deeply(cx, value),
        _ => match value.to_number(cx) {
            Ok(number) if specifier != 'f' && number.is_finite() => inspect(cx, &cx.number(number.trunc())),
            Ok(number) => inspect(cx, &cx.number(number)),
            Err(_) => "NaN".to_owned(),
        },
    }
}
