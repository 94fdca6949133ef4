//! The user agent's limits on what a caller may pass: [`Limits`](crate::embedder::Limits).

use crate::concepts::BackgroundFetchUIOptions;
use crate::{DomString, Engine, Exception};

impl Engine {
    /// Refuses what `fetch()` was given too much of.
    pub(super) fn check_limits(
        &self,
        id: &DomString,
        requests: usize,
        ui: &BackgroundFetchUIOptions,
    ) -> Result<(), Exception> {
        let limit = self.inner.policies.limits.requests_of_a_fetch;
        if requests > limit {
            return Err(Exception::type_error(format!(
                "{requests} requests are too many for one background fetch, which takes {limit} at most"
            )));
        }
        self.check_text("id", id)?;
        self.check_ui_limits(ui)
    }

    /// Refuses what `fetch()` or `updateUI()` was given too much of.
    pub(super) fn check_ui_limits(&self, ui: &BackgroundFetchUIOptions) -> Result<(), Exception> {
        if let Some(title) = &ui.title {
            self.check_text("title", title)?;
        }
        let (icons, limit) = (
            ui.icons.as_ref().map_or(0, Vec::len),
            self.inner.policies.limits.icons,
        );
        if icons > limit {
            return Err(Exception::type_error(format!(
                "{icons} icons are too many for one background fetch, which takes {limit} at most"
            )));
        }
        Ok(())
    }

    fn check_text(&self, what: &str, text: &DomString) -> Result<(), Exception> {
        let (length, limit) = (text.len(), self.inner.policies.limits.text_length);
        if length > limit {
            return Err(Exception::type_error(format!(
                "the {what} is {length} code units long, and may have {limit} at most"
            )));
        }
        Ok(())
    }
}
