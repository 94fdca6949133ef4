//! What keeps service workers up to date, what they may fetch, and their clients.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use background_fetch::embedder::{FunctionalEvent, FunctionalEventName, ServiceWorkers as _};
use background_fetch::{FetchKey, RegistrationKey};
use background_fetch_js::host::service_workers::{ComponentServiceWorkers, Policy, ServiceWorkers};
use common::service_workers::{HELPERS, Saved, make_plain, page};
use common::{Server, UserAgent};

fn open(saved: &Saved) -> UserAgent {
    UserAgent::with(|host| {
        let store = Arc::new(saved.clone());
        host.service_workers = ServiceWorkers::open(Policy::default(), store).unwrap();
        host.service_workers.event_factory = Some(make_plain);
    })
}

#[test]
fn a_worker_that_only_gets_functional_events_is_kept_up_to_date() {
    let server = Server::new(&[("/app/sw.js", "onfetch = () => {}")]);
    let saved = Saved::default();
    let script = "await state((await sw.register('sw.js')).installing, 'activated'); return 'active'";
    assert_eq!(page(&open(&saved), &server, script), "active");
    assert_eq!(server.asked("/app/sw.js"), 1);
    let registration = RegistrationKey::of(server.url("/app/").parse().unwrap());
    let fire = |user_agent: &UserAgent| {
        let event = FunctionalEvent {
            name: FunctionalEventName::Success,
            registration: registration.clone(),
            fetch: FetchKey(1),
            id: "id".into(),
        };
        let workers = ComponentServiceWorkers(user_agent.host.clone());
        assert_eq!(futures::executor::block_on(workers.fire(event)), Ok(()));
    };
    // It was looked after a moment ago.
    let fresh = open(&saved);
    fire(&fresh);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(server.asked("/app/sw.js"), 1);
    drop(fresh);
    let two_days = Duration::from_secs(2 * 86_400);
    saved.0.lock()[0].last_update_check = Some(SystemTime::now() - two_days);
    let stale = open(&saved);
    fire(&stale);
    let began = Instant::now();
    while server.asked("/app/sw.js") < 2 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "nobody looked for a new version"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn messages_wait_until_their_client_is_ready_for_them() {
    let server = Server::new(&[(
        "/app/sw.js",
        "onmessage = event => event.waitUntil((async () => {
             for (const client of await clients.matchAll({ includeUncontrolled: true }))
                 for (const n of [1, 2]) client.postMessage(event.data + n);
             event.ports[0].postMessage('sent');
         })())",
    )]);
    let user_agent = UserAgent::new();
    // None of these has a document that is loaded, which would let them through.
    let silent = user_agent.page(&server.url("/app/silent"), "tell('ready')");
    assert_eq!(silent.told(), "ready");
    let told = page(
        &user_agent,
        &server,
        "const registration = await sw.register('sw.js');
         await state(registration.installing, 'activated');
         const got = [];
         sw.addEventListener('message', event => got.push(event.data));
         const send = text => new Promise(resolve => {
             const { port1, port2 } = new MessageChannel();
             port1.onmessage = () => setTimeout(resolve, 50);
             registration.active.postMessage(text, [port2]);
         });
         await send('a');
         got.push('started');
         sw.startMessages();
         await send('b');
         return got.join()",
    );
    assert_eq!(told, "started,a1,a2,b1,b2");
    silent.run("navigator.serviceWorker.onmessage = event => tell(event.data)");
    let late: Vec<_> = (0..4).map(|_| silent.told()).collect();
    assert_eq!(late, ["a1", "a2", "b1", "b2"]);
    // A document that is loaded needs neither.
    let script = format!(
        "{HELPERS} sw.addEventListener('message', event => tell(event.data));
         const {{ port2 }} = new MessageChannel();
         sw.ready.then(registration => registration.active.postMessage('c', [port2]));"
    );
    let loaded = user_agent.html_page(&server.url("/app/loaded"), &format!("<script>{script}</script>"));
    assert_eq!(loaded.told(), "c1");
}

#[test]
fn a_window_that_is_nowhere_is_not_opened() {
    let server = Server::new(&[(
        "/app/sw.js",
        "onmessage = event => event.waitUntil(clients.openWindow('about:blank')
             .then(() => 'opened', error => error.name).then(told => event.source.postMessage(told)))",
    )]);
    let told = page(
        &UserAgent::new(),
        &server,
        "const registration = await sw.register('sw.js');
         await state(registration.installing, 'activated');
         const told = new Promise(resolve => sw.onmessage = event => resolve(event.data));
         registration.active.postMessage('open');
         return await told",
    );
    assert_eq!(told, "TypeError");
}

/// Fetches from its own origin and from another, and says how that went.
const GOES_ELSEWHERE: &str = "
    const outcome = promise => promise.then(() => 'fine', error => error.name);
    onmessage = event => event.waitUntil((async () => {
        const seen = [await outcome(fetch('/app/x')), await outcome(fetch(event.data, { mode: 'no-cors' }))];
        event.source.postMessage(seen.join());
    })());
";

#[test]
fn a_worker_is_under_the_policies_of_its_script_in_this_run_and_the_next() {
    let (server, other) = (
        Server::new(&[("/app/x", ""), ("/app/free.js", GOES_ELSEWHERE)]),
        Server::new(&[("/y", "")]),
    );
    let headers = "Content-Type: text/javascript\r\nContent-Security-Policy: connect-src 'self'\r\nReferrer-Policy: no-referrer";
    server.put_as("/app/sw.js", GOES_ELSEWHERE, headers);
    let saved = Saved::default();
    let ask = format!(
        "const told = new Promise(resolve => sw.onmessage = event => resolve(event.data));
         registration.active.postMessage('{}');
         return await told",
        other.url("/y")
    );
    let register = |script: &str, scope: &str| {
        format!(
            "const registration = await sw.register('{script}', {{ scope: '{scope}' }});
             await state(registration.installing, 'activated'); {ask}"
        )
    };
    let first = open(&saved);
    assert_eq!(page(&first, &server, &register("free.js", "free/")), "fine,fine");
    assert_eq!(page(&first, &server, &register("sw.js", "./")), "fine,TypeError");
    assert_eq!(other.asked("/y"), 1);
    drop(first);
    let again = format!("const registration = await sw.ready; {ask}");
    assert_eq!(page(&open(&saved), &server, &again), "fine,TypeError");
    assert_eq!(other.asked("/y"), 1);
    // The policies are about what the worker fetches, and not about its script.
    assert_eq!(
        page(
            &open(&saved),
            &server,
            "await (await sw.ready).update(); return 'updated'"
        ),
        "updated"
    );
}
