//! `AbortSignal`: what an operation watches that may be aborted.

mod dependent;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::{EventTarget, create_event};
use crate::bindings::AbortSignalMethods;
use crate::engine::{Cx, SlotKey, Slots, Value};
use crate::host::Host;
use crate::realm::Realm;
use crate::webidl::{EnforceRange, Error, Fallible, Inherits, Ref, charge_for, create};

/// What an operation watches that may be aborted.
///
/// <https://dom.spec.whatwg.org/#interface-AbortSignal>
#[derive(Default)]
pub struct AbortSignal {
    target: EventTarget,
    is_aborted: Cell<bool>,
    algorithms: RefCell<Vec<Algorithm>>,
    next_algorithm: Cell<u64>,
    /// Whether it is aborted when others are.
    is_dependent: Cell<bool>,
    sources: RefCell<Vec<Source>>,
    /// The slots with the signals that are aborted with this one, which it holds weakly.
    dependents: RefCell<Vec<SlotKey>>,
    /// How many dependents there are when those that are gone are looked for again.
    sweeps_at: Cell<usize>,
}

/// What happens when the signal is aborted.
struct Algorithm {
    id: AlgorithmId,
    /// What the steps are about, which the signal keeps alive.
    value: Option<SlotKey>,
    run: AbortSteps,
}

type AbortSteps = Box<dyn for<'js> FnOnce(&Cx<'js>, &Value<'js>)>;

/// Names an algorithm, so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmId(u64);

/// A signal that this one depends on.
struct Source {
    /// Where this one has it.
    signal: SlotKey,
    /// Where it has this one, while somebody waits for this one to be aborted.
    kept: Cell<Option<SlotKey>>,
}

const REASON: &str = "reason";

impl Inherits<EventTarget> for AbortSignal {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl AbortSignal {
    /// A signal that is not aborted.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Self>> {
        let signal = Self {
            target: EventTarget::observed(Self::listened),
            ..Self::default()
        };
        create(cx, signal, Slots::default())
    }

    /// Whether it was aborted.
    pub fn is_aborted(&self) -> bool {
        self.is_aborted.get()
    }

    /// Why it was aborted; undefined where it was not.
    pub fn abort_reason<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Value<'js> {
        this.slots().named(REASON).unwrap_or_else(|| cx.undefined())
    }

    /// Has steps run when it is aborted. They must not own values of the engine: see [`add_algorithm_on`](Self::add_algorithm_on).
    ///
    /// <https://dom.spec.whatwg.org/#abortsignal-add>
    pub fn add_algorithm<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        run: impl for<'a> FnOnce(&Cx<'a>) + 'static,
    ) -> AlgorithmId {
        Self::add(this, cx, None, Box::new(move |cx, _| run(cx)))
    }

    /// The same, for steps that are about a value: the signal keeps it alive until then.
    pub fn add_algorithm_on<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        value: Value<'js>,
        run: impl for<'a> FnOnce(&Cx<'a>, &Value<'a>) + 'static,
    ) -> AlgorithmId {
        Self::add(this, cx, Some(value), Box::new(run))
    }

    fn add<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        value: Option<Value<'js>>,
        run: AbortSteps,
    ) -> AlgorithmId {
        let id = AlgorithmId(this.next_algorithm.get());
        this.next_algorithm.set(id.0 + 1);
        // 1. It would never run.
        if this.is_aborted() {
            return id;
        }
        // 2.
        let value = value.map(|value| this.slots().add(value));
        this.algorithms.borrow_mut().push(Algorithm { id, value, run });
        Self::keep(this, cx);
        id
    }

    /// <https://dom.spec.whatwg.org/#abortsignal-remove>
    pub fn remove_algorithm<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, id: AlgorithmId) {
        let mut algorithms = this.algorithms.borrow_mut();
        let place = algorithms.iter().position(|algorithm| algorithm.id == id);
        let removed = place.map(|place| algorithms.remove(place));
        let is_awaited = !algorithms.is_empty() || this.target.has_listener("abort");
        drop(algorithms);
        if let Some(slot) = removed.and_then(|algorithm| algorithm.value) {
            this.slots().remove(slot);
        }
        if !is_awaited {
            Self::keep_no_more(this, cx);
        }
    }

    /// Aborts it; for `reason`, where that is not undefined.
    ///
    /// <https://dom.spec.whatwg.org/#abortsignal-signal-abort>
    pub fn signal_abort<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, reason: &Value<'js>) {
        // 1.
        if this.is_aborted() {
            return;
        }
        // 2.
        let reason = reason_or_default(cx, reason);
        this.set_aborted(reason.clone());
        // 3 and 4. The signals that depend on it have the reason before anything runs.
        let mut to_abort = Vec::new();
        for slot in this.dependents.take() {
            let dependent = this.slots().remove(slot);
            let dependent = dependent.and_then(|weak| cx.deref(&weak).ok().flatten());
            let Some(dependent) = dependent.and_then(|object| Ref::<Self>::of(cx, &object).ok()) else {
                continue;
            };
            if !dependent.is_aborted() {
                dependent.set_aborted(reason.clone());
                to_abort.push(dependent);
            }
        }
        // 5 and 6.
        Self::run_abort_steps(this, cx);
        for dependent in to_abort {
            Self::run_abort_steps(&dependent, cx);
        }
    }

    /// <https://dom.spec.whatwg.org/#run-the-abort-steps>
    fn run_abort_steps<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        Self::let_go(this, cx);
        // 1 and 2.
        for algorithm in this.algorithms.take() {
            let value = algorithm.value.and_then(|slot| this.slots().remove(slot));
            (algorithm.run)(cx, &value.unwrap_or_else(|| cx.undefined()));
        }
        // 3.
        if let Ok(event) = create_event(cx, "abort") {
            EventTarget::dispatch(&this.upcast(), cx, &event);
        }
    }
}

impl<'js> Ref<'js, AbortSignal> {
    fn set_aborted(&self, reason: Value<'js>) {
        self.is_aborted.set(true);
        self.slots().set_named(REASON, reason);
    }
}

fn reason_or_default<'js>(cx: &Cx<'js>, reason: &Value<'js>) -> Value<'js> {
    if reason.is_undefined() {
        Error::dom("AbortError", "the signal is aborted without reason").to_value(cx)
    } else {
        reason.clone()
    }
}

impl AbortSignalMethods for AbortSignal {
    fn abort<'js>(cx: &Cx<'js>, reason: Value<'js>) -> Fallible<'js, Ref<'js, Self>> {
        let signal = Self::create(cx)?;
        signal.set_aborted(reason_or_default(cx, &reason));
        Ok(signal)
    }

    fn timeout<'js>(cx: &Cx<'js>, milliseconds: EnforceRange<u64>) -> Fallible<'js, Ref<'js, Self>> {
        let signal = Self::create(cx)?;
        let rooted = signal.root(cx);
        let timer = Host::of(cx).clock.sleep(Duration::from_millis(milliseconds.0));
        let charge = charge_for(cx, &timer)?;
        Realm::of(cx).spawn_then(timer, move |cx, ()| {
            drop(charge);
            if let Some(signal) = rooted.get(cx) {
                let reason = Error::dom("TimeoutError", "the signal timed out").to_value(cx);
                Self::signal_abort(&signal, cx, &reason);
            }
        });
        Ok(signal)
    }

    fn any<'js>(cx: &Cx<'js>, signals: Vec<Ref<'js, Self>>) -> Fallible<'js, Ref<'js, Self>> {
        Self::dependent(cx, &signals)
    }

    fn aborted<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.is_aborted())
    }

    fn reason<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(Self::abort_reason(this, cx))
    }

    fn throw_if_aborted<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        if this.is_aborted() {
            return Err(Error::Thrown(Self::abort_reason(this, cx)));
        }
        Ok(())
    }
}
