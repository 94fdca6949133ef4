//! Transform streams of the host: what goes through them is changed by Rust.

use super::ReadableStream;
use super::polyfill::Streams;
use crate::engine::{Cx, Object, Slots, Thrown, Value};
use crate::webidl::{Error, Fallible, FromJs, ToJs};

/// A `WritableStream`.
///
/// <https://streams.spec.whatwg.org/#ws-class>
#[derive(Clone, Debug, PartialEq)]
pub struct WritableStream<'js>(Object<'js>);

impl<'js> FromJs<'js> for WritableStream<'js> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let is_stream = Streams::call(cx, "isWritable", std::slice::from_ref(value))?;
        let object = value.as_object().filter(|_| is_stream.as_bool() == Some(true));
        object
            .map(Self)
            .ok_or_else(|| Error::type_error("it is not a WritableStream"))
    }
}

impl<'js> ToJs<'js> for WritableStream<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.0.value())
    }
}

/// What changes the chunks of a transform stream.
pub(crate) trait Transformer: 'static {
    /// What a chunk becomes: undefined where that is nothing yet.
    ///
    /// # Errors
    ///
    /// What both sides of the stream are errored with.
    fn transform<'js>(&self, cx: &Cx<'js>, chunk: &Value<'js>) -> Fallible<'js, Value<'js>>;

    /// What comes at the end, or undefined.
    ///
    /// # Errors
    ///
    /// What the readable side is errored with.
    fn flush<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>>;
}

/// The slots with the sides of an object that includes `GenericTransformStream`.
const READABLE: &str = "readable";
const WRITABLE: &str = "writable";

/// Sets up the transform stream of an object that includes `GenericTransformStream`.
///
/// <https://streams.spec.whatwg.org/#transformstream-set-up>
pub(crate) fn set_up<'js>(
    cx: &Cx<'js>,
    slots: &Slots<'js>,
    transformer: impl Transformer,
) -> Fallible<'js, ()> {
    let transformer = std::rc::Rc::new(transformer);
    let flusher = std::rc::Rc::clone(&transformer);
    let transform = cx.function(
        "transform",
        1,
        Box::new(move |arguments| {
            let transformed = transformer.transform(&arguments.cx, &arguments.get(0));
            transformed.map_err(|error| Thrown(error.to_value(&arguments.cx)))
        }),
    )?;
    let flush = cx.function(
        "flush",
        0,
        Box::new(move |arguments| {
            let flushed = flusher.flush(&arguments.cx);
            flushed.map_err(|error| Thrown(error.to_value(&arguments.cx)))
        }),
    )?;
    let sides = Streams::call(cx, "transform", &[transform.value(), flush.value()])?;
    let sides = Object::from_js(cx, &sides)?;
    slots.set_named(READABLE, sides.get(cx, 0)?);
    slots.set_named(WRITABLE, sides.get(cx, 1)?);
    Ok(())
}

/// The members of the mixin `GenericTransformStream`, for an interface whose object was [set up](set_up).
macro_rules! generic_transform_stream {
    () => {
        fn readable<'js>(
            this: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::interfaces::ReadableStream<'js>> {
            $crate::interfaces::streams::transform::readable(cx, this.slots())
        }

        fn writable<'js>(
            this: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::interfaces::WritableStream<'js>> {
            $crate::interfaces::streams::transform::writable(cx, this.slots())
        }
    };
}
pub(crate) use generic_transform_stream;

pub(crate) fn readable<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, ReadableStream<'js>> {
    ReadableStream::from_js(cx, &slots.named(READABLE).unwrap_or_else(|| cx.undefined()))
}

pub(crate) fn writable<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, WritableStream<'js>> {
    WritableStream::from_js(cx, &slots.named(WRITABLE).unwrap_or_else(|| cx.undefined()))
}
