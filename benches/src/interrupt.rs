//! [`Interrupt`]: ctrl-C and its like, noticed between two steps so that everything is cleaned up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::Failure;

/// Whether the session should end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on the signals that end a program are noticed instead.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let interrupt = Self::default();
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupt.0))
                .map_err(|error| Failure::new(format!("cannot listen for ctrl-C: {error}")))?;
        }
        Ok(interrupt)
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A failure where one came.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.came() {
            Err(Failure::interrupted())
        } else {
            Ok(())
        }
    }
}
