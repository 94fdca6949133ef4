//! Cases: what a page may read of another origin.

use std::sync::Arc;

use background_fetch::embedder::NetworkErrorKind::Final;
use background_fetch::fetch::{Client, RequestMode, ResponseType};

use crate::server::Server;
use crate::world::{World, by, get};

crate::declare_cases! {
    what_another_origin_shares_is_read_and_says_so,
    what_another_origin_does_not_share_is_a_final_error,
    another_origin_is_a_final_error_for_a_same_origin_request,
    the_user_has_no_origin_and_reads_everything,
}

fn what_another_origin_shares_is_read_and_says_so(world: &World) {
    let page = Server::answering("", b"");
    let other = Server::answering(
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-Shown\r\nX-Shown: 1\r\nX-Kept: 2\r\n",
        b"shared",
    );
    let outcome = world.fetch(by(&page.url(""), &other.url("")));
    assert_eq!(outcome.answer(), (200, &b"shared"[..]));
    let head = outcome.head();
    assert_eq!(head.response_type, ResponseType::Cors);
    let exposed = head.exposed_headers();
    assert!(exposed.contains_key("x-shown") && !exposed.contains_key("x-kept"));
    assert_eq!(
        head.headers["x-kept"], "2",
        "the component sees what a script does not"
    );
    let origin = page.url("").origin().ascii_serialization();
    assert_eq!(other.only().header("origin"), origin);
}

fn what_another_origin_does_not_share_is_a_final_error(world: &World) {
    let page = Server::answering("", b"");
    for headers in ["", "Access-Control-Allow-Origin: https://elsewhere.example\r\n"] {
        let other = Server::answering(headers, b"secret");
        let outcome = world.fetch(by(&page.url(""), &other.url("")));
        assert!(outcome.head.is_none() && outcome.body.is_empty());
        outcome.assert_failed(Final, &other.url(""));
    }
}

fn another_origin_is_a_final_error_for_a_same_origin_request(world: &World) {
    let page = Server::answering("", b"");
    let other = Server::answering("Access-Control-Allow-Origin: *\r\n", b"shared");
    let mut request = by(&page.url(""), &other.url(""));
    request.request.mode = RequestMode::SameOrigin;
    world.fetch(request).assert_failed(Final, &other.url(""));
    assert!(other.seen().is_empty(), "it was asked");
}

fn the_user_has_no_origin_and_reads_everything(world: &World) {
    let server = Server::answering("", b"for everybody");
    let mut request = get(&server.url(""));
    request.client = Arc::new(Client::user(server.url("")));
    request.request.mode = RequestMode::Navigate;
    assert_eq!(world.fetch(request).answer(), (200, &b"for everybody"[..]));
    let seen = server.only();
    assert_eq!((seen.header("origin"), seen.header("referer")), ("", ""));
}
