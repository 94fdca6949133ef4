//! Short names for records.

use std::collections::HashMap;

use background_fetch::FetchKey;
use background_fetch::inspect::FetchInspection;

use super::text::printable;
use crate::naming;

/// What the records are called on the screen.
#[derive(Default)]
pub(super) struct Labels(HashMap<FetchKey, Vec<String>>);

impl Labels {
    pub(super) fn add(&mut self, fetch: &FetchInspection) {
        let labels = fetch
            .records
            .iter()
            .map(|record| naming::url_name(&record.url).unwrap_or_else(|| printable(record.url.as_str())));
        self.0.insert(fetch.key, labels.collect());
    }

    /// The label of a record; the empty string for one that is not known.
    pub(super) fn of(&self, fetch: FetchKey, record: usize) -> &str {
        self.0
            .get(&fetch)
            .and_then(|labels| labels.get(record))
            .map_or("", String::as_str)
    }
}
