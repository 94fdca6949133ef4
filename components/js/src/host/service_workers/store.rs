//! Where registrations are kept between runs.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use ::background_fetch::RegistrationKey;
use bytes::Bytes;
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use url::Url;

use super::ServiceWorkers;
use super::model::{Registration, ScriptResource, Worker};
use crate::bindings::{ServiceWorkerState, ServiceWorkerUpdateViaCache, WorkerType};
use crate::host::disk::write_atomically;

/// Keeps registrations and their scripts between runs of the program.
pub trait ServiceWorkerStore: Send + Sync {
    /// What was saved last.
    ///
    /// # Errors
    ///
    /// A sentence, where it cannot be read.
    fn load(&self) -> Result<Vec<StoredRegistration>, String>;

    /// Takes the place of what was saved before: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// A sentence, where it cannot be written.
    fn save(&self, registrations: &[StoredRegistration]) -> Result<(), String>;
}

/// A registration, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRegistration {
    /// Its storage key and scope URL.
    pub key: RegistrationKey,
    /// Whether it was unregistered, and what others keep for it is to be cleared; nothing else is there of it then.
    #[serde(default)]
    pub is_unregistered: bool,
    /// How the HTTP cache is used: the value of the enumeration.
    pub update_via_cache: String,
    /// When it was looked after last.
    pub last_update_check: Option<SystemTime>,
    /// The waiting worker.
    pub waiting: Option<StoredWorker>,
    /// The active worker.
    pub active: Option<StoredWorker>,
}

/// A worker, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredWorker {
    /// Its script URL.
    pub script_url: Url,
    /// Whether it is a module.
    pub is_module: bool,
    /// The types of the events that it listens to.
    pub events: Option<Vec<String>>,
    /// Its scripts.
    pub resources: Vec<StoredResource>,
}

/// A script, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredResource {
    /// The URL that it is imported by.
    pub url: Url,
    /// The URL that it came from.
    pub response_url: Url,
    /// Its MIME type.
    pub content_type: String,
    /// The name of its file: the SHA-256 of its bytes.
    pub file: String,
    /// Its bytes; in a file of their own.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// Keeps registrations in a folder: one file of JSON, and the scripts beside it.
pub struct FileStore {
    folder: PathBuf,
    /// One writes at a time; the scripts that are known to be there.
    written: Mutex<HashSet<String>>,
}

const INDEX: &str = "registrations.json";

impl FileStore {
    /// A store in a folder, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(folder.join("scripts"))?;
        Ok(Self {
            folder,
            written: Mutex::default(),
        })
    }

    fn script(&self, name: &str) -> PathBuf {
        self.folder.join("scripts").join(name)
    }
}

fn file_name(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ServiceWorkerStore for FileStore {
    fn load(&self) -> Result<Vec<StoredRegistration>, String> {
        let path = self.folder.join(INDEX);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let registrations: Vec<StoredRegistration> = serde_json::from_slice(&text)
            .map_err(|error| format!("{} is damaged: {error}", path.display()))?;
        // A worker whose script is damaged is none; the registration may be made again.
        let read = |worker: Option<StoredWorker>| -> Option<StoredWorker> {
            let mut worker = worker?;
            for resource in &mut worker.resources {
                let is_name = resource.file.bytes().all(|byte| byte.is_ascii_hexdigit());
                let bytes = is_name.then(|| fs::read(self.script(&resource.file)).ok())??;
                if file_name(&bytes) != resource.file {
                    return None;
                }
                resource.bytes = bytes.into();
            }
            Some(worker)
        };
        let whole = registrations.into_iter().map(|registration| StoredRegistration {
            waiting: read(registration.waiting),
            active: read(registration.active),
            ..registration
        });
        Ok(whole
            .filter(|registration| {
                registration.is_unregistered
                    || registration.waiting.is_some()
                    || registration.active.is_some()
            })
            .collect())
    }

    fn save(&self, registrations: &[StoredRegistration]) -> Result<(), String> {
        let mut written = self.written.lock();
        let workers = registrations
            .iter()
            .flat_map(|registration| [&registration.waiting, &registration.active])
            .flatten();
        let mut needed = HashSet::new();
        for resource in workers.flat_map(|worker| &worker.resources) {
            needed.insert(resource.file.clone());
            if written.contains(&resource.file) {
                continue;
            }
            let path = self.script(&resource.file);
            write_atomically(&path, &resource.bytes)
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
            written.insert(resource.file.clone());
        }
        let path = self.folder.join(INDEX);
        let text = serde_json::to_vec_pretty(registrations).map_err(|error| error.to_string())?;
        write_atomically(&path, &text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        // What nobody needs any more; what is left here goes the next time.
        for entry in fs::read_dir(self.folder.join("scripts"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !needed.contains(&name) {
                let _ = fs::remove_file(entry.path());
                written.remove(&name);
            }
        }
        Ok(())
    }
}

impl ServiceWorkers {
    /// Keeps what there is. A store that fails is told of, and nothing else changes.
    pub(super) fn save(&self) {
        let Some(store) = &self.store else { return };
        let _saving = self.saving.lock();
        let stored: Vec<_> = {
            let state = self.state.lock();
            let registered = state.scopes.values().filter_map(stored);
            registered
                .chain(state.to_clear.iter().map(unregistered))
                .collect()
        };
        if let Err(message) = store.save(&stored) {
            eprintln!("service workers are not kept: {message}");
        }
    }

    pub(super) fn restore(&mut self, registrations: Vec<StoredRegistration>) {
        let state = self.state.get_mut();
        for stored in registrations {
            if stored.is_unregistered {
                state.to_clear.insert(stored.key);
                continue;
            }
            let via = ServiceWorkerUpdateViaCache::from_idl(&stored.update_via_cache);
            let id = state.new_id();
            let registration = Registration::new(
                id,
                stored.key.clone(),
                via.unwrap_or(ServiceWorkerUpdateViaCache::Imports),
            );
            {
                let mut parts = registration.parts.lock();
                parts.last_update_check = stored.last_update_check;
                let mut worker = |worker: Option<StoredWorker>, worker_state| {
                    worker.map(|worker| restored(state.new_id(), &stored.key, worker, worker_state))
                };
                parts.active = worker(stored.active, ServiceWorkerState::Activated);
                parts.waiting = worker(stored.waiting, ServiceWorkerState::Installed);
            }
            state.scopes.insert(stored.key, Arc::new(registration));
        }
    }

    /// Goes on with what the last run left: what waits is activated, as no client is there.
    ///
    /// <https://w3c.github.io/ServiceWorker/#on-user-agent-shutdown-algorithm>
    pub fn start(host: &Arc<crate::host::Host>) {
        let registrations: Vec<_> = host
            .service_workers
            .state
            .lock()
            .scopes
            .values()
            .cloned()
            .collect();
        for registration in registrations {
            Self::used_less(host, &registration);
        }
    }
}

fn stored(registration: &Arc<Registration>) -> Option<StoredRegistration> {
    let parts = registration.parts.lock();
    let worker = |worker: &Option<Arc<Worker>>| worker.as_ref().map(stored_worker);
    let stored = StoredRegistration {
        key: registration.key.clone(),
        is_unregistered: false,
        update_via_cache: parts.update_via_cache.as_str().to_owned(),
        last_update_check: parts.last_update_check,
        waiting: worker(&parts.waiting),
        active: worker(&parts.active),
    };
    (stored.waiting.is_some() || stored.active.is_some()).then_some(stored)
}

fn unregistered(key: &RegistrationKey) -> StoredRegistration {
    StoredRegistration {
        key: key.clone(),
        is_unregistered: true,
        update_via_cache: String::new(),
        last_update_check: None,
        waiting: None,
        active: None,
    }
}

fn stored_worker(worker: &Arc<Worker>) -> StoredWorker {
    let life = worker.life.lock();
    StoredWorker {
        script_url: worker.script_url.clone(),
        is_module: worker.type_ == WorkerType::Module,
        events: life.events.as_ref().map(|events| {
            let mut events: Vec<_> = events.iter().cloned().collect();
            events.sort();
            events
        }),
        resources: life
            .resources
            .iter()
            .map(|(url, resource)| StoredResource {
                url: url.clone(),
                response_url: resource.url.clone(),
                content_type: resource.content_type.clone(),
                file: file_name(&resource.bytes),
                bytes: resource.bytes.clone(),
            })
            .collect(),
    }
}

fn restored(id: u64, key: &RegistrationKey, stored: StoredWorker, state: ServiceWorkerState) -> Arc<Worker> {
    let resources = stored.resources.into_iter().map(|resource| {
        let script = ScriptResource {
            url: resource.response_url,
            content_type: resource.content_type,
            bytes: resource.bytes,
        };
        (resource.url, script)
    });
    let type_ = match stored.is_module {
        true => WorkerType::Module,
        false => WorkerType::Classic,
    };
    let worker = Worker::new(
        id,
        stored.script_url,
        type_,
        key.clone(),
        resources.collect(),
        state,
    );
    worker.life.lock().events = stored.events.map(|events| events.into_iter().collect());
    Arc::new(worker)
}
