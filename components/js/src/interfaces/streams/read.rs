//! Reading streams from Rust.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;

use super::ReadableStream;
use super::polyfill::Streams;
use crate::engine::{Completion, Cx, Function, Object, Platform, Slots, State, Value};
use crate::realm::{ChargedBytes, Room};
use crate::webidl::{Error, Fallible, FromJs, Uint8Array};

/// A `ReadableStreamDefaultReader` that the host has.
#[derive(Clone, Debug)]
pub struct Reader<'js>(Object<'js>);

/// What reading gives.
#[derive(Clone, Debug)]
pub enum Read<'js> {
    /// A chunk.
    Chunk(Value<'js>),
    /// The stream is closed.
    Close,
    /// The stream is errored, with this.
    Error(Value<'js>),
}

/// What is done with what comes. The slots are those that were given for it.
pub type ReadSteps = Box<dyn for<'js> FnOnce(&Cx<'js>, &Slots<'js>, Read<'js>)>;

/// What is done with all bytes.
type AllSteps = Box<dyn for<'js> FnOnce(&Cx<'js>, &Slots<'js>, Fallible<'js, Bytes>)>;

const READER: &str = "reader";

/// A read request.
///
/// <https://streams.spec.whatwg.org/#read-request>
enum Request {
    One(RefCell<Option<ReadSteps>>),
    All(ReadAll),
}

/// A read request that is made again for each chunk.
struct ReadAll {
    bytes: RefCell<ChargedBytes>,
    /// Whether a chunk has come while it was asked for.
    came_at_once: Cell<bool>,
    is_asking: Cell<bool>,
    done: RefCell<Option<AllSteps>>,
}

impl State for Request {
    fn as_interface(&self, interface: TypeId) -> Option<&dyn Any> {
        (interface == TypeId::of::<Self>()).then_some(self)
    }
}

impl<'js> ReadableStream<'js> {
    /// Locks it.
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn reader(&self, cx: &Cx<'js>) -> Fallible<'js, Reader<'js>> {
        let reader = Streams::call(cx, "getReader", &[self.value()])?;
        Object::from_js(cx, &reader).map(Reader)
    }
}

impl<'js> Reader<'js> {
    /// It, as a value: to be kept, and made one [again](Self::of_value).
    pub fn value(&self) -> Value<'js> {
        self.0.value()
    }

    /// The reverse of [`value`](Self::value).
    pub fn of_value(value: &Value<'js>) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// Asks for a chunk. The steps may run before this returns; what they need of the engine is in `slots`.
    ///
    /// <https://streams.spec.whatwg.org/#readable-stream-default-reader-read>
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn read(&self, cx: &Cx<'js>, slots: Slots<'js>, steps: ReadSteps) -> Fallible<'js, ()> {
        let request = Request::One(RefCell::new(Some(steps)));
        let request = self.request(cx, request, slots)?;
        ask(cx, &self.0, &request)
    }

    /// Reads all of it.
    ///
    /// <https://streams.spec.whatwg.org/#readablestreamdefaultreader-read-all-bytes>
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn read_all(
        &self,
        cx: &Cx<'js>,
        slots: Slots<'js>,
        done: impl for<'a> FnOnce(&Cx<'a>, &Slots<'a>, Fallible<'a, Bytes>) + 'static,
    ) -> Fallible<'js, ()> {
        let request = Request::All(ReadAll {
            bytes: RefCell::default(),
            came_at_once: Cell::new(false),
            is_asking: Cell::new(false),
            done: RefCell::new(Some(Box::new(done))),
        });
        let request = self.request(cx, request, slots)?;
        ask_on(cx, &request)
    }

    /// Nobody wants the rest.
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn cancel(&self, cx: &Cx<'js>, reason: &Value<'js>) -> Fallible<'js, ()> {
        Streams::call(cx, "cancelReader", &[self.value(), reason.clone()]).map(drop)
    }

    /// Unlocks the stream.
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn release(&self, cx: &Cx<'js>) -> Fallible<'js, ()> {
        Streams::call(cx, "releaseLock", &[self.value()]).map(drop)
    }

    fn request(&self, cx: &Cx<'js>, request: Request, slots: Slots<'js>) -> Fallible<'js, Object<'js>> {
        slots.set_named(READER, self.value());
        let platform = Platform {
            state: Rc::new(request),
            slots: Rc::new(slots),
        };
        Ok(cx.platform_object(platform, &cx.object_with_prototype(None)?)?)
    }
}

fn ask<'js>(cx: &Cx<'js>, reader: &Object<'js>, request: &Object<'js>) -> Fallible<'js, ()> {
    Streams::call(cx, "read", &[reader.value(), request.value()]).map(drop)
}

/// Asks for chunks as long as they are here already.
fn ask_on<'js>(cx: &Cx<'js>, request: &Object<'js>) -> Fallible<'js, ()> {
    let Some(platform) = request.platform() else {
        return Ok(());
    };
    let Some(Request::All(all)) = request_of(&platform) else {
        return Ok(());
    };
    let reader = platform.slots.named(READER).and_then(|reader| reader.as_object());
    let Some(reader) = reader else { return Ok(()) };
    loop {
        all.came_at_once.set(false);
        all.is_asking.set(true);
        let asked = ask(cx, &reader, request);
        all.is_asking.set(false);
        asked?;
        if !all.came_at_once.get() {
            return Ok(());
        }
    }
}

fn request_of<'a>(platform: &'a Platform<'_>) -> Option<&'a Request> {
    platform
        .state
        .as_interface(TypeId::of::<Request>())?
        .downcast_ref()
}

/// What `host.js` calls when something was read.
pub(super) fn step_function<'js>(cx: &Cx<'js>) -> Completion<'js, Function<'js>> {
    cx.function(
        "step",
        3,
        Box::new(|arguments| {
            let cx = &arguments.cx;
            let platform = arguments.get(0).as_object().and_then(|object| object.platform());
            let Some(platform) = platform else {
                return Ok(cx.undefined());
            };
            let value = arguments.get(2);
            let read = match arguments.get(1).as_number() {
                Some(0.0) => Read::Chunk(value),
                Some(1.0) => Read::Close,
                _ => Read::Error(value),
            };
            match request_of(&platform) {
                Some(Request::One(steps)) => {
                    let steps = steps.borrow_mut().take();
                    if let Some(steps) = steps {
                        steps(cx, &platform.slots, read);
                    }
                }
                Some(Request::All(all)) => all.step(cx, &arguments.get(0), &platform.slots, read),
                None => {}
            }
            Ok(cx.undefined())
        }),
    )
}

impl ReadAll {
    fn step<'js>(&self, cx: &Cx<'js>, request: &Value<'js>, slots: &Slots<'js>, read: Read<'js>) {
        let result = match read {
            Read::Chunk(chunk) => match self.take(cx, &chunk) {
                Ok(()) if self.is_asking.get() => return self.came_at_once.set(true),
                Ok(()) => match request.as_object().map(|request| ask_on(cx, &request)) {
                    Some(Err(error)) => Err(error),
                    _ => return,
                },
                Err(error) => Err(error),
            },
            Read::Close => Ok(self.bytes.take().into_bytes()),
            Read::Error(reason) => Err(Error::Thrown(reason)),
        };
        let done = self.done.borrow_mut().take();
        if let Some(done) = done {
            done(cx, slots, result);
        }
    }

    fn take<'js>(&self, cx: &Cx<'js>, chunk: &Value<'js>) -> Fallible<'js, ()> {
        let bytes = bytes_of(cx, chunk)?;
        let extended = self.bytes.borrow_mut().extend(&Room::of(cx), &bytes);
        extended.map_err(Error::Range)
    }
}

/// The bytes of a chunk.
///
/// # Errors
///
/// A TypeError where it is no Uint8Array.
pub(super) fn bytes_of<'js>(cx: &Cx<'js>, chunk: &Value<'js>) -> Fallible<'js, Vec<u8>> {
    match Uint8Array::from_js(cx, chunk) {
        Ok(chunk) => chunk.bytes(cx),
        Err(_) => Err(Error::type_error("the stream gives what is no Uint8Array")),
    }
}
