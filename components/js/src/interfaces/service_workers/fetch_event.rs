//! `FetchEvent`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use background_fetch::{DomString, Exception, ExceptionName};
use futures::StreamExt;

use super::ExtendableEvent;
use crate::bindings::{FetchEventInit, FetchEventMethods};
use crate::engine::{Cx, Function, Promise, Slots, Value};
use crate::host::service_workers::{FetchForWorker, Inactive, Responded, WorkerResponse};
use crate::interfaces::{Event, Failure, Guard, Request, Response};
use crate::webidl::{Error, Fallible, FromJs, Inherits, Ref, Settles, create, resolved};

/// A request of a client that its worker may answer.
///
/// <https://w3c.github.io/ServiceWorker/#fetchevent-interface>
pub struct FetchEvent {
    event: ExtendableEvent,
    client_id: DomString,
    resulting_client_id: DomString,
    replaces_client_id: DomString,
    answer: Rc<Answer>,
}

/// Who is told of the response.
#[derive(Default)]
struct Answer {
    /// The respond-with entered flag.
    is_entered: Cell<bool>,
    responded: RefCell<Option<Responded>>,
    /// Settles `handled`.
    handled: RefCell<Option<Settles>>,
}

const REQUEST: &str = "request";
const PRELOAD: &str = "preloadResponse";
const HANDLED: &str = "handled";

impl Answer {
    fn give(&self, cx: &Cx<'_>, response: Result<Option<WorkerResponse>, String>) {
        let handled = self.handled.borrow_mut().take();
        if let Some(handled) = handled {
            let outcome = match &response {
                Ok(_) => Ok(cx.undefined()),
                Err(message) => Err(Error::type_error(message.clone())),
            };
            handled.settle(cx, outcome);
        }
        if let Some(responded) = self.responded.borrow_mut().take() {
            // Whoever asked may be gone.
            let _ = responded.send(response);
        }
    }
}

impl Inherits<ExtendableEvent> for FetchEvent {
    fn parent(&self) -> &ExtendableEvent {
        &self.event
    }
}

impl FetchEvent {
    /// The task of a request: its event.
    ///
    /// <https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm>
    pub(crate) fn handle(cx: &Cx<'_>, fetch: FetchForWorker, responded: Responded, inactive: Inactive) {
        match Self::make(cx, fetch, responded) {
            Ok(event) => {
                let answer = Rc::clone(&event.answer);
                ExtendableEvent::dispatch(cx, &event.upcast(), inactive);
                // 25 and 26. Nobody answers: it goes to the network, where nobody forbids that.
                if !answer.is_entered.get() {
                    let is_canceled = event.upcast::<Event>().is_canceled();
                    answer.give(
                        cx,
                        match is_canceled {
                            true => Err("the worker prevents the request".to_owned()),
                            false => Ok(None),
                        },
                    );
                }
            }
            Err(error) => {
                let text = error.to_value(cx).to_text(cx).unwrap_or_default();
                let _ = inactive.send(Err(text));
            }
        }
    }

    fn make<'js>(cx: &Cx<'js>, fetch: FetchForWorker, responded: Responded) -> Fallible<'js, Ref<'js, Self>> {
        let body = fetch.body.map(|body| {
            let bytes = body.open().map(|bytes| {
                bytes.map_err(|message| Failure::from(Exception::new(ExceptionName::TypeError, message)))
            });
            bytes.boxed_local()
        });
        let request = Request::from_component(cx, &fetch.request, Guard::Immutable, body)?;
        let (handled, settles) = Settles::new(cx)?;
        // Nobody has to handle that it is rejected.
        let nothing = cx.function("", 0, Box::new(|arguments| Ok(arguments.cx.undefined())))?;
        handled.then(cx, &nothing, &nothing)?;
        let slots = Slots::default();
        slots.set_named(REQUEST, request.value());
        slots.set_named(HANDLED, handled.value());
        let event = Self {
            event: ExtendableEvent::trusted_cancelable(cx, "fetch"),
            client_id: fetch.client_id.as_str().into(),
            resulting_client_id: fetch.resulting_client_id.as_str().into(),
            replaces_client_id: DomString::default(),
            answer: Rc::new(Answer {
                is_entered: Cell::new(false),
                responded: RefCell::new(Some(responded)),
                handled: RefCell::new(Some(settles)),
            }),
        };
        create(cx, event, slots)
    }
}

/// What is made of the value that a worker responds with.
fn worker_response<'js>(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, WorkerResponse> {
    let response = Ref::<Response>::from_js(cx, value)?;
    if Response::is_unusable(&response, cx) {
        return Err(Error::type_error("the body of the response was used"));
    }
    Ok(WorkerResponse {
        head: response.head()?,
        body: Response::take_body(&response, cx)?,
    })
}

impl FetchEventMethods for FetchEvent {
    fn kept_bytes(&self) -> usize {
        2 * (self.client_id.len() + self.resulting_client_id.len() + self.replaces_client_id.len())
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: FetchEventInit<'js>,
    ) -> Fallible<'js, Self> {
        slots.set_named(REQUEST, event_init_dict.request.value());
        if let Some(preload) = event_init_dict.preload_response {
            slots.set_named(PRELOAD, preload.value());
        }
        if let Some(handled) = event_init_dict.handled {
            slots.set_named(HANDLED, handled.value());
        }
        Ok(Self {
            event: ExtendableEvent::new(cx, type_, &event_init_dict.parent),
            client_id: event_init_dict.client_id,
            resulting_client_id: event_init_dict.resulting_client_id,
            replaces_client_id: event_init_dict.replaces_client_id,
            answer: Rc::default(),
        })
    }

    fn request<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Request>> {
        this.required_slot(cx, REQUEST)
    }

    fn preload_response<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_in(this, cx, PRELOAD)
    }

    fn client_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.client_id.clone())
    }

    fn resulting_client_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.resulting_client_id.clone())
    }

    fn replaces_client_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.replaces_client_id.clone())
    }

    fn handled<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_in(this, cx, HANDLED)
    }

    /// <https://w3c.github.io/ServiceWorker/#fetch-event-respondwith>
    fn respond_with<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, r: Promise<'js>) -> Fallible<'js, ()> {
        let invalid = |message: &str| Err(Error::dom("InvalidStateError", message));
        // 2. In time.
        if !this.event.is_being_dispatched() {
            return invalid("the event was dispatched already");
        }
        // 3. Once.
        if this.answer.is_entered.get() {
            return invalid("the event was responded to already");
        }
        // 4. The worker is kept running.
        ExtendableEvent::add_lifetime_promise(&this.upcast(), cx, &r)?;
        // 5 to 7. No other listener responds.
        let event = this.upcast::<Event>();
        crate::bindings::EventMethods::stop_immediate_propagation(&event, cx)?;
        this.answer.is_entered.set(true);
        // 8 and 9. What comes of it.
        let [fulfilled, rejected] = [false, true].map(|is_rejected| reaction(cx, &this.answer, is_rejected));
        r.then(cx, &fulfilled?, &rejected?)?;
        Ok(())
    }
}

fn reaction<'js>(cx: &Cx<'js>, answer: &Rc<Answer>, is_rejected: bool) -> Fallible<'js, Function<'js>> {
    let answer = Rc::clone(answer);
    let function = cx.function(
        "",
        1,
        Box::new(move |arguments| {
            let cx = &arguments.cx;
            let value = arguments.get(0);
            let text = |what: &str| format!("{what}{}", value.to_text(cx).unwrap_or_default());
            let response = match is_rejected {
                true => Err(text("the worker's response was rejected: ")),
                false => worker_response(cx, &value).map_err(|error| {
                    let error = error.to_value(cx).to_text(cx).unwrap_or_default();
                    format!("the worker gave no response: {error}")
                }),
            };
            answer.give(cx, response.map(Some));
            Ok(cx.undefined())
        }),
    );
    Ok(function?)
}

fn promise_in<'js>(
    this: &Ref<'js, FetchEvent>,
    cx: &Cx<'js>,
    slot: &'static str,
) -> Fallible<'js, Promise<'js>> {
    if let Some(promise) = this.slots().named(slot).and_then(|promise| promise.as_promise()) {
        return Ok(promise);
    }
    let promise = resolved(cx, &cx.undefined())?;
    this.slots().set_named(slot, promise.value());
    Ok(promise)
}
