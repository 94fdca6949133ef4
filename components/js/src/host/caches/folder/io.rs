//! The thread that works on the files.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use background_fetch::{Exception, ExceptionName};
use futures::FutureExt;
use futures::channel::oneshot;

use super::super::Asked;
use super::state::State;

type Job = Box<dyn FnOnce(&mut State) + Send>;

/// The way to the thread. It ends when the last of these is dropped and it has done what was asked; so its state has none.
pub(super) struct Io(Sender<Job>);

impl Io {
    /// Starts it; the state is loaded first.
    pub(super) fn start(mut state: State) -> io::Result<Arc<Self>> {
        let (sender, jobs) = channel::<Job>();
        let run = move || {
            state.load();
            for job in jobs {
                job(&mut state);
            }
        };
        thread::Builder::new().name("caches".to_owned()).spawn(run)?;
        Ok(Arc::new(Self(sender)))
    }

    /// Has it do something.
    pub(super) fn post(&self, job: impl FnOnce(&mut State) + Send + 'static) {
        // Where the thread is gone there is nothing to do.
        let _ = self.0.send(Box::new(job));
    }

    /// Has it do something, from now on, and gives what it says.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut State) -> Result<T, Exception> + Send + 'static,
    ) -> Asked<'static, T> {
        let (tell, told) = oneshot::channel();
        self.post(move |state| {
            // Nobody may want to know any more.
            let _ = tell.send(job(state));
        });
        let gone = |_| {
            Err(Exception::new(
                ExceptionName::UnknownError,
                "the caches are closed",
            ))
        };
        told.map(move |told| told.unwrap_or_else(gone)).boxed()
    }
}
