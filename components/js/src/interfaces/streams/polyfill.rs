//! The implementation that stands behind the interfaces: web-streams-polyfill, in `vendor/`.

use std::sync::OnceLock;

use super::{read, source};
use crate::engine::{Compiled, Completion, Cx, Descriptor, Object, Root, Value};
use crate::realm::Realm;
use crate::webidl::Fallible;

const BUNDLE: &str = include_str!("../../../vendor/web-streams-polyfill/ponyfill.mjs");
const HOST: &str = include_str!("host.js");

/// What the bundle exports, each of them a global of every realm.
const INTERFACES: [&str; 13] = [
    "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
    "ReadableByteStreamController",
    "ReadableStream",
    "ReadableStreamBYOBReader",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader",
    "TransformStream",
    "TransformStreamDefaultController",
    "WritableStream",
    "WritableStreamDefaultController",
    "WritableStreamDefaultWriter",
];

/// The functions of `host.js`, and what the realm's streams need besides.
pub(super) struct Streams {
    host: Root,
}

impl Streams {
    /// Calls a function of `host.js`.
    pub(super) fn call<'js>(
        cx: &Cx<'js>,
        function: &str,
        arguments: &[Value<'js>],
    ) -> Fallible<'js, Value<'js>> {
        let function = Self::host(cx)?.get(cx, function)?.as_function();
        let function = function.ok_or_else(|| cx.type_error("the realm has no streams"))?;
        Ok(function.call(cx, &cx.undefined(), arguments)?)
    }

    /// The prototype of the host's sources.
    pub(super) fn source_prototype<'js>(cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let prototype = Self::host(cx)?.get(cx, "source")?.as_object();
        Ok(prototype.ok_or_else(|| cx.type_error("the realm has no streams"))?)
    }

    fn host<'js>(cx: &Cx<'js>) -> Completion<'js, Object<'js>> {
        let streams = Realm::of(cx).data_of::<Self>();
        let host = streams.and_then(|streams| streams.host.get(cx).as_object());
        host.ok_or_else(|| cx.type_error("the realm has no streams"))
    }
}

/// Defines the interfaces of streams on the global. What the bundle needs of the global must be there already.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn define_streams<'js>(cx: &Cx<'js>) -> Completion<'js, ()> {
    let no_streams = || cx.type_error("the streams do not start");
    let global = cx.global();
    let functions = cx.object();
    functions.define_value(cx, "pull", source::pull_function(cx)?.value())?;
    functions.define_value(cx, "cancel", source::cancel_function(cx)?.value())?;
    functions.define_value(cx, "step", read::step_function(cx)?.value())?;
    let begin = cx
        .run_compiled(script(cx)?)?
        .as_function()
        .ok_or_else(no_streams)?;
    let host = begin.call(cx, &cx.undefined(), &[global.value(), functions.value()])?;
    let exported = host.as_object().ok_or_else(no_streams)?.get(cx, "exported")?;
    let exported = exported.as_object().ok_or_else(no_streams)?;
    for name in INTERFACES {
        let property = Descriptor::Data {
            value: exported.get(cx, name)?,
            writable: true,
            enumerable: false,
            configurable: true,
        };
        global.define(cx, name, &property)?;
    }
    let streams = Streams { host: cx.root(&host) };
    Realm::of(cx).set_data(std::rc::Rc::new(streams));
    Ok(())
}

/// The bundle and what stands around it, compiled once for all realms.
fn script<'js>(cx: &Cx<'js>) -> Completion<'js, &'static Compiled> {
    static SCRIPT: OnceLock<Compiled> = OnceLock::new();
    if let Some(script) = SCRIPT.get() {
        return Ok(script);
    }
    let source = HOST.replace("/*BUNDLE*/", &body_of(BUNDLE));
    let compiled = cx.compile(&source, "streams")?;
    // Two realms that begin at once compile it twice.
    Ok(SCRIPT.get_or_init(|| compiled))
}

/// The bundle as the body of a function that returns what it exports, and that notes every stream.
fn body_of(bundle: &str) -> String {
    let mut body = match bundle.rsplit_once("export{") {
        Some((body, exported)) => format!("{body}return{{{exported}"),
        None => bundle.to_owned(),
    };
    // A stream is one when it has its controller; this is a term of a sequence, `…,e._readableStreamController=t,…`.
    for (place, stream) in places_of_controllers(&body).into_iter().rev() {
        body.insert_str(place, &format!("note({stream}),"));
    }
    body
}

/// Where a stream gets its controller, and the name that it has there.
fn places_of_controllers(body: &str) -> Vec<(usize, String)> {
    let assignments = body.match_indices("._readableStreamController=");
    let assignments = assignments.filter(|(end, text)| !body[end + text.len()..].starts_with('='));
    assignments
        .map(|(end, _)| {
            let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
            let begin = body[..end]
                .rfind(|char| !is_part(char))
                .map_or(0, |before| before + 1);
            (begin, body[begin..end].to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_as_it_is_taken_to_be() {
        let body = body_of(BUNDLE);
        assert!(!body.contains("export"), "one export, at the end");
        let places = places_of_controllers(BUNDLE);
        assert_eq!(places.len(), 2, "of byte streams and of others");
        for (place, name) in places {
            assert!(BUNDLE[..place].ends_with(','), "a sequence");
            assert!(body.contains(&format!(",note({name}),{name}._readableStreamController=")));
        }
        let (_, exported) = BUNDLE.rsplit_once("export{").unwrap();
        let exported: Vec<_> = exported.trim_end_matches(['}', ';', '\n']).split(',').collect();
        assert_eq!(exported, INTERFACES);
        for field in [
            "_state",
            "_storedError",
            "_reader",
            "_disturbed",
            "_ownerReadableStream",
            "_chunkSteps",
        ] {
            assert!(BUNDLE.contains(field), "{field}");
        }
        assert!(BUNDLE.contains("[[PullSteps]]") && HOST.contains("/*BUNDLE*/"));
    }
}
