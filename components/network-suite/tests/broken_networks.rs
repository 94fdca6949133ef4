//! Networks that break one promise each: the suite finds them out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use background_fetch::embedder::{
    FetchEvent, FetchStream, Network, NetworkError, NetworkErrorKind, NetworkRequest,
};
use background_fetch_net::{HttpNetwork, Proxies};
use background_fetch_network_suite::{World, cases};
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::{StreamExt, future, stream};
use url::Url;

/// The default network with its requests and its streams changed.
struct Broken {
    network: HttpNetwork,
    request: fn(&mut NetworkRequest),
    stream: fn(FetchStream) -> FetchStream,
}

impl Network for Broken {
    fn fetch(&self, mut request: NetworkRequest) -> FetchStream {
        (self.request)(&mut request);
        (self.stream)(self.network.fetch(request))
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        self.network.available(url)
    }
}

/// Checks that the case of this name finds a network out, and takes the network as it was before.
fn is_found_out(case: &str, request: fn(&mut NetworkRequest), stream: fn(FetchStream) -> FetchStream) {
    let case = cases()
        .find(|found| found.name == case)
        .expect("a case of the suite");
    let run = |request, stream| {
        let network = HttpNetwork::builder().proxies(Proxies::none()).build().unwrap();
        let world = World::new(Arc::new(Broken {
            network,
            request,
            stream,
        }));
        catch_unwind(AssertUnwindSafe(|| (case.run)(&world))).is_ok()
    };
    assert!(run(|_| {}, |stream| stream), "{}", case.name);
    assert!(!run(request, stream), "{} does not see it", case.name);
}

/// A network whose streams are so changed.
fn a_stream_is_found_out(case: &str, stream: fn(FetchStream) -> FetchStream) {
    is_found_out(case, |_| {}, stream);
}

/// A network whose requests are so changed.
fn a_request_is_found_out(case: &str, request: fn(&mut NetworkRequest)) {
    is_found_out(case, request, |stream| stream);
}

#[test]
fn one_that_loses_a_byte() {
    a_stream_is_found_out("a_body_is_byte_for_byte_what_was_sent", |events| {
        let shorter = |event| match event {
            Ok(FetchEvent::Body(bytes)) if bytes.len() > 1 => Ok(FetchEvent::Body(bytes.slice(1..))),
            other => other,
        };
        events.map(shorter).boxed()
    });
}

#[test]
fn one_that_takes_a_cut_body_for_a_whole_one() {
    a_stream_is_found_out(
        "a_body_short_of_its_length_is_a_temporary_error_after_a_prefix",
        |events| events.take_while(|event| future::ready(event.is_ok())).boxed(),
    );
}

#[test]
fn one_that_takes_every_error_for_temporary() {
    let temporary = |events: FetchStream| {
        let temporary = |error| NetworkError {
            kind: NetworkErrorKind::Temporary,
            ..error
        };
        events.map(move |event| event.map_err(temporary)).boxed()
    };
    a_stream_is_found_out("garbage_for_http_is_a_final_error", temporary);
    a_stream_is_found_out("what_another_origin_does_not_share_is_a_final_error", temporary);
}

#[test]
fn one_that_does_not_ask_for_the_range() {
    a_request_is_found_out("a_range_is_asked_for_as_it_is_given", |request| {
        request.range = None
    });
}

#[test]
fn one_that_does_not_tell_of_progress() {
    a_stream_is_found_out(
        "a_request_body_arrives_whole_and_its_progress_is_told",
        |events| {
            events
                .filter(|event| future::ready(!matches!(event, Ok(FetchEvent::Transmitted(_)))))
                .boxed()
        },
    );
}

#[test]
fn one_that_reads_everything_ahead() {
    a_stream_is_found_out("nothing_is_read_ahead_without_bound", |mut events| {
        let (sender, receiver) = mpsc::unbounded();
        std::thread::spawn(move || {
            while let Some(event) = block_on(events.next()) {
                if sender.unbounded_send(event).is_err() {
                    return;
                }
            }
        });
        receiver.boxed()
    });
}

#[test]
fn one_that_tells_the_response_after_its_body() {
    a_stream_is_found_out("a_response_comes_before_its_body_and_is_the_servers", |events| {
        let turned = async move {
            let mut events: Vec<_> = events.collect().await;
            events.reverse();
            stream::iter(events)
        };
        stream::once(turned).flatten().boxed()
    });
}
