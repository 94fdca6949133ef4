//! [`Network`]: the servers of the stories, and what they were sent.

use std::sync::Arc;

use background_fetch::embedder::{FetchEvent, FetchStream, Network as NetworkTrait, NetworkRequest};
use background_fetch_sim::{ScriptedNetwork, VirtualClock};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use url::Url;

use crate::process::say;
use crate::story::Story;

/// The scripted network, which says when something is sent that may be sent once. No time passes in it.
#[derive(Clone)]
pub(super) struct Network {
    servers: ScriptedNetwork,
    life: u64,
}

impl Network {
    pub(super) fn new(life: u64) -> Self {
        Self {
            servers: ScriptedNetwork::new(VirtualClock::new()),
            life,
        }
    }

    /// Puts up the servers of a story.
    pub(super) fn serve(&self, story: &Story) {
        for record in &story.records {
            self.servers.serve(&record.url, record.resource(self.life));
        }
    }
}

impl NetworkTrait for Network {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        if request.request.is_get() {
            return yielding(self.servers.fetch(request));
        }
        let path = request.request.url.path().trim_start_matches('/').to_owned();
        say(format!("sent {path}"));
        let (servers, body) = (self.servers.clone(), request.body.clone());
        let check = async move {
            let body = body.map(|body| body.open());
            let (mut sent, mut all) = (BytesMut::new(), true);
            if let Some(mut stream) = body {
                while let Some(bytes) = stream.next().await {
                    match bytes {
                        Ok(bytes) => sent.extend_from_slice(&bytes),
                        Err(_) => all = false,
                    }
                }
            }
            if all && !is_upload_of(&path, &sent.freeze()) {
                say(format!("wrong the request body of {path}"));
            }
            servers.fetch(request)
        };
        yielding(check.flatten_stream().boxed())
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        self.servers.available(url)
    }
}

/// Lets others go first at each event, so that what is fetched at once is stored in turns.
fn yielding(stream: FetchStream) -> FetchStream {
    let yields = |event: Result<FetchEvent, _>| async {
        tokio::task::yield_now().await;
        event
    };
    stream.then(yields).boxed()
}

/// Whether this is the body of the request that goes to this path.
fn is_upload_of(path: &str, sent: &Bytes) -> bool {
    let Some((id, index)) = path.split_once('/') else {
        return false;
    };
    let story = Story::named(id).map(Arc::new);
    let record = story.as_ref().zip(index.parse::<usize>().ok());
    record.and_then(|(story, index)| story.records.get(index)?.upload()) == Some(sent.clone())
}
