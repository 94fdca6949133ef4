//! Jobs of the host in the engine's queue, among those of promises.

use std::ffi::c_int;

use rquickjs::qjs;

use super::{Completion, Cx, Value};

/// What a job does; the value is what it was [queued](Cx::queue_job) with.
pub trait Job {
    /// Does it.
    fn run<'js>(cx: &Cx<'js>, value: &Value<'js>);
}

unsafe extern "C" fn trampoline<J: Job>(
    ctx: *mut qjs::JSContext,
    count: c_int,
    values: *mut qjs::JSValue,
) -> qjs::JSValue {
    if let Some(ctx) = std::ptr::NonNull::new(ctx)
        && count == 1
    {
        // SAFETY: the engine runs the job in this context, which is entered, with the one value that it was queued with;
        // the copy that is made of it is owned here.
        let (cx, value) = unsafe {
            let ctx = rquickjs::Ctx::from_raw(ctx);
            let value = qjs::JS_DupValue(ctx.as_raw().as_ptr(), *values);
            (Cx(ctx.clone()), Value(rquickjs::Value::from_raw(ctx, value)))
        };
        // A panic must not pass the engine's frames; there is none on outside input.
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| J::run(&cx, &value)));
        if ran.is_err() {
            std::process::abort();
        }
    }
    qjs::JS_UNDEFINED
}

impl<'js> Cx<'js> {
    /// Queues a job behind those that wait.
    ///
    /// <https://tc39.es/ecma262/#sec-hostenqueuepromisejob>
    pub fn queue_job<J: Job>(&self, value: &Value<'js>) -> Completion<'js, ()> {
        let mut values = [value.0.as_raw()];
        // SAFETY: the engine keeps a reference of its own to the value until the job has run.
        let queued = unsafe {
            qjs::JS_EnqueueJob(
                self.0.as_raw().as_ptr(),
                Some(trampoline::<J>),
                1,
                values.as_mut_ptr(),
            )
        };
        if queued < 0 {
            return Err(self.take_exception());
        }
        Ok(())
    }
}
