//! A response's body as it comes from the connection.

use std::time::Duration;

use background_fetch::embedder::{NetworkError, NetworkErrorKind};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use crate::connection::Timeouts;
use crate::failure::{Cause, Hop, may_be_length_mismatch, seconds};

/// A response's body, with the checks that a connection does not make by itself: that bytes keep coming, and that
/// they are as many as its `Content-Length` says.
pub(crate) struct IncomingBody {
    incoming: Incoming,
    declared: Option<u64>,
    received: u64,
    stall: Option<Duration>,
    pace: Pace,
    hop: Hop,
}

/// How fast bytes come while they are waited for.
struct Pace {
    least: u64,
    waited: Duration,
    received: u64,
}

impl IncomingBody {
    pub(crate) fn new(incoming: Incoming, timeouts: &Timeouts, hop: Hop) -> Self {
        Self {
            declared: incoming.size_hint().exact(),
            received: 0,
            incoming,
            stall: timeouts.stall,
            pace: Pace {
                least: timeouts.least_bytes,
                waited: Duration::ZERO,
                received: 0,
            },
            hop,
        }
    }

    pub(crate) fn hop(&self) -> &Hop {
        &self.hop
    }

    /// The next bytes, never empty; none at the normal end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, NetworkError> {
        loop {
            self.check_pace()?;
            let before = Instant::now();
            let frame = match self.stall {
                None => self.incoming.frame().await,
                Some(limit) => tokio::time::timeout(limit, self.incoming.frame())
                    .await
                    .map_err(|_| {
                        let reason = format!("no byte of the body came for {}", seconds(limit));
                        self.hop.temporary(reason)
                    })?,
            };
            self.pace.waited += before.elapsed();
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        self.received += bytes.len() as u64;
                        self.pace.received += bytes.len() as u64;
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) if may_be_length_mismatch(&error) && self.missing().is_some() => {
                    return Err(self.failed_length());
                }
                Some(Err(error)) => return Err(self.failed(&Cause::of(&error))),
                None if self.missing().is_some() => return Err(self.failed_length()),
                None => return Ok(None),
            }
        }
    }

    /// Ends what comes too slowly; only the time in which somebody waits for it counts.
    fn check_pace(&mut self) -> Result<(), NetworkError> {
        let Some(limit) = self.stall.filter(|limit| self.pace.waited >= *limit) else {
            return Ok(());
        };
        let Pace { least, received, .. } = self.pace;
        if received < least {
            let reason = format!("only {received} bytes of the body came in {}", seconds(limit));
            return Err(self.hop.temporary(reason));
        }
        (self.pace.waited, self.pace.received) = (Duration::ZERO, 0);
        Ok(())
    }

    /// The length that was declared, where the body is not that long yet.
    fn missing(&self) -> Option<u64> {
        self.declared.filter(|declared| self.received < *declared)
    }

    fn failed(&self, cause: &Cause) -> NetworkError {
        match (cause.kind, self.missing()) {
            (NetworkErrorKind::Final, _) => self.hop.failed(cause),
            (NetworkErrorKind::Temporary, Some(declared)) => self.hop.temporary(format!(
                "its body ended after {} of {declared} bytes: {}",
                self.received, cause.reason
            )),
            (NetworkErrorKind::Temporary, None) => self.hop.temporary(format!(
                "its body ended early, after {} bytes: {}",
                self.received, cause.reason
            )),
        }
    }

    fn failed_length(&self) -> NetworkError {
        let declared = self.declared.unwrap_or_default();
        self.hop.temporary(format!(
            "its body is not as long as its Content-Length of {declared} bytes"
        ))
    }
}
