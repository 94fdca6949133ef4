//! Display: what the user interface shows of a background fetch, and what the user does there.

use std::sync::Arc;

use url::Url;

use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::{BackgroundFetchResult, ImageResource};
use crate::embedder::DisplayState;
use crate::fetch::{CredentialsMode, Request, RequestMode};

/// Displays a background fetch.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-display-algorithm>
pub(crate) fn show(engine: &Engine, bg_fetch: &BackgroundFetch) {
    // The lock puts this before or after a removal.
    let on_screen = bg_fetch.on_screen.lock();
    if *on_screen && !bg_fetch.registration.is_cleared() {
        engine.inner.embedder.display.show(&display_state(bg_fetch));
    }
}

fn display_state(bg_fetch: &BackgroundFetch) -> DisplayState {
    let snapshot = bg_fetch.snapshot();
    let ui = bg_fetch.ui.lock().clone();
    let paused = bg_fetch.control.read(|control| control.paused);
    let settled = snapshot.result != BackgroundFetchResult::Empty;
    DisplayState {
        fetch: bg_fetch.key,
        id: snapshot.id,
        registration: bg_fetch.registration.key.clone(),
        // The origin of the scope URL must be shown prominently.
        origin: bg_fetch.registration.key.scope.origin().ascii_serialization(),
        base_url: bg_fetch.client.base_url.clone(),
        title: ui.title,
        icons: ui.icons,
        // Bandwidth is used while it is not paused and its result is the empty string (errata 20).
        bandwidth_in_use: !paused.any() && !settled,
        // It cannot be dismissed without aborting until its result is not the empty string.
        dismissible: settled,
        // It may be paused if every request is a `GET`.
        pausable: bg_fetch.pausable,
        paused,
        download_total: snapshot.download_total,
        downloaded: snapshot.downloaded,
        upload_total: snapshot.upload_total,
        uploaded: snapshot.uploaded,
        result: snapshot.result,
        failure_reason: snapshot.failure_reason,
    }
}

/// The request with which a user interface fetches an icon, or none where its `src` is no http(s) URL.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-display-algorithm>
pub fn icon_request(icon: &ImageResource, base_url: &Url) -> Option<Request> {
    let url = base_url
        .join(&icon.src)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // A `GET`, like every request that nothing else is said of.
    Some(Request {
        mode: RequestMode::NoCors,
        credentials: CredentialsMode::Include,
        keepalive: true,
        ..Request::new(url)
    })
}

/// Keeps a finished background fetch, without its records, for its user interface: it may remain and be activated,
/// unless the user dismissed it before. The oldest beyond the limit goes.
pub(crate) fn keep_finished(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    let limit = engine.inner.policies.limits.finished_shown;
    let kept = Arc::new(bg_fetch.without_records());
    let mut gone = Vec::new();
    {
        let mut finished = bg_fetch.registration.finished.lock();
        // The clearing takes it off the screen, and finds it by what is known.
        if bg_fetch.registration.is_cleared() {
            return;
        }
        if !*bg_fetch.on_screen.lock() {
            return engine.forget(bg_fetch.key);
        }
        finished.push_back(Arc::clone(&kept));
        engine.inner.fetches.lock().insert(kept.key, kept);
        while finished.len() > limit {
            gone.extend(finished.pop_front());
        }
    }
    for bg_fetch in gone {
        take_off_screen(engine, &bg_fetch);
    }
}

/// Dismisses a settled background fetch. Its event goes on, and its records stay for as long as they are needed.
/// Whether it was on the screen.
pub(crate) fn dismiss(engine: &Engine, bg_fetch: &BackgroundFetch) -> bool {
    {
        let mut finished = bg_fetch.registration.finished.lock();
        if !bg_fetch.is_settled() || !std::mem::replace(&mut *bg_fetch.on_screen.lock(), false) {
            return false;
        }
        let kept = finished.len();
        finished.retain(|finished| finished.key != bg_fetch.key);
        if finished.len() < kept {
            engine.forget(bg_fetch.key);
        }
    }
    engine.inner.embedder.display.remove(bg_fetch.key);
    true
}

pub(crate) fn take_off_screen(engine: &Engine, bg_fetch: &BackgroundFetch) {
    engine.forget(bg_fetch.key);
    if std::mem::replace(&mut *bg_fetch.on_screen.lock(), false) {
        engine.inner.embedder.display.remove(bg_fetch.key);
    }
}
