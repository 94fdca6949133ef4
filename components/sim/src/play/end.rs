//! The end of a story: the troubles are over, and so must be everything else before long.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use background_fetch::embedder::{Clock, Storage};
use http::Method;

use super::Player;
use super::model::{Checked, must};
use super::operations::UPLOAD;
use super::world::{TITLE, call_of};
use crate::pattern;
use crate::story::Step;

/// After so much virtual time everything must be over.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Player {
    pub(super) async fn end(self: &Rc<Self>) -> Checked {
        self.make_peace();
        let faults = |step: &Step| matches!(step, Step::StorageFails { .. } | Step::StorageFailsOn(..));
        if self.story.steps.iter().any(faults) {
            // What could not be removed is removed after a restart.
            self.restart().await?;
        }
        self.let_all_go_on().await;
        self.wait_until_all_is_over().await?;
        must!(self.look().await?, "bodies of requests are being stored for ever");
        self.tell_ended_events();
        must!(
            self.unanswered() == 0,
            "{} promises are pending for ever",
            self.unanswered()
        );
        self.model.borrow().all_over()?;
        self.check_display()?;
        self.check_uploads()?;
        self.shut_down().await?;
        // Nothing is left behind.
        let left = self.storage.load().await.map_err(|error| error.to_string())?;
        must!(
            left.is_empty(),
            "{} background fetches are left in storage",
            left.len()
        );
        let usage = self.usage().await?;
        let is_empty = usage.values().all(|usage| *usage == 0);
        must!(is_empty, "{usage:?} bytes are left in storage");
        Ok(())
    }

    async fn let_all_go_on(&self) {
        let engine = self.engine();
        for fetch in engine.inspect() {
            self.adopt(fetch.key);
            self.told(|model| {
                model.resumed(fetch.key);
                model.allowed(fetch.key);
            });
            // They may be over by now.
            let _ = engine.resume(fetch.key).await;
            let _ = engine.allow(fetch.key).await;
        }
    }

    async fn wait_until_all_is_over(&self) -> Checked {
        let clock = &self.world.clock;
        let end = clock.now() + PATIENCE;
        let mut wait = Duration::from_millis(100);
        loop {
            clock.sleep(wait).await;
            self.check()?;
            // One that was called for late may wait for permission, or for its answer.
            self.let_all_go_on().await;
            if self.unanswered() == 0 {
                let stored = self.storage.load().await.map_err(|error| error.to_string())?;
                if stored.is_empty() {
                    return Ok(());
                }
                must!(
                    clock.now() < end,
                    "{:?} does not come to an end",
                    stored
                        .iter()
                        .map(|fetch| (fetch.key, fetch.state, fetch.paused))
                        .collect::<Vec<_>>()
                );
            } else {
                must!(
                    clock.now() < end,
                    "{} promises are pending for ever",
                    self.unanswered()
                );
            }
            wait = (wait * 2).min(Duration::from_secs(600));
        }
    }

    /// The user sees how each ended, unless it left the screen.
    fn check_display(&self) -> Checked {
        let mut seen = BTreeSet::new();
        for call in self.world.display.history().iter().rev() {
            if !seen.insert(call.fetch) {
                continue;
            }
            let (outcome, is_titled) = {
                let mut model = self.model.borrow_mut();
                (model.outcome(call.fetch), model.is_titled(call.fetch))
            };
            if let (Some(shown), Some(outcome)) = (&call.shown, outcome) {
                must!(
                    (shown.result, shown.failure_reason) == outcome,
                    "the user last saw {:?} of {:?}, it ended with {outcome:?}",
                    (shown.result, shown.failure_reason),
                    call.fetch
                );
                must!(
                    !is_titled || shown.title == TITLE,
                    "the user last saw the title {:?} of {:?}",
                    shown.title,
                    call.fetch
                );
            }
        }
        Ok(())
    }

    /// A request with a body is sent once, whatever happens; what arrives of it is right, and all of it where it succeeded.
    fn check_uploads(&self) -> Checked {
        let mut sent = BTreeSet::new();
        let requests = self.world.network.log();
        for post in requests.iter().filter(|request| request.method == Method::POST) {
            let call = call_of(&post.url);
            must!(
                sent.insert(call),
                "the request body of call {call} was sent twice"
            );
            must!(
                post.body[..] == pattern(UPLOAD + call as u64, 0, post.body.len()),
                "a server got other bytes than call {call} sent"
            );
            let model = self.model.borrow();
            if let Some(server) = self.uploads.borrow().get(&call) {
                let bytes = server.bytes();
                let length = model.upload_of(call).unwrap_or(0) as usize;
                must!(
                    bytes == pattern(UPLOAD + call as u64, 0, bytes.len()),
                    "a server got other bytes than call {call} sent, in parts"
                );
                must!(
                    !model.succeeded(call) || (bytes.len(), server.creations()) == (length, 1),
                    "call {call} succeeded with {} bytes sent of {length}",
                    bytes.len()
                );
                continue;
            }
            must!(
                !model.succeeded(call) || model.upload_of(call) == Some(post.body.len() as u64),
                "call {call} succeeded with {} bytes sent of {:?}",
                post.body.len(),
                model.upload_of(call)
            );
        }
        Ok(())
    }
}
