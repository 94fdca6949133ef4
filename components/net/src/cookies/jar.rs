//! [`CookieJar`]: the cookies of a profile.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cookie_store::{Cookie, CookieStore, StoreAction};
use tokio::runtime::Handle;
use url::Url;

use super::file::{self, CookieJarError};
use super::rules;

/// The most cookies of one domain, and of all. Where there are more, the oldest go.
const MAX_OF_A_DOMAIN: usize = 180;
const MAX_IN_ALL: usize = 3000;

/// How long a change may wait for others before it is saved.
const SAVE_AFTER: Duration = Duration::from_secs(1);

/// The cookies of a profile, for [`HttpNetworkBuilder::cookie_jar`](crate::HttpNetworkBuilder::cookie_jar).
///
/// A handle: its clones are the same jar. A jar with a file saves itself about a second after a change, at
/// [`flush`](Self::flush), and when the last handle is dropped; each time the file is replaced as a whole. Session
/// cookies are not saved: they end with the process.
#[derive(Clone, Debug)]
pub struct CookieJar(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Option<PathBuf>,
    state: Mutex<State>,
    /// One save at a time.
    saving: Mutex<()>,
}

#[derive(Debug)]
struct State {
    cookies: CookieStore,
    /// Whether something is to be saved.
    changed: bool,
    /// Whether a save is on its way.
    scheduled: bool,
}

impl CookieJar {
    /// An empty jar that is never saved.
    pub fn in_memory() -> Self {
        Self::new(CookieStore::default(), None)
    }

    /// The jar of this file, which is empty where there is no file yet. Blocks while it is read.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or is damaged; it is left as it is.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CookieJarError> {
        let path = path.into();
        let cookies = file::read(&path)?;
        Ok(Self::new(cookies, Some(path)))
    }

    fn new(cookies: CookieStore, path: Option<PathBuf>) -> Self {
        let state = State {
            cookies,
            changed: false,
            scheduled: false,
        };
        Self(Arc::new(Inner {
            path,
            state: Mutex::new(state),
            saving: Mutex::default(),
        }))
    }

    /// Saves what changed. Blocks while it is written.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written; the old one is still there then, and the change is saved with the next.
    pub fn flush(&self) -> Result<(), CookieJarError> {
        self.0.save()
    }

    /// Removes every cookie.
    pub fn clear(&self) {
        let mut state = self.0.lock();
        state.cookies.clear();
        state.changed = true;
    }

    /// The number of cookies that have not expired.
    pub fn len(&self) -> usize {
        self.0.lock().cookies.iter_unexpired().count()
    }

    /// Whether there is no cookie.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the `Cookie` header for a request to `url`; none without a cookie. `same_site` says whether
    /// the request comes from the URL's own site.
    pub(crate) fn cookie_header(&self, url: &Url, same_site: bool) -> Option<String> {
        let state = self.0.lock();
        let mut cookies = state.cookies.matches(url);
        // A background fetch is no navigation: "Lax", which is the default, is the same as "Strict".
        cookies.retain(|cookie| same_site || cookie.same_site().is_some_and(|mode| mode.is_none()));
        // Longer paths first, then older cookies, in which order they are.
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.as_ref().len()));
        let pairs: Vec<_> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Stores what the `Set-Cookie` values of a response from `url` allow. Called within a tokio runtime.
    pub(crate) fn store<'a>(&self, url: &Url, same_site: bool, values: impl Iterator<Item = &'a [u8]>) {
        let mut state = self.0.lock();
        let (mut changed, mut inserted) = (false, false);
        for value in values {
            let Some(cookie) = rules::accepted(value, url, same_site, &state.cookies) else {
                continue;
            };
            // It fails for an expired one that is not there.
            if let Ok(action) = state.cookies.insert(cookie, url) {
                changed = true;
                inserted |= action == StoreAction::Inserted;
            }
        }
        if inserted {
            make_room(&mut state.cookies, url);
        }
        if !changed || self.0.path.is_none() {
            return;
        }
        state.changed = true;
        if !std::mem::replace(&mut state.scheduled, true) {
            drop(state);
            self.schedule();
        }
    }

    fn schedule(&self) {
        let scheduled = Scheduled(Arc::downgrade(&self.0));
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            tokio::time::sleep(SAVE_AFTER).await;
            // It fails only where its thread cannot be had; the next change, or the end, saves.
            let _ = tokio::task::spawn_blocking(move || {
                if let Some(inner) = scheduled.0.upgrade() {
                    inner.lock().scheduled = false;
                    // Nobody waits for this one; `flush` says what is wrong.
                    let _ = inner.save();
                }
            })
            .await;
        });
    }
}

/// A save on its way; when it is dropped there is none.
struct Scheduled(std::sync::Weak<Inner>);

impl Drop for Scheduled {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            inner.lock().scheduled = false;
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) -> Result<(), CookieJarError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let _one = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let text = {
            let mut state = self.lock();
            if !std::mem::take(&mut state.changed) {
                return Ok(());
            }
            file::text(&state.cookies)
        };
        file::replace(path, &text).inspect_err(|_| self.lock().changed = true)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Nobody is left who could be told.
        let _ = self.save();
    }
}

/// Keeps the jar within its bounds after cookies for `url` came.
fn make_room(cookies: &mut CookieStore, url: &Url) {
    keep(cookies, MAX_OF_A_DOMAIN, |cookie| cookie.domain.matches(url));
    keep(cookies, MAX_IN_ALL, |_| true);
}

/// Removes as many of these cookies as are too many.
fn keep(cookies: &mut CookieStore, most: usize, which: impl Fn(&Cookie<'_>) -> bool) {
    let too_many = cookies
        .iter_any()
        .filter(|cookie| which(cookie))
        .count()
        .saturating_sub(most);
    if too_many == 0 {
        return;
    }
    let mut found: Vec<_> = cookies
        .iter_any()
        .filter(|cookie| which(cookie))
        .map(|cookie| {
            let (domain, path) = (String::from(&cookie.domain), String::from(&cookie.path));
            (cookie.is_expired(), domain, path, cookie.name().to_owned())
        })
        .collect();
    // What has expired goes first; the rest is in the order in which it came.
    found.sort_by_key(|(expired, ..)| !expired);
    for (_, domain, path, name) in found.into_iter().take(too_many) {
        cookies.remove(&domain, &path, &name);
    }
}
