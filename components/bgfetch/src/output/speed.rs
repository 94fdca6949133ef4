//! [`Speed`]: how fast bytes come, lately.

use std::time::{Duration, Instant};

/// What came this long ago counts for less than half.
const MEMORY: Duration = Duration::from_secs(3);

/// How fast the bytes of one background fetch come: what was stored before counts as nothing.
pub(super) struct Speed {
    at: Instant,
    bytes: u64,
    /// In bytes a second; none before the first measurement.
    smoothed: Option<f64>,
}

impl Speed {
    /// From now, and so many bytes, on.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            at: Instant::now(),
            bytes,
            smoothed: None,
        }
    }

    /// So many bytes are stored now; gives the bytes a second.
    pub(super) fn measure(&mut self, bytes: u64) -> u64 {
        let elapsed = self.at.elapsed().as_secs_f64();
        if elapsed > 0.0 {
            let latest = bytes.saturating_sub(self.bytes) as f64 / elapsed;
            let before = self.smoothed.unwrap_or(latest);
            let weight = (-elapsed / MEMORY.as_secs_f64()).exp();
            self.smoothed = Some(before * weight + latest * (1.0 - weight));
            (self.at, self.bytes) = (Instant::now(), bytes);
        }
        self.smoothed.unwrap_or(0.0) as u64
    }
}
