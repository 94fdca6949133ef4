//! What a crash may leave over the download total.

use crate::concepts::RecordKey;
use crate::embedder::{FetchState, Storage, StoredFetch};

/// Gives up what a crash left over the download total: where the newest response of a record was lost, the bytes of the
/// one that it had replaced are back, beside those that took their place in other records. Records that are not settled
/// start again until the rest fits.
pub(crate) async fn give_up_what_is_over_the_total(storage: &dyn Storage, stored: &mut StoredFetch) {
    if stored.download_total == 0 || stored.state != FetchState::Active {
        return;
    }
    let lengths = stored.records.iter().map(|record| record.state.length);
    let mut length = lengths.fold(0, u64::saturating_add);
    for (index, record) in stored.records.iter_mut().enumerate() {
        if length <= stored.download_total {
            return;
        }
        let state = &mut record.state;
        let Some(response) = state.response.as_ref().filter(|_| state.settlement.is_none()) else {
            continue;
        };
        let key = RecordKey {
            fetch: stored.key,
            index,
        };
        let generation = state.generation.saturating_add(1);
        // Where that fails the bytes stay, and the next one that arrives exceeds the total.
        if storage.set_response(key, generation, response).await.is_ok() {
            length = length.saturating_sub(state.length);
            (state.generation, state.length) = (generation, 0);
        }
    }
}
