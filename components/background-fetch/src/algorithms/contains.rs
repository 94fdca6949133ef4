//! Contains background fetch.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::DomString;
use crate::concepts::background_fetch::BackgroundFetch;

/// Whether a map contains this very background fetch, and not another of its id.
///
/// <https://wicg.github.io/background-fetch/#contains-background-fetch-algorithm>
pub(crate) fn contains_background_fetch(
    map: &IndexMap<DomString, Arc<BackgroundFetch>>,
    bg_fetch: &Arc<BackgroundFetch>,
) -> bool {
    // 1 to 4. What its id stands for in the map is it.
    map.get(&bg_fetch.id)
        .is_some_and(|found| Arc::ptr_eq(found, bg_fetch))
}
