//! The embedding: everything that the component is lent, and what is opened with it.
//!
//! One thread runs it all but the network and the writes: a tokio runtime of one thread, with a `LocalSet` for the
//! realm. The engine's tasks are `Send`, and run beside it.

mod event_loop;
mod policies;
mod screen;
mod service_worker;

use std::path::Path;
use std::sync::Arc;

use background_fetch::api::{BackgroundFetchManager, Realm};
use background_fetch::embedder::{Embedder, PermissionState, StorageError};
use background_fetch::fetch::{Client, StorageKey};
use background_fetch::inspect::FetchInspection;
use background_fetch::{DomString, Engine, FetchKey, RegistrationKey};
use background_fetch_net::{CookieJar, HttpNetwork, TokioRuntime};
use background_fetch_storage::{Options, ProfileStorage};
use url::Url;

pub(crate) use screen::Screen;
pub(crate) use service_worker::{Dispatch, Dispatches};

use crate::failure::Failure;

/// The scope of the one registration that a profile has. Nothing is ever fetched from it.
const SCOPE: &str = "https://bgfetch.invalid/";

/// The storage key of that registration, as the storage's messages name it.
const STORAGE_KEY: &str = "the profile";

/// A profile that is open, with the component at work on it.
pub(crate) struct Embedding {
    /// The engine half.
    pub(crate) engine: Engine,
    /// The realm: the program itself.
    pub(crate) realm: Realm,
    /// The registration that all background fetches belong to.
    pub(crate) registration: RegistrationKey,
    /// The storage, to export from.
    pub(crate) storage: Arc<ProfileStorage>,
    /// What there is to see.
    pub(crate) screen: Screen,
    /// The functional events for the worker.
    pub(crate) dispatches: Dispatches,
    /// The profile's cookies.
    cookies: CookieJar,
}

/// Whether anything is going to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Servers are reached.
    Servers {
        /// Whether they are asked to keep what arrives of an upload.
        resumable: bool,
    },
    /// Only what is stored is looked at or changed.
    ProfileOnly,
}

impl Embedding {
    /// Opens the profile in `folder`. Nothing runs until it is started.
    ///
    /// # Errors
    ///
    /// One sentence for a profile that cannot be used: read-only, damaged, from a newer version, or in use.
    pub(crate) async fn open(folder: &Path, reach: Reach) -> Result<Self, Failure> {
        let storage = Arc::new(ProfileStorage::open(folder, Options::default()).map_err(in_use)?);
        let cookies = match reach {
            Reach::Servers { .. } => CookieJar::open(folder.join("cookies.json"))
                .map_err(|error| Failure::new(error.to_string()))?,
            Reach::ProfileOnly => CookieJar::in_memory(),
        };
        let network = HttpNetwork::builder()
            .cookie_jar(cookies.clone())
            .platform_roots(reach != Reach::ProfileOnly)
            .user_agent(concat!("bgfetch/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let (service_worker, dispatches) = service_worker::service_worker();
        let screen = Screen::default();
        let tokio = Arc::new(TokioRuntime::current());
        let embedder = Embedder {
            network: Arc::new(network),
            storage: storage.clone(),
            service_workers: Arc::new(service_worker),
            // Who types the command allows it.
            permissions: Arc::new(PermissionState::Granted),
            display: Arc::new(screen.clone()),
            spawner: tokio.clone(),
            clock: tokio,
        };
        let resumable = reach == Reach::Servers { resumable: true };
        let engine = Engine::open(embedder, policies::policies(resumable)).await?;
        let scope = Url::parse(SCOPE)
            .map_err(|error| Failure::new(format!("the scope {SCOPE} is no URL: {error}")))?;
        let registration = RegistrationKey {
            storage_key: StorageKey::new(STORAGE_KEY),
            scope,
        };
        let client = Client {
            storage_key: registration.storage_key.clone(),
            ..Client::user(registration.scope.clone())
        };
        let realm = event_loop::realm(&engine, client);
        let embedding = Self {
            engine,
            realm,
            registration,
            storage,
            screen,
            dispatches,
            cookies,
        };
        embedding.remove_delivered();
        Ok(embedding)
    }

    /// The background fetch manager of the registration.
    pub(crate) fn manager(&self) -> BackgroundFetchManager {
        self.realm.background_fetch(&self.registration)
    }

    /// The background fetches that are not over, oldest first: active, or with an event that is owed.
    pub(crate) fn fetches(&self) -> Vec<FetchInspection> {
        let mut fetches = self.engine.inspect();
        fetches.retain(|fetch| fetch.records_available && fetch.registration == self.registration);
        fetches
    }

    /// The background fetch of this id that is not over.
    ///
    /// # Errors
    ///
    /// That there is none, and which there are.
    pub(crate) fn find(&self, id: &str) -> Result<FetchKey, Failure> {
        let found = self.engine.find(&self.registration, &DomString::from(id));
        let found = found.filter(|key| {
            self.engine
                .inspect_one(*key)
                .is_some_and(|fetch| fetch.records_available)
        });
        found.ok_or_else(|| {
            let ids: Vec<String> = self.fetches().iter().map(|fetch| fetch.id.to_string()).collect();
            Failure::new(unknown_id(id, &ids))
        })
    }

    /// Stops every task, and makes what is stored durable.
    ///
    /// # Errors
    ///
    /// What could not be stored.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.engine.shutdown().await?;
        self.cookies
            .flush()
            .map_err(|error| Failure::new(error.to_string()))
    }

    /// What was delivered before the program ended has only its records to be removed.
    fn remove_delivered(&self) {
        for fetch in self.engine.inspect() {
            if !fetch.records_available {
                self.engine.start_one(fetch.key);
            }
        }
    }
}

/// What the storage says of a profile in use, in terms of the program.
fn in_use(error: StorageError) -> Failure {
    let advice = "use another folder";
    Failure::new(match error.message.strip_suffix(advice) {
        Some(message) if message.contains(" is in use by ") => format!(
            "{message}choose another with --profile; the keys p and a pause and abort in the terminal where it runs"
        ),
        _ => error.message,
    })
}

/// What to say of an id that no background fetch has.
pub(crate) fn unknown_id(id: &str, known: &[String]) -> String {
    let known = match known {
        [] => "none is stored in this profile".to_owned(),
        ids => format!("there are: {}", ids.join(", ")),
    };
    format!("there is no background fetch {id:?}; {known}")
}
