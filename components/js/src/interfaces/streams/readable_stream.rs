//! [`ReadableStream`]: a stream of a script or of the host, for the rest of the host.

use super::polyfill::Streams;
use crate::engine::{Cx, Object, Promise, Value};
use crate::webidl::{Error, Fallible, FromJs, ToJs};

/// A `ReadableStream`.
///
/// <https://streams.spec.whatwg.org/#rs-class>
#[derive(Clone, Debug, PartialEq)]
pub struct ReadableStream<'js>(Object<'js>);

impl<'js> FromJs<'js> for ReadableStream<'js> {
    /// With a check of the brand: an object that only looks like a stream is none.
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let is_stream = Streams::call(cx, "isStream", std::slice::from_ref(value))?;
        let object = value.as_object().filter(|_| is_stream.as_bool() == Some(true));
        object
            .map(Self)
            .ok_or_else(|| Error::type_error("it is not a ReadableStream"))
    }

    fn is_exactly(cx: &Cx<'js>, value: &Value<'js>) -> bool {
        Self::from_js(cx, value).is_ok()
    }
}

impl<'js> ToJs<'js> for ReadableStream<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.value())
    }
}

impl<'js> ReadableStream<'js> {
    /// The object, as a value.
    pub fn value(&self) -> Value<'js> {
        self.0.value()
    }

    /// Whether it has a reader.
    ///
    /// <https://streams.spec.whatwg.org/#is-readable-stream-locked>
    pub fn is_locked(&self, cx: &Cx<'js>) -> bool {
        self.is(cx, "isLocked")
    }

    /// Whether it was ever read or cancelled.
    ///
    /// <https://streams.spec.whatwg.org/#is-readable-stream-disturbed>
    pub fn is_disturbed(&self, cx: &Cx<'js>) -> bool {
        self.is(cx, "isDisturbed")
    }

    /// Whether there may be more.
    pub fn is_readable(&self, cx: &Cx<'js>) -> bool {
        self.is(cx, "isReadable")
    }

    /// Whether it is errored.
    pub fn is_errored(&self, cx: &Cx<'js>) -> bool {
        self.is(cx, "isErrored")
    }

    fn is(&self, cx: &Cx<'js>, what: &str) -> bool {
        let answer = Streams::call(cx, what, &[self.value()]);
        answer.is_ok_and(|answer| answer.to_boolean(cx))
    }

    /// Nobody wants the rest.
    ///
    /// <https://streams.spec.whatwg.org/#rs-cancel>
    ///
    /// # Errors
    ///
    /// Where the engine has no memory; the promise is rejected where it is locked.
    pub fn cancel(&self, cx: &Cx<'js>, reason: &Value<'js>) -> Fallible<'js, Promise<'js>> {
        let cancelled = Streams::call(cx, "cancel", &[self.value(), reason.clone()])?;
        Promise::from_js(cx, &cancelled)
    }

    /// Two streams that each give what it gives. It is locked from then on.
    ///
    /// <https://streams.spec.whatwg.org/#rs-tee>
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn tee(&self, cx: &Cx<'js>) -> Fallible<'js, [Self; 2]> {
        self.branches(cx, "tee")
    }

    /// The same; the chunks of the second branch are copies.
    ///
    /// <https://streams.spec.whatwg.org/#readablestream-tee>
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn tee_cloning(&self, cx: &Cx<'js>) -> Fallible<'js, [Self; 2]> {
        self.branches(cx, "teeCloning")
    }

    fn branches(&self, cx: &Cx<'js>, tee: &str) -> Fallible<'js, [Self; 2]> {
        let branches = Object::from_js(cx, &Streams::call(cx, tee, &[self.value()])?)?;
        let branch = |index: u32| Self::from_js(cx, &branches.get(cx, index)?);
        Ok([branch(0)?, branch(1)?])
    }

    /// A stream that gives what this one would. This one is locked and disturbed from then on.
    ///
    /// <https://streams.spec.whatwg.org/#readablestream-create-a-proxy>
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn proxy(&self, cx: &Cx<'js>) -> Fallible<'js, Self> {
        Self::from_js(cx, &Streams::call(cx, "proxy", &[self.value()])?)
    }

    /// A stream that was read to its end by somebody who still holds it.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn used_up(cx: &Cx<'js>) -> Fallible<'js, Self> {
        let stream = Self::from_bytes(cx, Box::pin(futures::stream::empty()))?;
        stream.reader(cx)?;
        Streams::call(cx, "disturb", &[stream.value()])?;
        Ok(stream)
    }
}
