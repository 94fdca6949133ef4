//! Bodies of `Request` and `Response` objects: where their bytes are, and what becomes of them.
//!
//! A body is a stream only where somebody asks for one: bytes that nobody looks at but the host stay bytes.
//!
//! <https://fetch.spec.whatwg.org/#bodies>

mod consume;
mod extract;

use std::cell::RefCell;

use background_fetch::fetch::RequestBody;
use bytes::Bytes;
use futures::{StreamExt, stream};

pub(super) use consume::{Package, consume};
pub(super) use extract::{Extracted, extract};

use super::SharedHeaders;
use crate::engine::{Cx, Value};
use crate::interfaces::{ByteStream, EndReason, ReadableStream, to_any_thread};
use crate::webidl::{Error, Fallible, FromJs, Interface, Ref};

/// The body of an object, or none.
#[derive(Default)]
pub(crate) struct Body {
    state: RefCell<State>,
    /// The bytes that a stream is made of, as long as nobody has read it.
    source: RefCell<Option<Bytes>>,
}

/// The members of the mixin `Body`, for an interface that [has one](HasBody).
macro_rules! methods {
    () => {
        fn body<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<ReadableStream<'js>>> {
            body::seen_stream_of(this, cx)
        }

        fn body_used<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, bool> {
            Ok(!this.is_body_hidden() && body::is_used(this, cx))
        }

        fn array_buffer<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::ArrayBuffer)
        }

        fn blob<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::Blob)
        }

        fn bytes<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::Bytes)
        }

        fn form_data<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::FormData)
        }

        fn json<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::Json)
        }

        fn text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
            body::consume(this, cx, Package::Text)
        }
    };
}
pub(super) use methods;

/// Where the bytes are.
#[derive(Default)]
enum State {
    /// There is no body.
    #[default]
    Null,
    /// Here.
    Bytes(Bytes),
    /// They come from the host.
    Stream(ByteStream),
    /// They were taken, before anybody asked for a stream.
    Taken,
    /// In the stream of the slot [`STREAM`].
    Object,
}

/// What has a body.
pub(crate) trait HasBody: Interface {
    /// Its body.
    fn body(&self) -> &Body;

    /// Its headers.
    fn headers(&self) -> &SharedHeaders;

    /// Whether scripts see no body, whatever the host has: that of an opaque response.
    fn is_body_hidden(&self) -> bool {
        false
    }
}

/// The bytes that a stream has read from the network before a script asks for them.
const READ_AHEAD: u32 = 64 << 10;

/// The slot with a body's stream.
const STREAM: &str = "body";

impl Body {
    /// One of bytes that are here.
    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self::new(State::Bytes(bytes))
    }

    /// One of bytes that come.
    pub(super) fn stream(stream: ByteStream) -> Self {
        Self::new(State::Stream(stream))
    }

    /// One of a script's stream, which the caller puts into the slot.
    fn object(source: Option<Bytes>) -> Self {
        let body = Self::new(State::Object);
        body.source.replace(source);
        body
    }

    fn new(state: State) -> Self {
        Self {
            state: RefCell::new(state),
            source: RefCell::default(),
        }
    }

    /// Whether there is none.
    pub(super) fn is_null(&self) -> bool {
        matches!(*self.state.borrow(), State::Null)
    }

    /// Whether there are bytes that it can be made of again.
    pub(super) fn has_source(&self) -> bool {
        matches!(*self.state.borrow(), State::Bytes(_)) || self.source.borrow().is_some()
    }
}

/// The stream that a script sees; none where there is no body.
pub(super) fn seen_stream_of<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
) -> Fallible<'js, Option<ReadableStream<'js>>> {
    match this.is_body_hidden() {
        true => Ok(None),
        false => stream_of(this, cx),
    }
}

/// The body's stream; none where there is no body.
fn stream_of<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
) -> Fallible<'js, Option<ReadableStream<'js>>> {
    let body = this.body();
    let state = body.state.replace(State::Object);
    let made = match state {
        State::Null => {
            body.state.replace(State::Null);
            return Ok(None);
        }
        State::Object => {
            let stream = this.slots().named(STREAM);
            return stream
                .map(|stream| ReadableStream::from_js(cx, &stream))
                .transpose();
        }
        State::Bytes(bytes) => {
            body.source.replace(Some(bytes.clone()));
            ReadableStream::from_bytes(cx, stream::iter([Ok(bytes)]).boxed_local())
        }
        State::Stream(stream) => ReadableStream::from_bytes_ahead(cx, stream, READ_AHEAD),
        State::Taken => ReadableStream::used_up(cx),
    };
    let made = made?;
    this.slots().set_named(STREAM, made.value());
    Ok(Some(made))
}

/// <https://fetch.spec.whatwg.org/#dom-body-bodyused>
pub(super) fn is_used<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> bool {
    match *this.body().state.borrow() {
        State::Null | State::Bytes(_) | State::Stream(_) => false,
        State::Taken => true,
        State::Object => object_of(this, cx).is_some_and(|stream| stream.is_disturbed(cx)),
    }
}

/// <https://fetch.spec.whatwg.org/#body-unusable>
pub(super) fn is_unusable<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> bool {
    let is_locked = || object_of(this, cx).is_some_and(|stream| stream.is_locked(cx));
    is_used(this, cx) || is_locked()
}

fn object_of<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> Option<ReadableStream<'js>> {
    let stream = this.slots().named(STREAM)?;
    ReadableStream::from_js(cx, &stream).ok()
}

/// What is done with a body whose bytes the host takes.
enum Taken<'js> {
    Null,
    Bytes(Bytes),
    Stream(ByteStream),
    Object(ReadableStream<'js>),
}

/// Takes the bytes, or the stream that is to be read.
fn take<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> Fallible<'js, Taken<'js>> {
    if is_unusable(this, cx) {
        return Err(Error::type_error(
            "the body was used already, or its stream is locked",
        ));
    }
    let body = this.body();
    match body.state.replace(State::Taken) {
        State::Null => {
            body.state.replace(State::Null);
            Ok(Taken::Null)
        }
        State::Bytes(bytes) => Ok(Taken::Bytes(bytes)),
        State::Stream(stream) => Ok(Taken::Stream(stream)),
        State::Taken => Ok(Taken::Null),
        State::Object => {
            body.state.replace(State::Object);
            Ok(object_of(this, cx).map_or(Taken::Null, Taken::Object))
        }
    }
}

/// A body for a copy of an object: both give the same bytes. What is returned besides is for the copy's slot.
///
/// <https://fetch.spec.whatwg.org/#concept-body-clone>
pub(super) fn clone<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> Fallible<'js, Moved<'js>> {
    if is_unusable(this, cx) {
        return Err(Error::type_error(
            "a body that was used, or whose stream is locked, has no copy",
        ));
    }
    match &*this.body().state.borrow() {
        State::Null => return Ok(Moved::default()),
        State::Bytes(bytes) => return Ok(Moved::from(Body::bytes(bytes.clone()))),
        _ => {}
    }
    let Some(stream) = stream_of(this, cx)? else {
        return Ok(Moved::default());
    };
    let [ours, theirs] = stream.tee_cloning(cx)?;
    this.slots().set_named(STREAM, ours.value());
    let source = this.body().source.borrow().clone();
    Ok(Moved {
        body: Body::object(source),
        stream: Some(theirs.value()),
    })
}

/// A body for another object, which this one has no more.
///
/// <https://fetch.spec.whatwg.org/#dom-request>, 41.
pub(super) fn transfer<'js, T: HasBody>(this: &Ref<'js, T>, cx: &Cx<'js>) -> Fallible<'js, Moved<'js>> {
    match take(this, cx)? {
        Taken::Null => Ok(Moved::default()),
        Taken::Bytes(bytes) => Ok(Moved::from(Body::bytes(bytes))),
        Taken::Stream(stream) => Ok(Moved::from(Body::stream(stream))),
        Taken::Object(stream) => {
            let proxy = stream.proxy(cx)?;
            Ok(Moved {
                body: Body::object(this.body().source.take()),
                stream: Some(proxy.value()),
            })
        }
    }
}

/// A body on its way to an object.
#[derive(Default)]
pub(super) struct Moved<'js> {
    pub(super) body: Body,
    /// Its stream, where a script has one.
    stream: Option<Value<'js>>,
}

impl From<Body> for Moved<'_> {
    fn from(body: Body) -> Self {
        Self { body, stream: None }
    }
}

impl<'js> Moved<'js> {
    /// One of a script's stream.
    fn of_stream(stream: &ReadableStream<'js>) -> Self {
        Self {
            body: Body::object(None),
            stream: Some(stream.value()),
        }
    }

    /// The body, when its stream is in the slot of an object.
    pub(super) fn into_slots(self, slots: &crate::engine::Slots<'js>) -> Body {
        if let Some(stream) = self.stream {
            slots.set_named(STREAM, stream);
        }
        self.body
    }
}

/// The body for the component and other parts of the host, which read it on any thread; none where there is none. `end` is
/// told why it breaks off.
///
/// # Errors
///
/// A TypeError where it was used.
pub(super) fn send<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
    end: EndReason,
) -> Fallible<'js, Option<RequestBody>> {
    let source = this.body().source.borrow().clone();
    match take(this, cx)? {
        Taken::Null => Ok(None),
        Taken::Bytes(bytes) => Ok(Some(RequestBody::Bytes(bytes))),
        Taken::Stream(stream) => Ok(Some(RequestBody::Stream(to_any_thread(cx, stream, end)))),
        Taken::Object(stream) => {
            let chunks = stream.chunks(cx, end)?;
            // What it is made of is here: it need not be read for that.
            Ok(Some(
                source.map_or(RequestBody::Stream(chunks), RequestBody::Bytes),
            ))
        }
    }
}

/// Gives the object no more of the bytes: its stream is errored. One that the host reads is errored by whoever gives it.
///
/// <https://fetch.spec.whatwg.org/#abort-fetch>
pub(super) fn error<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
    reason: &Value<'js>,
) -> Fallible<'js, ()> {
    if matches!(
        *this.body().state.borrow(),
        State::Null | State::Bytes(_) | State::Taken
    ) {
        return Ok(());
    }
    match stream_of(this, cx)? {
        Some(stream) => stream.error(cx, reason),
        None => Ok(()),
    }
}

/// Nobody wants the body: its stream is cancelled, where a script has one.
pub(super) fn cancel<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
    reason: &Value<'js>,
) -> Fallible<'js, ()> {
    match object_of(this, cx).filter(|stream| stream.is_readable(cx)) {
        Some(stream) => stream.cancel(cx, reason).map(drop),
        None => Ok(()),
    }
}
