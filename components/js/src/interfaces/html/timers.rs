//! Timers: one future for all those of a realm, which sleeps until the first of them is due.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use background_fetch::embedder::Clock;
use futures::future::{Either, select};

use crate::bindings::TimerHandler;
use crate::engine::{Cx, Root, Value};
use crate::host::{Busy, Host};
use crate::realm::{Charge, Realm, report_thrown};
use crate::webidl::{Callback, Fallible, FromJs};

/// The map of active timers.
///
/// <https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#map-of-active-timers>
#[derive(Default)]
pub(super) struct Timers {
    active: RefCell<HashMap<i32, Rc<Timer>>>,
    /// When they are due, in the order of that, and then of their calls.
    due: RefCell<BTreeMap<(Duration, u64), i32>>,
    last_id: Cell<i32>,
    calls: Cell<u64>,
    /// The timer nesting level of the task that runs.
    nesting: Cell<u32>,
    is_driven: Cell<bool>,
    /// Wakes the driver when another timer is the first.
    changed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

struct Timer {
    handler: Handler,
    arguments: Vec<Root>,
    timeout: i32,
    repeats: bool,
    nesting: Cell<u32>,
    place: Cell<(Duration, u64)>,
    _charge: Charge,
    /// A timer ends by itself.
    _busy: Busy,
}

enum Handler {
    Function(Root),
    Script(String),
}

/// About what a timer takes up in the maps beside itself.
const IN_MAPS: usize = 192;

/// <https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timer-initialisation-steps>
///
/// # Errors
///
/// A RangeError where the realm has no room for another.
pub(super) fn initialize<'js>(
    cx: &Cx<'js>,
    handler: TimerHandler<'js>,
    timeout: i32,
    arguments: Vec<Value<'js>>,
    repeats: bool,
) -> Fallible<'js, i32> {
    let script = match &handler {
        TimerHandler::DomString(script) => script.len(),
        TimerHandler::Function(_) => 0,
    };
    let roots = (arguments.len() + 1) * 2 * size_of::<Root>();
    let charge = Charge::new(cx, size_of::<Timer>() + IN_MAPS + roots + script)?;
    let realm = Realm::of(cx);
    let timers = realm.data::<Timers>();
    let handler = match handler {
        TimerHandler::Function(function) => Handler::Function(cx.root(&function.0.value())),
        TimerHandler::DomString(script) => Handler::Script(script.to_string()),
    };
    let id = timers.new_id();
    let timer = Timer {
        handler,
        arguments: arguments.iter().map(|argument| cx.root(argument)).collect(),
        timeout,
        repeats,
        nesting: Cell::new(timers.nesting.get()),
        place: Cell::default(),
        _charge: charge,
        _busy: realm.handle().activity().begin(),
    };
    timers.start(id, Rc::new(timer), &*realm.settings().host.clock);
    if !timers.is_driven.replace(true) {
        let clock = Arc::clone(&Host::of(cx).clock);
        realm.spawn(drive(Rc::downgrade(&realm), Rc::downgrade(&timers), clock));
    }
    Ok(id)
}

/// <https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#dom-cleartimeout>
pub(super) fn clear(cx: &Cx<'_>, id: i32) {
    let timers = Realm::of(cx).data::<Timers>();
    let timer = timers.active.borrow_mut().remove(&id);
    if let Some(timer) = timer {
        timers.due.borrow_mut().remove(&timer.place.get());
    }
}

impl Timers {
    fn new_id(&self) -> i32 {
        loop {
            let id = self.last_id.get().checked_add(1).unwrap_or(1);
            self.last_id.set(id);
            if !self.active.borrow().contains_key(&id) {
                return id;
            }
        }
    }

    /// Says when a timer is due.
    fn start(&self, id: i32, timer: Rc<Timer>, clock: &dyn Clock) {
        // 4 and 5. Not in the past, and not at once for what sets itself again and again.
        let least = if timer.nesting.get() > 5 { 4 } else { 0 };
        let timeout = u64::try_from(timer.timeout.max(least)).unwrap_or_default();
        let call = self.calls.get();
        self.calls.set(call + 1);
        let place = (clock.now() + Duration::from_millis(timeout), call);
        timer.place.set(place);
        self.active.borrow_mut().insert(id, timer);
        let mut due = self.due.borrow_mut();
        due.insert(place, id);
        if due.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.changed.set(true);
            let waker = self.waker.borrow_mut().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn first(&self) -> Option<Duration> {
        self.due.borrow().first_key_value().map(|((due, _), _)| *due)
    }

    /// The next timer that was due at a moment, of those that were set before a call.
    fn take_due(&self, now: Duration, before: u64) -> Option<(i32, Rc<Timer>)> {
        let mut due = self.due.borrow_mut();
        let first = due.iter().take_while(|((due, _), _)| *due <= now);
        let place = first.map(|(place, _)| *place).find(|(_, call)| *call < before)?;
        let id = due.remove(&place)?;
        let timer = self.active.borrow().get(&id).cloned()?;
        Some((id, timer))
    }

    /// 9. The task of a timer.
    fn fire(&self, cx: &Cx<'_>, id: i32, timer: &Rc<Timer>) {
        // 9.1. It may have been cleared; one that runs once is over.
        let is_it = |active: &Rc<Timer>| Rc::ptr_eq(active, timer);
        if !self.active.borrow().get(&id).is_some_and(is_it) {
            return;
        }
        let nesting = timer.nesting.get().saturating_add(1);
        self.nesting.set(nesting);
        // 9.5 and 9.6. The handler.
        report_thrown(cx, call(cx, timer));
        // What the microtasks of the handler set is nested as well.
        Realm::microtask_checkpoint(cx);
        self.nesting.set(0);
        // 9.8 to 9.10. Again, or never.
        let timer_now = self.active.borrow().get(&id).cloned();
        if !timer_now.is_some_and(|active| is_it(&active)) {
            return;
        }
        let removed = self.active.borrow_mut().remove(&id);
        if timer.repeats {
            timer.nesting.set(nesting);
            self.start(id, Rc::clone(timer), &*Host::of(cx).clock);
        }
        drop(removed);
    }

    /// Resolves when another timer is the first.
    async fn wait_for_change(&self) {
        poll_fn(|task| {
            if self.changed.replace(false) {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(task.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn call<'js>(cx: &Cx<'js>, timer: &Timer) -> Fallible<'js, ()> {
    let global = cx.global().value();
    match &timer.handler {
        Handler::Function(function) => {
            let arguments: Vec<_> = timer.arguments.iter().map(|argument| argument.get(cx)).collect();
            Callback::from_js(cx, &function.get(cx))?.invoke(cx, &global, &arguments)?;
        }
        Handler::Script(script) => {
            let base = Realm::of(cx).settings().client.base_url.to_string();
            cx.run_script(script, &base)?;
        }
    }
    Ok(())
}

/// Waits for the first timer that is due, and runs its task; for as long as the realm lives.
async fn drive(realm: Weak<Realm>, timers: Weak<Timers>, clock: Arc<dyn Clock>) {
    loop {
        let Some(timers) = timers.upgrade() else { return };
        let now = clock.now();
        match timers.first() {
            None => timers.wait_for_change().await,
            Some(due) if due > now => {
                let changed = std::pin::pin!(timers.wait_for_change());
                if let Either::Left(_) = select(clock.sleep(due - now), changed).await {
                    continue;
                }
            }
            Some(_) => {
                // What tasks have queued meanwhile comes first.
                let_others_run().await;
                // Those that are due by now; what they set comes after other tasks.
                let before = timers.calls.get();
                while let Some((id, timer)) = timers.take_due(now, before) {
                    let Some(realm) = realm.upgrade() else { return };
                    if realm.run_task(|cx| timers.fire(cx, id, &timer)).is_none() {
                        return;
                    }
                    let_others_run().await;
                }
                let_others_run().await;
            }
        }
    }
}

/// Lets the other futures of the event loop run.
async fn let_others_run() {
    let mut has_yielded = false;
    poll_fn(|task| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
