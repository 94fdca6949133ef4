//! What ends a fetch when its signal is aborted.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::future::AbortHandle;
use futures::stream::{Stream, StreamExt};

use super::Response;
use crate::engine::{Cx, Root, Value};
use crate::interfaces::{AbortSignal, AlgorithmId, ByteStream, Failure};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Error, Fallible, FromJs, Ref, Settles};

/// A fetch that may be aborted.
///
/// <https://fetch.spec.whatwg.org/#fetch-controller>
pub(super) struct Controller(RefCell<State>);

enum State {
    /// The promise waits for the head of the response.
    Waiting { settles: Settles, stop: AbortHandle },
    /// The body is on its way.
    Transmitting(Transmission),
    /// The body is to be errored with this.
    Aborted(Root),
    /// There is nothing to abort any more.
    Over,
}

/// A body on its way.
struct Transmission {
    bytes: ByteStream,
    /// Who waits for more.
    waker: Option<Waker>,
    /// The object of scripts, weakly.
    response: Option<Root>,
    _following: Following,
}

impl Controller {
    /// One of a promise, and of what is to settle it.
    pub(super) fn new(settles: Settles, stop: AbortHandle) -> Rc<Self> {
        Rc::new(Self(RefCell::new(State::Waiting { settles, stop })))
    }

    /// Has it aborted when a signal is.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub(super) fn follow<'js>(
        self: &Rc<Self>,
        cx: &Cx<'js>,
        signal: &Ref<'js, AbortSignal>,
    ) -> Fallible<'js, Following> {
        let weak = cx.weak(signal.object())?;
        let controller = Rc::clone(self);
        // The signal is where its own steps find the reason.
        let id = AbortSignal::add_algorithm_on(signal, cx, signal.value(), move |cx, signal| {
            if let Ok(signal) = Ref::<AbortSignal>::from_js(cx, signal) {
                controller.abort(cx, &AbortSignal::abort_reason(&signal, cx));
            }
        });
        Ok(Following {
            realm: Rc::downgrade(&Realm::of(cx)),
            signal: Some((cx.root(&weak), id)),
        })
    }

    /// <https://fetch.spec.whatwg.org/#abort-fetch>
    fn abort<'js>(&self, cx: &Cx<'js>, reason: &Value<'js>) {
        match self.0.replace(State::Over) {
            // 1.
            State::Waiting { settles, stop } => {
                stop.abort();
                settles.settle(cx, Err(Error::Thrown(reason.clone())));
            }
            // 3 to 5. The stream that a script has is errored now; what is read without one, when it is read.
            State::Transmitting(transmission) => {
                self.0.replace(State::Aborted(cx.root(reason)));
                if let Some(waker) = transmission.waker {
                    waker.wake();
                }
                let response = transmission.response.map(|response| response.get(cx));
                let response = response.and_then(|weak| cx.deref(&weak).ok().flatten());
                if let Some(response) = response.and_then(|object| Ref::<Response>::of(cx, &object).ok()) {
                    report_thrown(cx, Response::error_body(&response, cx, reason));
                }
            }
            other => {
                self.0.replace(other);
            }
        }
    }

    /// The head of the response is here: what settles the promise; none where it was aborted.
    pub(super) fn take_settles(&self) -> Option<Settles> {
        match self.0.replace(State::Over) {
            State::Waiting { settles, .. } => Some(settles),
            _ => None,
        }
    }

    /// The body of the response, errored when the fetch is aborted.
    pub(super) fn watch(self: &Rc<Self>, bytes: ByteStream, following: Following) -> ByteStream {
        self.0.replace(State::Transmitting(Transmission {
            bytes,
            waker: None,
            response: None,
            _following: following,
        }));
        Watched(Rc::clone(self)).boxed_local()
    }

    /// Says which object has the body.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub(super) fn set_response<'js>(&self, cx: &Cx<'js>, object: &Ref<'js, Response>) -> Fallible<'js, ()> {
        let weak = cx.root(&cx.weak(object.object())?);
        if let State::Transmitting(transmission) = &mut *self.0.borrow_mut() {
            transmission.response = Some(weak);
        }
        Ok(())
    }
}

/// A fetch is in its signal's steps until this is dropped.
pub(super) struct Following {
    realm: Weak<Realm>,
    /// The signal, weakly, and its steps.
    signal: Option<(Root, AlgorithmId)>,
}

impl Drop for Following {
    fn drop(&mut self) {
        let (Some(realm), Some((signal, id))) = (self.realm.upgrade(), self.signal.take()) else {
            return;
        };
        let weak = Weak::clone(&self.realm);
        // Whoever drops this may be inside of the engine.
        realm.spawn(async move {
            let Some(realm) = weak.upgrade() else { return };
            realm.run_task(|cx| {
                let signal = cx.deref(&signal.get(cx)).ok().flatten();
                let signal = signal.and_then(|signal| Ref::<AbortSignal>::of(cx, &signal).ok());
                if let Some(signal) = signal {
                    AbortSignal::remove_algorithm(&signal, cx, id);
                }
            });
        });
    }
}

/// A body that is errored when its fetch is aborted.
struct Watched(Rc<Controller>);

impl Stream for Watched {
    type Item = Result<Bytes, Failure>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut transmission = match self.0.0.replace(State::Over) {
            State::Transmitting(transmission) => transmission,
            State::Aborted(reason) => return Poll::Ready(Some(Err(Failure::Value(reason)))),
            _ => return Poll::Ready(None),
        };
        let next = transmission.bytes.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            return next;
        }
        transmission.waker = next.is_pending().then(|| context.waker().clone());
        self.0.0.replace(State::Transmitting(transmission));
        next
    }
}

impl Drop for Watched {
    /// Nobody wants the rest.
    fn drop(&mut self) {
        let state = self.0.0.replace(State::Over);
        drop(state);
    }
}
