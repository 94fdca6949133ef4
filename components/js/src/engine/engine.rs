//! [`Engine`]: one heap with one global object, on one thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rquickjs::{Context, Runtime};

use super::memory::Memory;
use super::root::Roots;
use super::{Cx, Value};

/// What scripts may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of the heap.
    pub memory: usize,
    /// The bytes of the stack.
    pub stack: usize,
}

impl Default for Limits {
    /// 512 MiB of heap, 1 MiB of stack.
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            stack: 1 << 20,
        }
    }
}

/// One heap with one global object.
///
/// It is dropped when nothing of it is entered any more; what the host kept of it is nothing then.
pub struct Engine {
    context: Context,
    pub(super) runtime: Runtime,
    interrupt: Interrupt,
    roots: Roots,
}

/// Ends scripts that run for too long, or that nobody wants any more. From any thread.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Default)]
struct InterruptState {
    deadline: Mutex<Option<Instant>>,
    stopped: AtomicBool,
    fired: AtomicBool,
}

thread_local! {
    /// Whether the engine of this thread has ended something: what called it by way of a host's function ends with it.
    static FIRED: Cell<bool> = const { Cell::new(false) };

    /// That of this thread's engine.
    static INTERRUPT: RefCell<Option<Interrupt>> = const { RefCell::new(None) };
}

/// Whether scripts of this thread are on their way out. Asked with each call of a host's function: the engine itself looks at
/// the clock after thousands of calls, and each of these may take a while.
pub(super) fn is_ending() -> bool {
    let check = |interrupt: &RefCell<Option<Interrupt>>| {
        let interrupt = interrupt.borrow();
        interrupt.as_ref().is_some_and(Interrupt::check)
    };
    FIRED.get() || INTERRUPT.with(check)
}

impl Interrupt {
    /// Ends what runs at this moment; none lifts the limit.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        *self.0.deadline.lock() = deadline;
    }

    /// Lifts the limit while a script waits for something; what [`go_on`](Self::go_on) takes.
    pub fn pause(&self) -> Option<Duration> {
        let deadline = self.0.deadline.lock().take()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// It has waited: it may run for as long as it could before.
    pub fn go_on(&self, left: Option<Duration>) {
        self.set_deadline(left.map(|left| Instant::now() + left));
    }

    /// How long ago the deadline passed.
    pub fn late_by(&self) -> Option<Duration> {
        let deadline = *self.0.deadline.lock();
        deadline.and_then(|deadline| Instant::now().checked_duration_since(deadline))
    }

    /// Ends what runs, and whatever would run later.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
    }

    /// Whether it was [stopped](Self::stop).
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    /// Whether something was ended since this was asked last, on the engine's thread; until then every call of a host's
    /// function ends its script.
    pub fn take_fired(&self) -> bool {
        FIRED.set(false);
        self.0.fired.swap(false, Ordering::AcqRel)
    }

    /// Whether the moment of the [deadline](Self::set_deadline) is past.
    pub fn is_late(&self) -> bool {
        let deadline = *self.0.deadline.lock();
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn check(&self) -> bool {
        let ends = self.is_stopped() || self.is_late();
        if ends {
            self.0.fired.store(true, Ordering::Release);
            FIRED.set(true);
        }
        ends
    }
}

impl Engine {
    /// A heap with the globals of the language, whose scripts `interrupt` ends.
    ///
    /// # Errors
    ///
    /// A sentence, where there is no memory for it.
    pub fn new(limits: Limits, interrupt: Interrupt) -> Result<Self, String> {
        let sentence = |error: rquickjs::Error| format!("the JavaScript engine does not start: {error}");
        let runtime = Runtime::new_with_alloc(Memory::new(limits.memory)).map_err(sentence)?;
        runtime.set_max_stack_size(limits.stack);
        INTERRUPT.set(Some(interrupt.clone()));
        let check = interrupt.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || check.check())));
        let context = Context::full(&runtime).map_err(sentence)?;
        let roots = Roots::default();
        // A new context has no data that somebody could be looking at.
        context.with(|ctx| {
            drop(ctx.store_userdata(roots.clone()));
            Cx(ctx)
                .capture_intrinsics()
                .map_err(|_| "the JavaScript engine has no memory")
        })?;
        Ok(Self {
            context,
            runtime,
            interrupt,
            roots,
        })
    }

    /// Enters the engine. Not from inside.
    pub fn enter<R>(&self, run: impl for<'js> FnOnce(&Cx<'js>) -> R) -> R {
        self.context.with(|ctx| run(&Cx(ctx)))
    }

    /// What ends scripts.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Has this called with each promise that is rejected while nobody handles it (false), and with each of them that is
    /// handled after all (true); with its reason.
    pub fn on_rejection(&self, tell: impl for<'js> Fn(&Cx<'js>, &Value<'js>, &Value<'js>, bool) + 'static) {
        self.runtime.set_host_promise_rejection_tracker(Some(Box::new(
            move |ctx, promise, reason, is_handled| {
                tell(&Cx(ctx), &Value(promise), &Value(reason), is_handled);
            },
        )));
    }

    /// Collects garbage.
    pub fn collect_garbage(&self) {
        self.runtime.run_gc();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.context.with(|ctx| Cx(ctx).forget_host());
        self.roots.clear();
    }
}
