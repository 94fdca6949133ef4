//! A background fetch of one request, from `fetch()` to its event.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::api::Realm;
use background_fetch::embedder::{
    BodyKey, Embedder, EventError, FunctionalEvent, PermissionState, Policies, ServiceWorkers, Storage,
};
use background_fetch::fetch::{Client, Request, ResponseHead, StorageKey};
use background_fetch::inspect::RecordInspection;
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, Engine, RecordKey,
    RegistrationKey,
};
use background_fetch_net::{HttpNetwork, TokioRuntime};
use background_fetch_storage::MemoryStorage;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use url::Url;

use crate::support;

/// What may differ from story to story.
pub(crate) struct Story {
    pub(crate) network: HttpNetwork,
    pub(crate) policies: Policies,
    pub(crate) quota: u64,
    pub(crate) download_total: u64,
    /// Who fetches; the user where there is none.
    pub(crate) client: Option<Client>,
}

/// How a background fetch ended, as its worker could see it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: BackgroundFetchResult,
    pub(crate) failure_reason: BackgroundFetchFailureReason,
    pub(crate) record: RecordInspection,
    pub(crate) response: Option<Arc<ResponseHead>>,
    pub(crate) body: Vec<u8>,
}

impl Ended {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn success(&self) -> &[u8] {
        assert_eq!(
            self.result,
            BackgroundFetchResult::Success,
            "{}",
            self.record.detail
        );
        &self.body
    }

    /// Why it failed, in a sentence.
    #[track_caller]
    pub(crate) fn failure(&self, reason: BackgroundFetchFailureReason) -> &str {
        assert_eq!(self.failure_reason, reason, "{}", self.record.detail);
        &self.record.detail
    }
}

impl Default for Story {
    fn default() -> Self {
        let mut policies = Policies::default();
        policies.retry.first_backoff = Duration::from_millis(1);
        policies.retry.longest_backoff = Duration::from_millis(5);
        policies.retry.longest_retry_after = Duration::from_millis(5);
        let moment = Duration::from_millis(500);
        let network = support::options()
            .stall_timeout(moment)
            .first_byte_timeout(moment);
        Self {
            network: network.build().expect("a network"),
            policies,
            quota: 1 << 30,
            download_total: 0,
            client: None,
        }
    }
}

/// Fetches a URL with everything as usual.
pub(crate) fn get(url: &Url) -> Ended {
    Story::default().tell(Request::new(url.clone()))
}

impl Story {
    /// Fetches a request, until its event is fired.
    pub(crate) fn tell(self, request: Request) -> Ended {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let ended =
            runtime.block_on(async { tokio::time::timeout(support::PATIENCE, self.run(request)).await });
        ended.expect("the story ends")
    }

    async fn run(self, request: Request) -> Ended {
        let storage = MemoryStorage::new(self.quota);
        let (worker, mut events) = mpsc::unbounded();
        let tokio = Arc::new(TokioRuntime::current());
        let embedder = Embedder {
            network: Arc::new(self.network),
            storage: Arc::new(storage.clone()),
            service_workers: Arc::new(Worker(worker)),
            permissions: Arc::new(PermissionState::Granted),
            display: Arc::new(()),
            spawner: tokio.clone(),
            clock: tokio,
        };
        let engine = Engine::open(embedder, self.policies).await.expect("an engine");
        engine.start();
        let client = self.client;
        let client = client.unwrap_or_else(|| Client::user(request.url.clone()));
        let registration = RegistrationKey::of(client.base_url.clone());
        let (event_loop, mut tasks) = mpsc::unbounded();
        let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(event_loop));
        let options = BackgroundFetchOptions {
            download_total: self.download_total,
            ..BackgroundFetchOptions::default()
        };
        let manager = realm.background_fetch(&registration);
        let mut promise = Box::pin(manager.fetch("id", [request], options).fuse());
        let (event, handled) = loop {
            futures::select! {
                started = promise => { started.expect("it starts"); }
                task = tasks.next() => if let Some(task) = task { realm.run_task(task) },
                event = events.next() => break event.expect("an event"),
            }
        };
        let inspection = engine.inspect_one(event.fetch).expect("it is there");
        let stored = storage.load().await.expect("the storage loads").remove(0);
        let state = &stored.records[0].state;
        let record = RecordKey {
            fetch: event.fetch,
            index: 0,
        };
        let key = BodyKey::Response {
            record,
            generation: state.generation,
        };
        let mut body = Vec::new();
        while (body.len() as u64) < state.length {
            let bytes = storage
                .read(key, body.len() as u64, 1 << 20)
                .await
                .expect("stored bytes");
            assert!(!bytes.is_empty(), "fewer bytes than are said to be stored");
            body.extend_from_slice(&bytes);
        }
        assert_eq!(inspection.downloaded, state.length);
        let ended = Ended {
            result: inspection.result,
            failure_reason: inspection.failure_reason,
            record: inspection.records[0].clone(),
            response: state.response.clone(),
            body,
        };
        drop(handled);
        engine.shutdown().await.expect("the storage flushes");
        ended
    }
}

/// A worker whose handler the test is.
pub(crate) struct Worker(pub(crate) mpsc::UnboundedSender<(FunctionalEvent, oneshot::Sender<()>)>);

impl ServiceWorkers for Worker {
    fn has_active_worker(&self, _: &RegistrationKey) -> bool {
        true
    }

    fn scopes(&self, _: &StorageKey) -> Vec<Url> {
        Vec::new()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let (handling, handled) = oneshot::channel();
        let sent = self.0.unbounded_send((event, handling));
        Box::pin(async move {
            sent.map_err(|_| EventError("the test is over".to_owned()))?;
            let _ = handled.await;
            Ok(())
        })
    }
}
