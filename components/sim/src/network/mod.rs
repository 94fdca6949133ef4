//! [`ScriptedNetwork`]: origin servers that follow a script, at the level of the [`Network`] trait.

mod body;
mod exchange;
mod gates;
mod log;
mod ranges;
mod resource;
mod response;
#[cfg(test)]
mod tests;
mod trouble;
mod uploads;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use background_fetch::embedder::{Clock, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::Client;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

pub use body::pattern;
use exchange::Exchange;
use gates::Gates;
use log::Log;
pub use log::{Ending, RequestLog};
pub use ranges::Ranges;
pub use resource::Resource;
pub use response::Response;
pub use uploads::{UploadServer, UploadTrouble};

use crate::VirtualClock;
use crate::watched::Watched;

/// Origin servers that follow a script, and the network between.
///
/// A handle: its clones are the same network. URLs are compared without their fragment; one where nothing is
/// served gives a final network error.
#[derive(Clone)]
pub struct ScriptedNetwork(Arc<Inner>);

struct Inner {
    clock: VirtualClock,
    servers: Mutex<Servers>,
    connectivity: Watched<Connectivity>,
    gates: Gates,
    log: Arc<Mutex<Log>>,
}

type Responder = Box<dyn FnOnce(&NetworkRequest) -> Response + Send>;

#[derive(Default)]
struct Servers {
    resources: BTreeMap<String, Resource>,
    once: BTreeMap<String, VecDeque<Responder>>,
    uploads: BTreeMap<String, UploadServer>,
    disallowed: BTreeMap<String, String>,
}

/// Whether the device is online.
#[derive(Default)]
struct Connectivity {
    offline: bool,
    /// How often it went offline, or lost its connections.
    outages: u64,
}

impl Connectivity {
    fn lost_since(&self, outages: u64) -> bool {
        self.offline || self.outages != outages
    }
}

impl ScriptedNetwork {
    /// A network that is online and has no servers; it takes its time from `clock`.
    pub fn new(clock: VirtualClock) -> Self {
        Self(Arc::new(Inner {
            clock,
            servers: Mutex::default(),
            connectivity: Watched::new(Connectivity::default()),
            gates: Gates::new(),
            log: Arc::default(),
        }))
    }

    /// Serves a resource, in place of the one before. Responses that have begun go on as they were.
    ///
    /// # Panics
    ///
    /// When the URL does not parse.
    pub fn serve(&self, url: impl AsRef<str>, resource: Resource) {
        let key = key(url.as_ref());
        self.0.gates.set_stops(&key, resource.stops());
        self.0.servers.lock().resources.insert(key, resource);
    }

    /// Puts up a server with resumable uploads, which answers for this URL and for its upload resource before what is
    /// served there.
    ///
    /// # Panics
    ///
    /// When the URL does not parse.
    pub fn serve_upload(&self, url: impl AsRef<str>, server: &UploadServer) {
        let mut servers = self.0.servers.lock();
        for url in [url.as_ref(), server.upload().as_str()] {
            servers.uploads.insert(key(url), server.clone());
        }
    }

    /// Answers one request for this URL, before what is served there; several come one after the other.
    ///
    /// # Panics
    ///
    /// When the URL does not parse.
    pub fn respond_once(
        &self,
        url: impl AsRef<str>,
        respond: impl FnOnce(&NetworkRequest) -> Response + Send + 'static,
    ) {
        let mut servers = self.0.servers.lock();
        let waiting = servers.once.entry(key(url.as_ref())).or_default();
        waiting.push_back(Box::new(respond));
    }

    /// Lets the policies of pages exclude this URL at the call, and says why; see [`Network::allows`].
    ///
    /// # Panics
    ///
    /// When the URL does not parse.
    pub fn disallow(&self, url: impl AsRef<str>, why: impl Into<String>) {
        let mut servers = self.0.servers.lock();
        servers.disallowed.insert(key(url.as_ref()), why.into());
    }

    /// Goes offline: what is in flight ends with a temporary error, and so does every new request.
    pub fn offline(&self) {
        self.0.connectivity.change(|connectivity| {
            connectivity.offline = true;
            connectivity.outages += 1;
        });
    }

    /// Comes back online.
    pub fn online(&self) {
        self.0
            .connectivity
            .change(|connectivity| connectivity.offline = false);
    }

    /// Ends what is in flight with a temporary error, and stays online.
    pub fn drop_connections(&self) {
        self.0
            .connectivity
            .change(|connectivity| connectivity.outages += 1);
    }

    /// Stops every response for this URL where it is, and new ones before their head.
    pub fn hold(&self, url: impl AsRef<str>) {
        self.0.gates.close(&key(url.as_ref()));
    }

    /// Lets the responses for this URL go on: from where [`hold`](Self::hold) stopped them, else over the first
    /// [`Resource::hold_at`], which is gone then.
    pub fn release(&self, url: impl AsRef<str>) {
        self.0.gates.release(&key(url.as_ref()));
    }

    /// Lets the responses for this URL go on, and stops none again.
    pub fn release_all(&self, url: impl AsRef<str>) {
        self.0.gates.release_all(&key(url.as_ref()));
    }

    /// The number of responses for this URL that are stopped now.
    pub fn held(&self, url: impl AsRef<str>) -> usize {
        self.0.gates.waiting(&key(url.as_ref()))
    }

    /// Resolves when a response for this URL is stopped.
    pub async fn until_held(&self, url: impl AsRef<str>) {
        self.0.gates.until_waiting(&key(url.as_ref())).await;
    }

    /// Every request so far, in the order in which they came.
    pub fn log(&self) -> Vec<RequestLog> {
        self.0.log.lock().requests().to_vec()
    }

    /// The requests from this place in the log on.
    pub fn log_from(&self, first: usize) -> Vec<RequestLog> {
        let log = self.0.log.lock();
        log.requests().get(first..).unwrap_or_default().to_vec()
    }

    /// The requests in flight.
    pub fn unfinished(&self) -> Vec<RequestLog> {
        let log = self.0.log.lock();
        let unfinished = log.requests().iter().filter(|request| request.ending.is_none());
        unfinished.cloned().collect()
    }

    /// The requests for this URL.
    pub fn log_of(&self, url: impl AsRef<str>) -> Vec<RequestLog> {
        let wanted = key(url.as_ref());
        let mut requests = self.log();
        requests.retain(|request| key(request.url.as_str()) == wanted);
        requests
    }

    /// The requests whose stream was dropped before its end.
    pub fn terminations(&self) -> Vec<RequestLog> {
        let mut requests = self.log();
        requests.retain(|request| request.ending == Some(Ending::Terminated));
        requests
    }

    /// The number of requests in flight.
    pub fn in_flight(&self) -> usize {
        self.0.log.lock().in_flight()
    }

    /// The most that were in flight at once.
    pub fn peak_in_flight(&self) -> usize {
        self.0.log.lock().peak()
    }
}

impl Network for ScriptedNetwork {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        Exchange::begin(self.0.clone(), request)
    }

    fn allows(&self, url: &Url, _client: &Client) -> Result<(), String> {
        let servers = self.0.servers.lock();
        servers
            .disallowed
            .get(&key(url.as_str()))
            .cloned()
            .map_or(Ok(()), Err)
    }

    fn available<'a>(&'a self, _url: &'a Url) -> BoxFuture<'a, ()> {
        let online = |connectivity: &mut Connectivity| (!connectivity.offline).then_some(());
        Box::pin(self.0.connectivity.until(online))
    }
}

impl Inner {
    fn upload_server(&self, key: &str) -> Option<UploadServer> {
        self.servers.lock().uploads.get(key).cloned()
    }

    fn respond(&self, key: &str, request: &NetworkRequest) -> Response {
        // A closure of the test's may use the network: no lock is held while it runs.
        let once = self
            .servers
            .lock()
            .once
            .get_mut(key)
            .and_then(VecDeque::pop_front);
        if let Some(respond) = once {
            return respond(request);
        }
        let mut servers = self.servers.lock();
        let Some(resource) = servers.resources.get_mut(key) else {
            return Response::error(NetworkError::fatal(format!(
                "{key}: no server is known at this URL"
            )));
        };
        if resource.turn(self.clock.now()) {
            self.gates.set_stops(key, resource.stops());
        }
        resource.respond(request)
    }
}

/// The URL without its fragment.
fn key(url: &str) -> String {
    let mut url = Url::parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}"));
    url.set_fragment(None);
    url.into()
}
