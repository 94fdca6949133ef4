//! The worker: what a service worker does with the events of a background fetch, in the program's place.
//!
//! When one is settled, its finished bodies become files, the profile remembers what became of it, and only then the
//! event ends. Where that fails, the event does not end: it stays owed, and the next `resume` gets it again.

mod export;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use background_fetch::api::{BackgroundFetchEvent, Realm};
use background_fetch::embedder::{FunctionalEvent, FunctionalEventName};
use background_fetch::inspect::FetchInspection;
use background_fetch::{CacheQueryOptions, Engine, ResponseResult};
use background_fetch_storage::ProfileStorage;

use crate::failure::Failure;
use crate::naming;
use crate::profile::{Finished, FinishedRecord, Profile};
use export::Export;

/// The worker, and what it works with.
#[derive(Clone)]
pub(crate) struct Worker {
    /// The engine, to look at records.
    pub(crate) engine: Engine,
    /// The worker's realm.
    pub(crate) realm: Realm,
    /// Where the bodies are.
    pub(crate) storage: Arc<ProfileStorage>,
    /// Where the options are.
    pub(crate) profile: Profile,
    /// Whether what arrived is dropped.
    pub(crate) discards: bool,
}

/// What the worker did with an event.
pub(crate) enum Handled {
    /// The user clicked.
    Clicked,
    /// A background fetch is over.
    Finished {
        /// What became of it.
        finished: Box<Finished>,
        /// What the user should know beside it.
        warning: Option<String>,
    },
}

impl Worker {
    /// Handles an event, as a script's listener does, with `waitUntil()` around it all.
    ///
    /// # Errors
    ///
    /// Why it could not be done, and what to do; the event is to stay owed then.
    pub(crate) async fn handle(&self, event: FunctionalEvent) -> Result<Handled, Failure> {
        let event = self.realm.create_event(&event).await?;
        let lifetime = event.extend()?;
        event.end_dispatch();
        let handled = match event.name() {
            FunctionalEventName::Click => Handled::Clicked,
            _ => self.finish(&event).await?,
        };
        drop(lifetime);
        event.ended().await;
        Ok(handled)
    }

    async fn finish(&self, event: &BackgroundFetchEvent) -> Result<Handled, Failure> {
        let registration = event.registration();
        let fetch = registration.key();
        let id = registration.id().to_string();
        let inspection = self
            .engine
            .inspect_one(fetch)
            .ok_or_else(|| Failure::new(format!("the background fetch {id:?} is gone")))?;
        let (options, warning) = self.profile.options(&id);
        let output = options.output.clone();
        // Who aborts does not want the files.
        let files = if event.name() == FunctionalEventName::Abort || self.discards {
            BTreeMap::new()
        } else {
            let export = Export {
                storage: self.storage.clone(),
                profile: self.profile.clone(),
                options,
                fetch,
            };
            let names = self.names(event, &inspection).await?;
            // It writes and waits for the disk: not on the realm's thread.
            tokio::task::spawn_blocking(move || export.run(names))
                .await
                .map_err(|error| Failure::new(format!("the files of {id:?} were not saved: {error}")))??
        };
        let finished = finished(&inspection, output, files);
        self.profile.remember(&finished)?;
        Ok(Handled::Finished {
            finished: Box::new(finished),
            warning,
        })
    }

    /// The names that the records with a finished body should have, by record.
    async fn names(
        &self,
        event: &BackgroundFetchEvent,
        inspection: &FetchInspection,
    ) -> Result<Vec<(usize, String)>, Failure> {
        let mut names = Vec::new();
        let records = event
            .registration()
            .match_all(None, CacheQueryOptions::default())
            .await?;
        for record in records {
            let index = record.key().index;
            let result = inspection.records.get(index).map(|record| record.result);
            if result != Some(ResponseResult::Success) {
                continue;
            }
            let response = record.response_ready().await?;
            if response.head().has_null_body_status() {
                continue;
            }
            let url = &record.request().request().url.clone();
            names.push((index, naming::file_name(url, &response.headers())));
        }
        Ok(names)
    }
}

fn finished(inspection: &FetchInspection, output: PathBuf, mut files: BTreeMap<usize, PathBuf>) -> Finished {
    let records = inspection.records.iter().enumerate();
    Finished {
        fetch: inspection.key.0,
        id: inspection.id.to_string(),
        title: inspection.title.to_string(),
        result: inspection.result,
        failure_reason: inspection.failure_reason,
        downloaded: inspection.downloaded,
        output,
        records: records
            .map(|(index, record)| FinishedRecord {
                method: record.method.clone(),
                url: record.url.to_string(),
                status: record.status,
                downloaded: record.downloaded,
                uploaded: record.uploaded,
                attempts: record.attempts,
                result: record.result,
                detail: record.detail.clone(),
                file: files.remove(&index),
            })
            .collect(),
    }
}
