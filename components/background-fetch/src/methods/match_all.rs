//! `BackgroundFetchRegistration.matchAll()`.

use crate::algorithms::create_record_objects::exposed_response;
use crate::algorithms::request_matches::request_matches_cached_item;
use crate::concepts::{CacheQueryOptions, FetchKey};
use crate::fetch::Request;
use crate::seam::{RealmId, RecordSnapshot, ResponseDataKey};
use crate::{Engine, Exception};

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-registration-match-all>, 3.
    pub(super) fn match_all(
        &self,
        realm: RealmId,
        fetch: FetchKey,
        request: Option<&Request>,
        options: CacheQueryOptions,
    ) -> Result<Vec<RecordSnapshot>, Exception> {
        let bg_fetch = self.known(fetch)?;
        // Only those that may match are looked at.
        let records = &bg_fetch.records;
        let candidates: Vec<_> = match request {
            Some(request) => {
                let by_url = &bg_fetch.records_by_url;
                let indices = by_url.candidates(records, &request.url, options);
                indices.map(|index| &records[index]).collect()
            }
            None => records.iter().collect(),
        };
        // Held from the moment in which the flag was looked at: what is given out can be read to its end.
        let mut matching_records = Vec::new();
        bg_fetch.held_records.update(|held| {
            if !bg_fetch.progress.read(|progress| progress.records_available) {
                return Err(super::gone());
            }
            // 3.1 and 3.2. The records that match, or all where no request was given (errata 14).
            for record in candidates {
                let response_data = record.response_data();
                let state = response_data.snapshot();
                let matches = request.is_none_or(|request| {
                    request_matches_cached_item(request, &record.request, state.response.as_deref(), options)
                });
                if matches {
                    let response = ResponseDataKey {
                        record: record.key,
                        generation: response_data.generation,
                    };
                    matching_records.push(RecordSnapshot {
                        response,
                        request: record.request.clone(),
                        ready: exposed_response(record, &state).cloned(),
                    });
                }
            }
            let count = matching_records.len() as u64;
            if self.inner.realms.hold(realm, fetch, count) {
                *held += count;
            }
            Ok(())
        })?;
        // 3.3. The answer queues the task that creates record objects.
        Ok(matching_records)
    }
}
