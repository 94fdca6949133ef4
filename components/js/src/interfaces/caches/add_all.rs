//! `Cache.add()` and `Cache.addAll()`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::{Exception, ExceptionName, fetch as component};
use futures::channel::oneshot;
use futures::future::try_join_all;

use super::objects::{Incoming, check_request, no_init, promise_or_failure};
use crate::bindings::{RequestInfo, RequestInit};
use crate::engine::{Cx, Function, Promise, Value};
use crate::host::caches::{CacheList, CacheOperation};
use crate::interfaces::{AbortSignal, Failure, Request, Response, fetch};
use crate::webidl::{Error, Fallible, FromJs, Ref};

/// Fetches requests and puts them with their responses: all, or none.
///
/// <https://w3c.github.io/ServiceWorker/#cache-addAll>
///
/// # Errors
///
/// A TypeError where a request may not be put.
pub(super) fn add_all<'js>(
    cx: &Cx<'js>,
    list: &Arc<dyn CacheList>,
    requests: Vec<RequestInfo<'js>>,
) -> Fallible<'js, Promise<'js>> {
    // 3 and 5.3: what may not be put is said before anything is fetched.
    let mut checked = Vec::with_capacity(requests.len());
    for request in requests {
        let request = Request::of(cx, request, no_init(cx)?)?;
        let sent = request.to_component()?;
        check_request(&sent)?;
        checked.push((request, sent));
    }
    // 4 and 5. Each is fetched, and ended with the others when one fails.
    let stop = AbortSignal::create(cx)?;
    let mut incoming = Vec::with_capacity(checked.len());
    for (request, sent) in checked {
        let signal = Request::signal_of(&request, cx)?;
        let init = RequestInit {
            signal: Some(Some(AbortSignal::dependent(cx, &[signal, stop.clone()])?)),
            ..no_init(cx)?
        };
        incoming.push(fetched(cx, request, sent, init)?);
    }
    // 6 to 10. Bodies are kept as they come.
    let list = Arc::clone(list);
    let added = async move {
        let entries = incoming.into_iter().map(|incoming| {
            let list = &list;
            async move {
                let gone =
                    |_| Failure::from(Exception::new(ExceptionName::AbortError, "the fetch was ended"));
                let incoming = incoming.await.map_err(gone)??;
                incoming.keep(&**list).await
            }
        });
        let entries = try_join_all(entries).await?.into_iter();
        let operations = entries.map(|entry| CacheOperation::Put(Box::new(entry)));
        list.batch(operations.collect()).await?;
        Ok(())
    };
    let stop = stop.root(cx);
    promise_or_failure(cx, added, move |cx, error| {
        if let Some(stop) = stop.get(cx) {
            AbortSignal::signal_abort(&stop, cx, &error.to_value(cx));
        }
    })
}

type Fetched = Result<Incoming, Failure>;

/// Fetches a request, and takes the body of its response.
fn fetched<'js>(
    cx: &Cx<'js>,
    request: Ref<'js, Request>,
    sent: component::Request,
    init: RequestInit<'js>,
) -> Fallible<'js, oneshot::Receiver<Fetched>> {
    let promise = fetch(cx, RequestInfo::Request(request), init)?;
    let (tell, told) = oneshot::channel();
    let tell = Rc::new(Cell::new(Some((tell, sent))));
    let fulfilled = reaction(cx, Rc::clone(&tell), |cx, sent, response| {
        let taken = take(cx, sent, response);
        taken.map_err(|error| Failure::Value(cx.root(&error.to_value(cx))))
    })?;
    let rejected = reaction(cx, tell, |cx, _, reason| Err(Failure::Value(cx.root(reason))))?;
    promise.then(cx, &fulfilled, &rejected)?;
    Ok(told)
}

type Tell = Rc<Cell<Option<(oneshot::Sender<Fetched>, component::Request)>>>;

fn reaction<'js>(
    cx: &Cx<'js>,
    tell: Tell,
    incoming: impl for<'a> Fn(&Cx<'a>, component::Request, &Value<'a>) -> Fetched + 'static,
) -> Fallible<'js, Function<'js>> {
    let function = cx.function(
        "",
        1,
        Box::new(move |arguments| {
            let cx = &arguments.cx;
            if let Some((tell, sent)) = tell.take() {
                // Another failed, and nobody waits any more.
                let _ = tell.send(incoming(cx, sent, &arguments.get(0)));
            }
            Ok(cx.undefined())
        }),
    );
    Ok(function?)
}

/// 5.7: what a response must be.
fn take<'js>(cx: &Cx<'js>, request: component::Request, response: &Value<'js>) -> Fallible<'js, Incoming> {
    let response = Ref::<Response>::from_js(cx, response)?;
    let incoming = Incoming::take(cx, request, &response)?;
    match &incoming.response {
        Some(head) if head.is_hidden() => {
            let (url, type_) = (incoming.request.url.as_str(), head.response_type);
            Err(Error::type_error(format!(
                "{url:.200} cannot be added: its response is {type_}, and nobody sees whether it is a good one; put it"
            )))
        }
        Some(head) if head.is_ok() => Ok(incoming),
        Some(head) => {
            let (url, status) = (incoming.request.url.as_str(), head.status);
            Err(Error::type_error(format!(
                "{url:.200} cannot be cached: the server answers {status}"
            )))
        }
        None => Err(Error::type_error("a network error cannot be cached")),
    }
}
