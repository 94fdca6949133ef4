//! The service worker: reads every body of a background fetch that ended, and says what it got.

use std::io::ErrorKind;
use std::rc::Rc;

use background_fetch::api::{BackgroundFetchEvent, BackgroundFetchRecord};
use background_fetch::embedder::{EventError, FunctionalEvent, FunctionalEventName, ServiceWorkers};
use background_fetch::fetch::StorageKey;
use background_fetch::{BackgroundFetchUIOptions, CacheQueryOptions, RegistrationKey};
use background_fetch_storage::ExportError;
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use url::Url;

use super::Life;
use crate::process::say;
use crate::story::{self, Record, Story};

/// An event for the worker, who says when it is no longer active.
pub(super) struct Dispatch {
    event: FunctionalEvent,
    ended: oneshot::Sender<Result<(), EventError>>,
}

/// The way to the worker.
pub(super) struct Worker(mpsc::UnboundedSender<Dispatch>);

/// A worker, and what comes to it.
pub(super) fn service_workers() -> (Worker, mpsc::UnboundedReceiver<Dispatch>) {
    let (sender, receiver) = mpsc::unbounded();
    (Worker(sender), receiver)
}

impl ServiceWorkers for Worker {
    fn has_active_worker(&self, _registration: &RegistrationKey) -> bool {
        true
    }

    fn scopes(&self, _storage_key: &StorageKey) -> Vec<Url> {
        [false, true]
            .map(|cleared| story::registration(cleared).scope)
            .into()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let sender = self.0.clone();
        Box::pin(async move {
            let gone = || EventError("this life is over".to_owned());
            let (ended, active) = oneshot::channel();
            sender
                .unbounded_send(Dispatch { event, ended })
                .map_err(|_| gone())?;
            active.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

/// Handles the events that come, each in a task of its own.
pub(super) fn work(life: &Rc<Life>, mut dispatches: mpsc::UnboundedReceiver<Dispatch>) {
    let life = Rc::downgrade(life);
    tokio::task::spawn_local(async move {
        while let Some(Dispatch { event, ended }) = dispatches.next().await {
            let Some(life) = life.upgrade() else { return };
            tokio::task::spawn_local(async move {
                let id = event.id.to_string();
                let handled = handle(&life, &event, &id).await;
                match &handled {
                    Ok(()) => say(format!("handled {id}")),
                    Err(error) => say(format!("unhandled {id} {error}")),
                }
                // Nobody waits any more where its registration was cleared.
                let _ = ended.send(handled);
            });
        }
    });
}

async fn handle(life: &Life, event: &FunctionalEvent, id: &str) -> Result<(), EventError> {
    let failed = |error: background_fetch::Exception| EventError(error.to_string());
    let story = Story::named(id).ok_or_else(|| EventError(format!("{id} is no story")))?;
    let event = life.realm.create_event(event).await.map_err(failed)?;
    let registration = event.registration();
    let all = registration.match_all(None, CacheQueryOptions::default()).await;
    let records = all.map_err(failed)?;
    let mut bodies = Vec::new();
    for (record, found) in story.records.iter().zip(&records) {
        bodies.push(body(record, found).await);
    }
    if records.len() != story.records.len() {
        bodies.push(format!("wrong:{}-records", records.len()));
    }
    let (name, reason) = (event.name().as_str(), registration.failure_reason().as_str());
    say(format!(
        "event {id} {name} reason={reason} bodies={}",
        bodies.join(",")
    ));
    if event.name() == FunctionalEventName::Success && story.exports {
        export(life, &story, &records, &bodies);
    }
    if event.name().has_update_ui() {
        update_ui(&event, id).await;
    }
    event.end_dispatch();
    event.ended().await;
    Ok(())
}

/// What the body of a record is: `v1` for all of version 1, `p1` for a part of it.
async fn body(record: &Record, found: &BackgroundFetchRecord) -> String {
    let response = match found.response_ready().await {
        Ok(response) => response,
        Err(error) => return format!("none:{}", error.name.as_str()),
    };
    let Some(mut body) = response.take_body() else {
        return "wrong:no-body".to_owned();
    };
    let mut bytes = Vec::new();
    let mut cut = None;
    while let Some(more) = body.next().await {
        match more {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(error) => {
                say(format!("detail {} {error}", record.url));
                cut = Some(error);
            }
        }
    }
    match (record.version_of(&bytes, cut.is_some()), cut) {
        (Some(version), None) => format!("v{version}"),
        (Some(version), Some(error)) => format!("p{version}:{}", error.name.as_str()),
        (None, cut) => format!("wrong:{}-bytes-{cut:?}", bytes.len()).replace([' ', ','], "_"),
    }
}

/// Exports every body, and looks at what is there then.
fn export(life: &Life, story: &Story, records: &[BackgroundFetchRecord], bodies: &[String]) {
    let exports: Vec<_> = (records.iter().enumerate())
        .map(|(index, found)| (found.key(), format!("{}-{index}", story.id).into()))
        .collect();
    let exported = life.storage.export_all(&life.exports, &exports);
    for (index, (record, exported)) in story.records.iter().zip(exported).enumerate() {
        let to = life.exports.join(format!("{}-{index}", story.id));
        match exported {
            // An earlier life may have been killed after it.
            Ok(()) | Err(ExportError::AlreadyExists(_)) => {}
            Err(ExportError::Storage(error)) => {
                say(format!("misexported {} {}: {error}", story.id, to.display()))
            }
        }
        let version = match std::fs::read(&to) {
            Ok(bytes) => record.version_of(&bytes, false),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return say(format!("misexported {} {}: {error}", story.id, to.display())),
        };
        if version.map(|version| format!("v{version}")).as_ref() != bodies.get(index) {
            say(format!(
                "misexported {} {} is {version:?}",
                story.id,
                to.display()
            ));
        }
    }
}

/// Gives the user something else to see, durably.
async fn update_ui(event: &BackgroundFetchEvent, id: &str) {
    let title = Some(story::dom_string("told"));
    match event
        .update_ui(BackgroundFetchUIOptions { icons: None, title })
        .await
    {
        Ok(()) => say(format!("titled {id}")),
        Err(error) => say(format!("untitled {id} {error}")),
    }
}
