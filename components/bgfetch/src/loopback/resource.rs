//! [`Resource`]: what is served at a path, and how.

use std::time::Duration;

/// What is served at a path, and how. By default: all at once, with a strong ETag, and ranges are answered.
#[derive(Clone, Debug)]
pub struct Resource {
    pub(super) seed: u64,
    pub(super) length: u64,
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) ranges: bool,
    pub(super) says_length: bool,
    pub(super) rate: Option<u64>,
    pub(super) drops: Vec<u64>,
    pub(super) stalls: Vec<u64>,
    pub(super) delay: Duration,
    pub(super) headers: Vec<(String, String)>,
}

impl Resource {
    /// The pattern of a seed.
    pub fn pattern(seed: u64, length: u64) -> Self {
        Self {
            seed,
            length,
            status: 200,
            etag: Some(format!("\"{seed}-{length}\"")),
            ranges: true,
            says_length: true,
            rate: None,
            drops: Vec::new(),
            stalls: Vec::new(),
            delay: Duration::ZERO,
            headers: Vec::new(),
        }
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With this ETag, or none.
    #[must_use]
    pub fn etag(mut self, etag: Option<&str>) -> Self {
        self.etag = etag.map(str::to_owned);
        self
    }

    /// Without answers to ranges.
    #[must_use]
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// Without a Content-Length: the body ends with its last chunk.
    #[must_use]
    pub fn without_length(mut self) -> Self {
        self.says_length = false;
        self
    }

    /// So many bytes a second at most, on each connection.
    #[must_use]
    pub fn rate(mut self, bytes_a_second: u64) -> Self {
        self.rate = Some(bytes_a_second);
        self
    }

    /// Drops the connection, once, when byte `at` would be sent.
    #[must_use]
    pub fn drop_at(mut self, at: u64) -> Self {
        self.drops.push(at);
        self
    }

    /// Sends nothing from byte `at` on, until [`Server::release`](super::Server::release).
    #[must_use]
    pub fn hold_at(mut self, at: u64) -> Self {
        self.stalls.push(at);
        self
    }

    /// Waits before it answers.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With another header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
