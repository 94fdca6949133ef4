//! Signals that are aborted when others are.

use std::cell::Cell;

use background_fetch::DomString;

use super::{AbortSignal, Source};
use crate::engine::Cx;
use crate::interfaces::EventTarget;
use crate::webidl::{Fallible, FromJs, Ref};

impl AbortSignal {
    /// A signal that is aborted when one of these is.
    ///
    /// <https://dom.spec.whatwg.org/#create-a-dependent-abort-signal>
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn dependent<'js>(cx: &Cx<'js>, signals: &[Ref<'js, Self>]) -> Fallible<'js, Ref<'js, Self>> {
        // 1.
        let result = Self::create(cx)?;
        // 2.
        if let Some(aborted) = signals.iter().find(|signal| signal.is_aborted()) {
            result.set_aborted(Self::abort_reason(aborted, cx));
            return Ok(result);
        }
        // 3.
        result.is_dependent.set(true);
        // 4. What a dependent signal depends on stands for it.
        for signal in signals {
            if !signal.is_dependent.get() {
                Self::depend(&result, cx, signal)?;
                continue;
            }
            for source in Self::sources(signal, cx) {
                Self::depend(&result, cx, &source)?;
            }
        }
        // 5.
        Ok(result)
    }

    fn depend<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, source: &Ref<'js, Self>) -> Fallible<'js, ()> {
        if Self::sources(this, cx).contains(source) {
            return Ok(());
        }
        Self::sweep(source, cx);
        let weak = cx.weak(this.object())?;
        source.dependents.borrow_mut().push(source.slots().add(weak));
        this.sources.borrow_mut().push(Source {
            signal: this.slots().add(source.value()),
            kept: Cell::new(None),
        });
        Ok(())
    }

    fn sources<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Vec<Ref<'js, Self>> {
        let slots = this.sources.borrow();
        let signals = slots.iter().filter_map(|source| this.slots().get(source.signal));
        signals
            .filter_map(|signal| Ref::from_js(cx, &signal).ok())
            .collect()
    }

    /// Forgets dependents that are gone, each time that there are twice as many.
    fn sweep<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        if this.dependents.borrow().len() < this.sweeps_at.get().max(16) {
            return;
        }
        this.dependents.borrow_mut().retain(|slot| {
            let weak = this.slots().get(*slot);
            let is_there = weak.is_some_and(|weak| cx.deref(&weak).ok().flatten().is_some());
            if !is_there {
                this.slots().remove(*slot);
            }
            is_there
        });
        this.sweeps_at.set(this.dependents.borrow().len() * 2);
    }

    pub(super) fn listened<'js>(target: &Ref<'js, EventTarget>, cx: &Cx<'js>, type_: &DomString, _: bool) {
        if let Some(signal) = target.downcast::<Self>().filter(|_| *type_ == "abort") {
            Self::keep(&signal, cx);
        }
    }

    /// Somebody waits for it to be aborted: it lives as long as what it depends on.
    ///
    /// <https://dom.spec.whatwg.org/#abort-signal-garbage-collection>
    pub(super) fn keep<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        for source in this.sources.borrow().iter() {
            if source.kept.get().is_none()
                && let Some(signal) = source_of(this, cx, source)
            {
                source.kept.set(Some(signal.slots().add(this.value())));
            }
        }
    }

    /// Nobody waits for it to be aborted any more.
    pub(super) fn keep_no_more<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        for source in this.sources.borrow().iter() {
            if let (Some(kept), Some(signal)) = (source.kept.take(), source_of(this, cx, source)) {
                signal.slots().remove(kept);
            }
        }
    }

    /// It is aborted: it needs nothing of what it depends on any more.
    pub(super) fn let_go<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        for source in this.sources.take() {
            if let (Some(signal), Some(kept)) = (source_of(this, cx, &source), source.kept.get()) {
                signal.slots().remove(kept);
            }
            this.slots().remove(source.signal);
        }
    }
}

fn source_of<'js>(
    this: &Ref<'js, AbortSignal>,
    cx: &Cx<'js>,
    source: &Source,
) -> Option<Ref<'js, AbortSignal>> {
    let signal = this.slots().get(source.signal)?;
    Ref::from_js(cx, &signal).ok()
}
