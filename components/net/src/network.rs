//! [`HttpNetwork`]: requests as tasks of a tokio runtime, their events for any executor.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::Client;
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use url::Url;

use crate::builder::HttpNetworkBuilder;
use crate::connection::Connections;
use crate::failure::Hop;
use crate::fetching::{self, Events, Message};

/// How many events may wait for the stream to be polled: with the sender's own place two chunks of a body.
const EVENTS_AHEAD: usize = 1;

/// The default [`Network`]: HTTP/1.1 and HTTP/2, over TLS where the URL says `https`, with pooled connections.
///
/// Each fetch starts at once, as a task of a tokio runtime. Its stream may be polled by any executor, and dropping the stream
/// ends the task and its connection. A stream keeps the network's own runtime alive.
///
/// What a page's client may fetch follows <https://fetch.spec.whatwg.org/#fetching>; a client without an origin is
/// the user, for whom there is no CORS.
pub struct HttpNetwork {
    runtime: Arc<Runtime>,
    connections: Arc<Connections>,
    online: watch::Sender<bool>,
}

impl HttpNetwork {
    /// The options, to [`build`](HttpNetworkBuilder::build) with.
    pub fn builder() -> HttpNetworkBuilder {
        HttpNetworkBuilder::default()
    }

    pub(crate) fn new(runtime: Runtime, connections: Connections) -> Self {
        Self {
            runtime: Arc::new(runtime),
            connections: Arc::new(connections),
            online: watch::Sender::new(true),
        }
    }

    /// Says whether the device is online, which it is at first. While it is not,
    /// [`available`](Network::available) waits and a new fetch fails at once with a temporary error. Fetches under
    /// way are left alone: what breaks, breaks by itself.
    pub fn set_online(&self, online: bool) {
        self.online.send_replace(online);
    }
}

impl Network for HttpNetwork {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        if !*self.online.borrow() {
            let hop = Hop::last_of(std::slice::from_ref(&request.request.url));
            let offline = hop.temporary("the device is offline");
            return futures::stream::once(async { Err(offline) }).boxed();
        }
        let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
        let hop = Hop::last_of(std::slice::from_ref(&request.request.url));
        let task = fetching::run(self.connections.clone(), request, Events::new(sender));
        FetchTask {
            task: self.runtime.handle().spawn(task).abort_handle(),
            events: Some(receiver),
            hop,
            _runtime: self.runtime.clone(),
        }
        .boxed()
    }

    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        fetching::policy_at_the_call::allows(url, client)
    }

    fn available<'a>(&'a self, _url: &'a Url) -> BoxFuture<'a, ()> {
        let mut online = self.online.subscribe();
        Box::pin(async move {
            // It fails only without a sender, and `self` is one.
            let _ = online.wait_for(|online| *online).await;
        })
    }
}

/// The runtime that fetches run on.
pub(crate) enum Runtime {
    /// The embedder's.
    Borrowed(Handle),
    /// The network's; there until it is dropped.
    Owned(Option<tokio::runtime::Runtime>, Handle),
}

impl Runtime {
    /// A runtime with one thread: fetching waits, it does not compute.
    pub(crate) fn own() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("background-fetch-net")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self::Owned(Some(runtime), handle))
    }

    fn handle(&self) -> &Handle {
        match self {
            Self::Borrowed(handle) | Self::Owned(_, handle) => handle,
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Self::Owned(runtime, _) = self
            && let Some(runtime) = runtime.take()
        {
            // A plain drop would wait for its thread, and panic where waiting is not allowed.
            runtime.shutdown_background();
        }
    }
}

/// The events of a fetch; dropping it terminates the fetch.
struct FetchTask {
    events: Option<mpsc::Receiver<Message>>,
    task: AbortHandle,
    hop: Hop,
    _runtime: Arc<Runtime>,
}

impl Stream for FetchTask {
    type Item = Result<FetchEvent, NetworkError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = &mut self.events else {
            return Poll::Ready(None);
        };
        let message = std::task::ready!(events.poll_next_unpin(context));
        Poll::Ready(match message {
            Some(Message::Event(event)) => Some(Ok(event)),
            last => {
                self.events = None;
                match last {
                    Some(Message::Failed(error)) => Some(Err(error)),
                    // Only a task that said so has ended: one that went away with its runtime has not.
                    None => Some(Err(self.hop.temporary("the network was shut down"))),
                    _ => None,
                }
            }
        })
    }
}

impl Drop for FetchTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}
