//! [`UrlIndex`]: finds the records of a background fetch by their requests' URLs.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use url::Url;

use super::CacheQueryOptions;
use super::record::Record;
use crate::algorithms::request_matches::comparable;

/// Finds the records whose URLs may match, without a look at the others.
///
/// Nothing is in it before somebody looks: most background fetches are never asked for one of their records.
#[derive(Debug, Default)]
pub(crate) struct UrlIndex {
    exact: OnceLock<Entries>,
    ignore_search: OnceLock<Entries>,
}

/// The hash of a URL's comparable part and the index of its record, in order. Half of a hash is enough: who looks
/// compares the URLs themselves.
#[derive(Debug)]
struct Entries(Vec<(u32, u32)>);

impl UrlIndex {
    /// The indices of the records whose URLs may match, in order. `records` are always the same.
    pub(crate) fn candidates(
        &self,
        records: &[Arc<Record>],
        url: &Url,
        options: CacheQueryOptions,
    ) -> impl Iterator<Item = usize> {
        let entries = if options.ignore_search {
            &self.ignore_search
        } else {
            &self.exact
        };
        let Entries(entries) = entries.get_or_init(|| Entries::new(records, options));
        let wanted = hash(url, options);
        let first = entries.partition_point(|(hash, _)| *hash < wanted);
        entries[first..]
            .iter()
            .take_while(move |(hash, _)| *hash == wanted)
            .map(|(_, index)| *index as usize)
    }
}

impl Entries {
    fn new(records: &[Arc<Record>], options: CacheQueryOptions) -> Self {
        let mut entries: Vec<_> = (0..)
            .zip(records)
            .map(|(index, record)| (hash(&record.request.url, options), index))
            .collect();
        entries.sort_unstable();
        Self(entries)
    }
}

/// Always the same of a URL. Who makes many alike makes his own background fetch slower.
fn hash(url: &Url, options: CacheQueryOptions) -> u32 {
    let mut hasher = DefaultHasher::new();
    comparable(url, options).hash(&mut hasher);
    hasher.finish() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concepts::{FetchKey, RecordKey};
    use crate::embedder::{RecordState, StoredRecord};
    use crate::fetch::Request;

    fn records(urls: &[&str]) -> Vec<Arc<Record>> {
        let record = |(index, url): (usize, &&str)| {
            let key = RecordKey {
                fetch: FetchKey(1),
                index,
            };
            let request = Arc::new(Request::new(Url::parse(url).unwrap()));
            let state = RecordState::default();
            Arc::new(Record::new(key, StoredRecord { request, state }))
        };
        urls.iter().enumerate().map(record).collect()
    }

    #[test]
    fn candidates_are_the_records_of_a_url_in_their_order() {
        let records = records(&[
            "https://a.example/f",
            "https://a.example/g?q",
            "https://a.example/f?q",
            "https://a.example/f#x",
            "https://b.example/f",
            "https://a.example/f",
        ]);
        let index = UrlIndex::default();
        let exact = CacheQueryOptions::default();
        let ignore_search = CacheQueryOptions {
            ignore_search: true,
            ..exact
        };
        for (url, options, expected) in [
            ("https://a.example/f", exact, &[0, 3, 5][..]),
            ("https://a.example/f#y", exact, &[0, 3, 5]),
            ("https://a.example/f?q", exact, &[2]),
            ("https://a.example/f?r", exact, &[]),
            ("https://a.example/f?r", ignore_search, &[0, 2, 3, 5]),
            ("https://a.example/g", ignore_search, &[1]),
            ("https://c.example/", ignore_search, &[]),
        ] {
            let url = Url::parse(url).unwrap();
            let found: Vec<_> = index.candidates(&records, &url, options).collect();
            assert_eq!(found, expected, "{url}");
        }
    }
}
