//! Requests and responses between scripts and the component.

mod common;

use std::sync::mpsc::channel;
use std::time::Duration;

use background_fetch::api::{self, RequestObject};
use background_fetch::fetch::{BodyStream, RequestBody, ResponseHead};
use background_fetch::{Exception, ExceptionName};
use background_fetch_js::bindings::RequestInfo;
use background_fetch_js::engine::Cx;
use background_fetch_js::interfaces::{Failure, Guard, Request, Response, request_info};
use background_fetch_js::webidl::{FromJs, Ref};
use bytes::Bytes;
use common::{Page, UserAgent};
use futures::channel::mpsc;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, StatusCode};

/// What a task of the page gives.
fn ask<T: Send + 'static>(page: &Page, task: impl for<'js> FnOnce(&Cx<'js>) -> T + Send + 'static) -> T {
    let (tell, told) = channel();
    page.realm.queue_task(move |cx| tell.send(task(cx)).unwrap());
    told.recv_timeout(Duration::from_secs(10)).unwrap()
}

/// The request of this global name, as the component takes it.
fn request_of(page: &Page, name: &'static str) -> RequestObject {
    ask(page, move |cx| {
        let value = cx.global().get(cx, name).unwrap();
        let info = RequestInfo::from_js(cx, &value).unwrap();
        match request_info(cx, &info).unwrap() {
            api::RequestInfo::Request(request) => *request,
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn a_request_goes_to_the_component_with_its_body_and_comes_back() {
    let agent = UserAgent::new();
    let script = "
        globalThis.whole = new Request('/a?b#c', { method: 'PUT', body: 'text', headers: { 'X-Mine': '1' }, credentials: 'omit' });
        const chunks = ['a', 'b', 'c'].map(text => new TextEncoder().encode(text));
        const pull = controller => chunks.length ? controller.enqueue(chunks.shift()) : controller.close();
        globalThis.streamed = new Request('/', { method: 'POST', body: new ReadableStream({ pull }), duplex: 'half' });
        const endless = { pull(c) { c.enqueue(new Uint8Array(1)); }, cancel() { tell('cancelled'); } };
        globalThis.dropped = new Request('/', { method: 'POST', body: new ReadableStream(endless), duplex: 'half' });
        tell('ready');";
    let page = agent.page("https://site.example/page", script);
    assert_eq!(page.told(), "ready");
    let whole = request_of(&page, "whole");
    assert_eq!(whole.request.url.as_str(), "https://site.example/a?b#c");
    assert_eq!(
        (whole.request.method.as_str(), &whole.request.headers["x-mine"]),
        ("PUT", &HeaderValue::from_static("1"))
    );
    assert_eq!(whole.request.headers["content-type"], "text/plain;charset=UTF-8");
    assert!(matches!(whole.body, Some(RequestBody::Bytes(bytes)) if bytes == "text"));
    assert!(request_of(&page, "whole").body_used, "it was given away");
    // A stream is read on any thread, as its bytes are asked for.
    let streamed = request_of(&page, "streamed").body.unwrap().into_stream();
    let chunks: Vec<Bytes> = futures::executor::block_on(streamed.try_collect()).unwrap();
    assert_eq!(chunks, ["a", "b", "c"]);
    let mut dropped = request_of(&page, "dropped").body.unwrap().into_stream();
    futures::executor::block_on(dropped.next()).unwrap().unwrap();
    drop(dropped);
    assert_eq!(page.told(), "cancelled");
    // And back, for a record.
    ask(&page, move |cx| {
        let body = futures::stream::iter([Ok(Bytes::from("again"))]).boxed_local();
        let request = Request::from_component(cx, &whole.request, Guard::Immutable, Some(body)).unwrap();
        cx.global().define_value(cx, "back", request.value()).unwrap();
    });
    page.run(
        "try { back.headers.set('a', 'b'); } catch (error) { tell(error.name); }
         back.text().then(text => tell([text, back.method, back.url, back.headers.get('x-mine')].join()));",
    );
    assert_eq!(page.told(), "TypeError");
    assert_eq!(page.told(), "again,PUT,https://site.example/a?b#c,1");
}

#[test]
fn a_response_streams_while_its_bytes_arrive() {
    let agent = UserAgent::new();
    let page = agent.page("https://site.example/page", "");
    let (sender, receiver) = mpsc::unbounded::<Result<Bytes, Exception>>();
    ask(&page, move |cx| {
        let mut headers = HeaderMap::new();
        headers.insert("x-mine", HeaderValue::from_static("1"));
        headers.insert("set-cookie", HeaderValue::from_static("a=b"));
        let head = ResponseHead::new(
            "https://site.example/a#b".parse().unwrap(),
            StatusCode::PARTIAL_CONTENT,
            headers,
        );
        let body = receiver.map_err(Failure::from).boxed_local();
        let response = Response::from_head(cx, &head, &head.exposed_headers(), Some(body)).unwrap();
        cx.global()
            .define_value(cx, "response", response.value())
            .unwrap();
    });
    page.run(
        "globalThis.copy = response.clone();
         globalThis.reader = response.body.getReader();
         globalThis.read = () => reader.read().then(
             ({ value, done }) => tell(done ? 'done' : new TextDecoder().decode(value)), error => tell(error.name));
         tell([response.status, response.url, response.headers.get('x-mine'), response.headers.get('set-cookie')].join());
         read();",
    );
    assert_eq!(page.told(), "206,https://site.example/a,1,");
    sender.unbounded_send(Ok("first".into())).unwrap();
    assert_eq!(page.told(), "first");
    sender.unbounded_send(Ok("second".into())).unwrap();
    page.run("read();");
    assert_eq!(page.told(), "second");
    // Read back, for a cache: all headers, and the bytes from the start.
    let (head, mut body) = ask(&page, |cx| {
        let copy = Ref::<Response>::from_js(cx, &cx.global().get(cx, "copy").unwrap()).unwrap();
        (
            copy.head().unwrap(),
            Response::take_body(&copy, cx).unwrap().unwrap(),
        )
    });
    assert_eq!(head.headers["set-cookie"], "a=b");
    let bytes = |body: &mut BodyStream| futures::executor::block_on(body.next()).unwrap();
    assert_eq!(bytes(&mut body), Ok("first".into()));
    assert_eq!(bytes(&mut body), Ok("second".into()));
    let aborted = Exception::new(ExceptionName::AbortError, "it was aborted");
    sender.unbounded_send(Err(aborted)).unwrap();
    page.run("read();");
    assert_eq!(page.told(), "AbortError");
    assert!(bytes(&mut body).is_err_and(|message| message.contains("it was aborted")));
}
