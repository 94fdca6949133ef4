//! Tasks: what runs in them, the microtasks after it, and what ran for too long.

use std::time::Instant;

use super::{Realm, Report};
use crate::engine::{Completion, Cx, Value};

impl Realm {
    /// Prepares to run script, runs it, and cleans up: a microtask checkpoint where nothing else is on the stack.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#calling-scripts>
    pub fn run_script<R>(cx: &Cx<'_>, run: impl FnOnce() -> R) -> R {
        let realm = Self::of(cx);
        let depth = realm.depth.get();
        if depth == 0 {
            cx.forget_converted();
            realm.set_deadline(Some(Instant::now() + realm.settings.time_limit));
        }
        realm.depth.set(depth + 1);
        let result = run();
        // A task, or a script that a task has called: nothing else is on the stack.
        if depth <= 1 {
            realm.run_jobs(cx);
        }
        if depth == 0 {
            realm.rejections.notify(cx, &realm);
            realm.report_overrun(cx);
        }
        realm.depth.set(depth);
        result
    }

    /// Performs a microtask checkpoint between two callbacks of one task.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#perform-a-microtask-checkpoint>
    pub fn microtask_checkpoint(cx: &Cx<'_>) {
        let realm = Self::of(cx);
        if realm.depth.get() <= 1 {
            realm.run_jobs(cx);
        }
    }

    /// Runs a classic script in a task.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#run-a-classic-script>
    ///
    /// # Errors
    ///
    /// What it throws.
    pub fn run_classic_script<'js>(cx: &Cx<'js>, source: &str, name: &str) -> Completion<'js, Value<'js>> {
        Self::run_script(cx, || cx.run_script(source, name))
    }

    /// Runs the jobs that wait; those of a task that runs for too long wait for the next.
    fn run_jobs(&self, cx: &Cx<'_>) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        let interrupt = engine.interrupt();
        // The engine looks at the clock after some thousand calls: so it ends a job that queues itself, before we give up.
        let mut left = 30_000_u32;
        // We look at it after some jobs only.
        let mut count = 0_u32;
        let mut is_late = false;
        while cx.run_job() {
            count = count.wrapping_add(1);
            if is_late {
                left -= 1;
            } else if count.is_multiple_of(64) {
                is_late = interrupt.is_late();
            }
            if left == 0 || interrupt.is_stopped() {
                break;
            }
        }
        self.in_checkpoint.set(false);
    }

    /// Reports a task that was ended, or that should have been.
    fn report_overrun(&self, cx: &Cx<'_>) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        let interrupt = engine.interrupt();
        let is_late = interrupt.is_late() | interrupt.take_fired();
        interrupt.set_deadline(None);
        if is_late && !interrupt.is_stopped() {
            let limit = self.settings.time_limit;
            self.tell_reporter(cx, &Report::Overrun { limit });
        }
    }
}
