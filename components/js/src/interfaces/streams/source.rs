//! Byte streams whose bytes come from Rust.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::rc::Rc;

use background_fetch::Exception;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::{AbortHandle, abortable};
use futures::stream::LocalBoxStream;

use super::ReadableStream;
use super::polyfill::Streams;
use crate::engine::{Arguments, Completion, Cx, Function, Platform, Root, Slots, State, Thrown, Value};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Error, Fallible, FromJs, Settles};

/// Bytes as they come.
pub type ByteStream = LocalBoxStream<'static, Result<Bytes, Failure>>;

/// Why the rest will not come.
#[derive(Debug)]
pub enum Failure {
    /// An exception of the host.
    Exception(Exception),
    /// What a script says: the reason of an abort.
    Value(Root),
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl Failure {
    /// It, as what is thrown.
    pub fn into_error<'js>(self, cx: &Cx<'js>) -> Error<'js> {
        match self {
            Self::Exception(exception) => exception.into(),
            Self::Value(value) => Error::Thrown(value.get(cx)),
        }
    }
}

/// An underlying byte source: what pulls from a Rust stream, one item at a time.
struct Source(Rc<RefCell<Pulled>>);

/// Where the Rust stream is.
enum Pulled {
    Idle(ByteStream),
    /// A future waits for its next item; this ends it.
    Pulling(AbortHandle),
    /// It ended, or nobody wants the rest.
    Over,
}

impl State for Source {
    fn as_interface(&self, interface: TypeId) -> Option<&dyn Any> {
        (interface == TypeId::of::<Self>()).then_some(self)
    }
}

impl Source {
    fn of_value(value: &Value<'_>) -> Option<Rc<RefCell<Pulled>>> {
        let platform = value.as_object()?.platform()?;
        let source = platform.state.as_interface(TypeId::of::<Self>())?;
        Some(Rc::clone(&source.downcast_ref::<Self>()?.0))
    }
}

/// Nobody wants the rest: the Rust stream is dropped.
fn end(source: &RefCell<Pulled>) {
    let was = source.replace(Pulled::Over);
    if let Pulled::Pulling(waits) = was {
        waits.abort();
    }
}

impl<'js> ReadableStream<'js> {
    /// A byte stream of what a Rust stream gives. It is pulled from when somebody reads, one item at a time; it is dropped
    /// where the stream is cancelled, [errored](Self::error), or forgotten.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn from_bytes(cx: &Cx<'js>, bytes: ByteStream) -> Fallible<'js, Self> {
        Self::from_bytes_ahead(cx, bytes, 0)
    }

    /// The same, but up to this many bytes are pulled before anybody reads, so that a failure is seen when it happens.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn from_bytes_ahead(cx: &Cx<'js>, bytes: ByteStream, ahead: u32) -> Fallible<'js, Self> {
        let platform = Platform {
            state: Rc::new(Source(Rc::new(RefCell::new(Pulled::Idle(bytes))))),
            slots: Rc::new(Slots::default()),
        };
        let source = cx.platform_object(platform, &Streams::source_prototype(cx)?)?;
        let stream = Streams::call(cx, "createByteStream", &[source.value(), cx.number(ahead.into())])?;
        Self::from_js(cx, &stream)
    }

    /// Makes it errored. What Rust would give is dropped.
    ///
    /// <https://streams.spec.whatwg.org/#readablestream-error>
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn error(&self, cx: &Cx<'js>, reason: &Value<'js>) -> Fallible<'js, ()> {
        if let Some(source) = Source::of_value(&Streams::call(cx, "sourceOf", &[self.value()])?) {
            end(&source);
        }
        Streams::call(cx, "error", &[self.value(), reason.clone()])?;
        Ok(())
    }
}

/// The source's algorithm that pulls: `this` is the source, the argument the stream's controller.
pub(super) fn pull_function<'js>(cx: &Cx<'js>) -> Completion<'js, Function<'js>> {
    cx.function(
        "pull",
        1,
        Box::new(|arguments| pull(arguments).map_err(|error| Thrown(error.to_value(&arguments.cx)))),
    )
}

fn pull<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Value<'js>> {
    let cx = &arguments.cx;
    let source = Source::of_value(&arguments.this());
    let source = source.ok_or_else(|| Error::type_error("it is no source of the host"))?;
    let mut bytes = match source.replace(Pulled::Over) {
        Pulled::Idle(bytes) => bytes,
        other => {
            source.replace(other);
            return Ok(cx.undefined());
        }
    };
    let (promise, settles) = Settles::new(cx)?;
    let controller = cx.root(&arguments.get(0));
    let (next, waits) = abortable(async move {
        loop {
            match bytes.next().await {
                // A chunk of no bytes is none.
                Some(Ok(chunk)) if chunk.is_empty() => {}
                next => return (bytes, next),
            }
        }
    });
    source.replace(Pulled::Pulling(waits));
    Realm::of(cx).spawn_then(next, move |cx, next| {
        // What was cancelled meanwhile has no controller that wants something.
        let Ok((bytes, next)) = next else { return };
        let is_wanted = matches!(*source.borrow(), Pulled::Pulling(_));
        if !is_wanted {
            return;
        }
        source.replace(match next {
            Some(Ok(_)) => Pulled::Idle(bytes),
            _ => Pulled::Over,
        });
        let given = give(cx, &controller.get(cx), next);
        report_thrown(cx, given);
        settles.settle(cx, Ok(cx.undefined()));
    });
    Ok(promise.value())
}

/// What came goes to the controller.
fn give<'js>(
    cx: &Cx<'js>,
    controller: &Value<'js>,
    next: Option<Result<Bytes, Failure>>,
) -> Fallible<'js, ()> {
    let controller = controller.clone();
    match next {
        Some(Ok(chunk)) => {
            let chunk = cx.uint8_array(chunk)?;
            Streams::call(cx, "enqueue", &[controller, chunk.value()])?;
        }
        Some(Err(failure)) => {
            let reason = failure.into_error(cx).to_value(cx);
            Streams::call(cx, "errorController", &[controller, reason])?;
        }
        None => {
            Streams::call(cx, "close", &[controller])?;
        }
    }
    Ok(())
}

/// The source's algorithm that cancels: `this` is the source.
pub(super) fn cancel_function<'js>(cx: &Cx<'js>) -> Completion<'js, Function<'js>> {
    cx.function(
        "cancel",
        1,
        Box::new(|arguments| {
            if let Some(source) = Source::of_value(&arguments.this()) {
                end(&source);
            }
            Ok(arguments.cx.undefined())
        }),
    )
}
