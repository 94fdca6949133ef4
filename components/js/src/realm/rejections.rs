//! Promises that are rejected while nobody handles it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::{Realm, Report};
use crate::engine::{Cx, Root, Value, WeakSet};

/// The rejections of a realm that nobody handles.
#[derive(Default)]
pub(super) struct Rejections {
    /// The about-to-be-notified rejected promises list.
    rejected: RefCell<Vec<Rejected>>,
    /// Those whose task is queued.
    queued: RefCell<VecDeque<Rejected>>,
    /// The outstanding rejected promises weak set.
    outstanding: RefCell<Option<WeakSet>>,
}

struct Rejected {
    promise: Root,
    reason: Root,
}

impl Rejections {
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#the-hostpromiserejectiontracker-implementation>
    pub(super) fn note<'js>(cx: &Cx<'js>, promise: &Value<'js>, reason: &Value<'js>, is_handled: bool) {
        let realm = Realm::of(cx);
        let rejections = &realm.rejections;
        // 6. Rejected, and nobody handles it.
        if !is_handled {
            let noted = Rejected {
                promise: cx.root(promise),
                reason: cx.root(reason),
            };
            rejections.rejected.borrow_mut().push(noted);
            return;
        }
        // 7. Handled: before anybody was told of it, or after that.
        let is_it = |noted: &Rejected| noted.promise.get(cx).is(promise);
        let place = rejections.rejected.borrow().iter().rposition(is_it);
        let known = place.map(|place| rejections.rejected.borrow_mut().remove(place));
        let place = rejections.queued.borrow().iter().position(is_it);
        let queued = place.and_then(|place| rejections.queued.borrow_mut().remove(place));
        if known.is_some() || queued.is_some() {
            return;
        }
        let was_told = rejections
            .outstanding
            .borrow()
            .as_ref()
            .is_some_and(|outstanding| outstanding.remove(cx, promise));
        if was_told {
            let (promise, reason) = (cx.root(promise), cx.root(reason));
            realm.spawn_then(std::future::ready(()), move |cx, ()| {
                let (promise, reason) = (promise.get(cx), reason.get(cx));
                Realm::of(cx).tell_reporter(cx, &Report::Handled { promise, reason });
            });
        }
    }

    /// <https://html.spec.whatwg.org/multipage/webappapis.html#notify-about-rejected-promises>
    pub(super) fn notify(&self, cx: &Cx<'_>, realm: &Rc<Realm>) {
        // 1 to 3. The list.
        let rejected = std::mem::take(&mut *self.rejected.borrow_mut());
        if rejected.is_empty() {
            return;
        }
        if self.outstanding.borrow().is_none() {
            let set = WeakSet::new(cx).ok();
            *self.outstanding.borrow_mut() = set;
        }
        let count = rejected.len();
        self.queued.borrow_mut().extend(rejected);
        // 4. A task for them.
        realm.spawn_then(std::future::ready(()), move |cx, ()| {
            let realm = Realm::of(cx);
            for _ in 0..count {
                // 4.1.1. What is handled meanwhile has left the queue.
                let Some(noted) = realm.rejections.queued.borrow_mut().pop_front() else {
                    break;
                };
                let (promise, reason) = (noted.promise.get(cx), noted.reason.get(cx));
                drop(noted);
                if let Some(outstanding) = &*realm.rejections.outstanding.borrow() {
                    outstanding.add(cx, &promise);
                }
                realm.tell_reporter(cx, &Report::Rejection { promise, reason });
                Realm::microtask_checkpoint(cx);
            }
        });
    }
}
