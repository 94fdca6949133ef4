//! What the server was asked, and what it sent.

use std::collections::BTreeMap;

use super::coverage::Coverage;

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The path.
    pub path: String,
    /// The method.
    pub method: String,
    /// The header fields, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The first byte that was asked for, where it was a range.
    pub range_start: Option<u64>,
    /// The length of the request's body.
    pub body_length: u64,
    /// The SHA-256 of the request's body, in hexadecimal digits.
    pub body_sha256: String,
    /// The status that was sent.
    pub status: u16,
    /// The bytes of the answer's body that were sent.
    pub sent: u64,
}

impl Exchange {
    /// The value of a header field; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the server did for one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The requests.
    pub requests: u64,
    /// Those of them that asked for a range.
    pub ranges: u64,
    /// The bytes of bodies that were sent.
    pub sent: u64,
    /// Those of them that had been sent before.
    pub sent_again: u64,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) exchanges: Vec<Exchange>,
    coverage: BTreeMap<String, Coverage>,
}

impl Log {
    /// Notes a request that is about to be answered; gives its place in the log.
    pub(super) fn begin(&mut self, exchange: Exchange) -> usize {
        self.exchanges.push(exchange);
        self.exchanges.len() - 1
    }

    /// Notes that the bytes from `start` to before `end` were sent.
    pub(super) fn sent(&mut self, exchange: usize, start: u64, end: u64) {
        let exchange = &mut self.exchanges[exchange];
        exchange.sent += end - start;
        self.coverage
            .entry(exchange.path.clone())
            .or_default()
            .add(start, end);
    }

    pub(super) fn tally(&self, path: &str) -> Tally {
        let exchanges = self.exchanges.iter().filter(|exchange| exchange.path == path);
        let mut tally = Tally {
            sent_again: self.coverage.get(path).map_or(0, Coverage::again),
            ..Tally::default()
        };
        for exchange in exchanges {
            tally.requests += 1;
            tally.ranges += u64::from(exchange.range_start.is_some());
            tally.sent += exchange.sent;
        }
        tally
    }
}
