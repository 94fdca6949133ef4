//! The signals that interrupt: ctrl-C, and what ends programs politely.

use std::io;

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::failure::Failure;

/// Listens to the signals that interrupt.
pub(crate) struct Interruptions {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Interruptions {
    /// Listens from now on; until then a signal ends the program at once.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::new().map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))
    }

    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
        })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Resolves when the program is interrupted.
    pub(crate) async fn next(&mut self) {
        let mut any: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        #[cfg(unix)]
        for signal in &mut self.signals {
            any.push(Box::pin(async move {
                signal.recv().await;
            }));
        }
        #[cfg(not(unix))]
        any.push(Box::pin(async {
            // Where ctrl-C cannot be listened to, it ends the program by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        any.next().await;
    }
}
