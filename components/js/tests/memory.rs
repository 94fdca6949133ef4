//! What scripts have the host keep for them has a bound: they are told so, and the process lives.

mod common;

use std::time::Duration;

use common::{Server, UserAgent};

/// What a loop throws in the end that keeps what `one` makes; the page goes on.
fn ends_with(prepare: &str, one: &str) -> String {
    let mut user_agent = UserAgent::new();
    user_agent.time_limit = Duration::from_secs(100);
    user_agent.room = 4 << 20;
    let script = format!(
        "{prepare};
         const kept = [];
         let thrown;
         try {{ for (;;) {{ const one = {one}; if (typeof one == 'object') kept.push(one); }} }}
         catch (error) {{ thrown = error; }}
         kept.length = 0;
         tell(thrown.name + ': ' + thrown.message);"
    );
    let page = user_agent.page("https://site.example/", &script);
    page.told_within(Duration::from_secs(100))
}

#[test]
fn what_platform_objects_keep_is_counted() {
    let text = "const text = 'x'.repeat(1 << 16)";
    for (prepare, one) in [
        (text, "new Event(text)"),
        (text, "new MessageEvent('', { origin: text })"),
        (text, "new Response(text)"),
        (text, "Response.json(text)"),
        (text, "new Request('', { method: 'POST', body: text })"),
        (text, "new Headers({ name: text })"),
        (text, "document.createTextNode(text)"),
        (text, "new URL('http://a/?' + text)"),
        (text, "new DOMException(text)"),
        (text, "new File([], text)"),
    ] {
        let told = ends_with(prepare, one);
        let is_clear = told.starts_with("RangeError: ") && told.contains("there is no memory for");
        assert!(is_clear, "{one}: {told}");
    }
}

#[test]
fn what_is_added_to_a_platform_object_is_counted() {
    let text = "const text = 'x'.repeat(1 << 16); let n = 0";
    for (prepare, one) in [
        ("const headers = new Headers()", "headers.append('a', text)"),
        (
            "const element = document.createElement('p')",
            "element.setAttribute('a' + n++, text)",
        ),
        (
            "",
            "(() => { const node = new Text(); node.data = text; return node; })()",
        ),
        (
            "",
            "(() => { const url = new URL('http://a'); url.search = text; return url; })()",
        ),
        (
            "",
            "(() => { const event = new Event(''); event.initEvent(text); return event; })()",
        ),
        (
            "const target = new EventTarget()",
            "target.addEventListener(text + n++, () => {})",
        ),
        ("", "setTimeout(text, 1e9)"),
        ("", "console.time(text + n++)"),
    ] {
        let told = ends_with(&format!("{text}; {prepare}"), one);
        assert!(told.contains("there is no memory for"), "{one}: {told}");
    }
}

#[test]
fn a_list_that_is_converted_is_counted_before_it_is_kept() {
    let prepare = "const text = 'x'.repeat(1 << 16), all = Array(1e4).fill(text)";
    for one in [
        "new Blob(all)",
        "new Headers(all.map((text, n) => ['name', text]))",
        "new URLSearchParams(all.map(text => ['name', text]))",
        "document.createElement('p').append(...all.slice(0, 1e3))",
        "new Blob({ *[Symbol.iterator]() { for (;;) yield text; } })",
    ] {
        let told = ends_with(prepare, one);
        assert!(told.contains("there is no memory for"), "{one}: {told}");
    }
}

#[test]
fn what_goes_on_is_counted() {
    let mut user_agent = UserAgent::new();
    user_agent.room = 4 << 20;
    let script = "
        const body = 'x'.repeat(1 << 16);
        const all = Array.from({ length: 100 }, () => fetch('http://localhost:1/', { method: 'POST', body }));
        Promise.allSettled(all).then(all => tell(all.find(one => one.reason instanceof RangeError).reason.message));";
    let told = user_agent.page("https://site.example/", script).told();
    assert!(told.contains("there is no memory for"), "{told}");
}

#[test]
fn what_is_garbage_does_not_count() {
    let mut user_agent = UserAgent::new();
    user_agent.time_limit = Duration::from_secs(100);
    user_agent.room = 4 << 20;
    // Each is in a cycle: only a collection finds it.
    let script = "
        const text = 'x'.repeat(1 << 16);
        for (let n = 0; n < 200; n++) { const response = new Response(text); response.itself = response; }
        const headers = new Headers();
        for (let n = 0; n < 200; n++) headers.set('a', text);
        tell('done');";
    let page = user_agent.page("https://site.example/", script);
    assert_eq!(page.told_within(Duration::from_secs(100)), "done");
}

#[test]
fn a_page_has_so_many_workers_and_again_when_some_have_ended() {
    let server = Server::new(&[
        ("/w.js", "new Worker('/idle.js'); postMessage(1)"),
        ("/idle.js", ""),
    ]);
    let user_agent = UserAgent::new();
    let script = "
        const workers = [];
        let thrown;
        try { for (;;) workers.push(new Worker('/idle.js')); } catch (error) { thrown = error; }
        const before = workers.length;
        workers.forEach(worker => worker.terminate());
        const again = () => {
            try {
                new Worker('/idle.js');
                tell([thrown.name, thrown.message, before].join());
            } catch { setTimeout(again, 10); }
        };
        again();";
    let told = user_agent.page(&server.url("/page"), script).told();
    let expected = "OperationError,Worker: a page and its workers may have 16 dedicated workers at a time,16";
    assert_eq!(told, expected);
}
