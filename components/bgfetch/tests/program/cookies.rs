//! Cookies: kept in the profile, and sent back.

use crate::support::World;
use bgfetch::loopback::Resource;

#[test]
fn a_cookie_that_comes_with_a_redirect_is_sent_to_where_it_leads() {
    let world = World::new();
    let login = Resource::pattern(1, 0)
        .status(302)
        .header("Location", "/file")
        .header("Set-Cookie", "session=open; Max-Age=1000; Path=/");
    let url = world.serve("/login", login);
    let file = world.serve("/file", Resource::pattern(2, 10));
    let done = world.run(&["get", &url, "--output", "files"]);
    assert_eq!(done.status, 0, "{done:?}");
    // The next process has it too.
    assert_eq!(world.run(&["get", &file]).status, 0);
    let exchanges = world.server.exchanges();
    let cookies: Vec<_> = exchanges
        .iter()
        .map(|exchange| exchange.header("cookie"))
        .collect();
    assert_eq!(cookies, [None, Some("session=open"), Some("session=open")]);
}
