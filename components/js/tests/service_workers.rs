//! Service workers, as pages and they themselves see them.

mod common;

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{FunctionalEvent, FunctionalEventName, ServiceWorkers as _};
use background_fetch::{FetchKey, RegistrationKey};
use background_fetch_js::engine::{Cx, Slots};
use background_fetch_js::host::service_workers::{
    ComponentServiceWorkers, EventDone, FileStore, Policy, ServiceWorkerStore, ServiceWorkers,
    StoredRegistration,
};
use background_fetch_js::interfaces::ExtendableEvent;
use background_fetch_js::webidl::create;
use common::{Server, UserAgent};

/// What the scripts of pages here share.
const HELPERS: &str = "
    const sw = navigator.serviceWorker;
    const state = (worker, wanted) => new Promise((resolve, reject) => {
        const look = () => {
            if (worker.state == wanted) resolve();
            else if (worker.state == 'redundant') reject(new Error('it is redundant'));
        };
        worker.addEventListener('statechange', look);
        look();
    });
    const failed = promise => promise.then(() => 'fine', error => error.name);
    const run = main => main().then(tell, error => tell('threw ' + error));
";

fn page(user_agent: &UserAgent, server: &Server, script: &str) -> String {
    let script = format!("{HELPERS} run(async () => {{ {script} }})");
    user_agent.page(&server.url("/app/page"), &script).told()
}

#[test]
fn a_worker_is_installed_and_activated_and_everybody_hears_of_it() {
    let server = Server::new(&[(
        "/app/sw.js",
        "console.log('ran', serviceWorker.state, registration.scope);
         oninstall = e => { console.log(e.constructor.name, e.isTrusted, serviceWorker.state);
             e.waitUntil(new Promise(resolve => setTimeout(resolve, 20)).then(() => console.log('waited'))); };
         onactivate = e => { console.log(e.type, registration.active.state); e.waitUntil(1); }",
    )]);
    let user_agent = UserAgent::new();
    let told = page(
        &user_agent,
        &server,
        "const seen = [];
         const registration = await sw.register('sw.js');
         seen.push(registration.scope.endsWith('/app/'), registration.installing.state, registration.active);
         seen.push(await sw.ready === registration, registration.active.state, registration.installing);
         await state(registration.active, 'activated');
         seen.push(registration === await sw.getRegistration(), (await sw.getRegistrations()).length);
         seen.push(await sw.getRegistration('/other'), sw.controller);
         seen.push(await sw.register('sw.js') === registration);
         return seen.join()",
    );
    assert_eq!(told, "true,installing,,true,activating,,true,1,,,true");
    let origin = &server.origin;
    let lines = [
        format!("service worker: ran parsed {origin}/app/"),
        "service worker: InstallEvent true installing".into(),
        "service worker: waited".into(),
        "service worker: activate activating".into(),
    ];
    assert_eq!(user_agent.lines(), lines);
}

#[test]
fn what_cannot_be_registered_is_refused() {
    let server = Server::new(&[
        ("/app/sw.js", ""),
        ("/app/throws.js", "throw 1"),
        ("/app/syntax.js", "("),
        (
            "/app/rejects.js",
            "oninstall = e => e.waitUntil(Promise.reject(1))",
        ),
        ("/app/endless.js", "while (true);"),
        ("/app/plain.txt", ""),
    ]);
    server.put_as(
        "/app/wide.js",
        "",
        "Content-Type: text/javascript\r\nService-Worker-Allowed: /",
    );
    let user_agent = UserAgent::with(|host| {
        host.service_workers = ServiceWorkers::new(Policy {
            time_limit: Duration::from_millis(300),
            ..Policy::default()
        });
    });
    let told = page(
        &user_agent,
        &server,
        "const seen = [];
         for (const [script, scope] of [
             ['sw.js', '/'], ['sw.js', '/ap'], ['wide.js', '/'], ['http://other.example/sw.js'], ['sw.js', 'http://other.example/'],
             ['sw%2f.js'], ['sw.js', 'a%5Cb/'], ['data:text/javascript,'], ['http://'], ['missing.js'], ['plain.txt'],
             ['throws.js', 'a/'], ['syntax.js', 'b/'], ['endless.js', 'd/'],
         ]) seen.push(await failed(sw.register(script, scope && { scope })));
         const rejected = await sw.register('rejects.js', { scope: 'c/' });
         const worker = rejected.installing;
         seen.push(await failed(state(worker, 'activated')), worker.state, (await sw.getRegistrations()).length);
         return seen.join()",
    );
    let expected = "SecurityError,SecurityError,fine,SecurityError,SecurityError,TypeError,TypeError,TypeError,TypeError,\
                    TypeError,SecurityError,TypeError,TypeError,TypeError,Error,redundant,1";
    assert_eq!(told, expected);
}

#[test]
fn an_update_waits_until_it_skips_waiting_and_claims_its_clients() {
    let server = Server::new(&[
        ("/app/sw.js", "importScripts('lib.js')"),
        ("/app/lib.js", "self.version = 1"),
    ]);
    let user_agent = UserAgent::new();
    let first = user_agent.page(
        &server.url("/app/first"),
        &format!(
            "{HELPERS} run(async () => {{
            const registration = await sw.register('sw.js');
            await state(registration.installing, 'activated');
            return 'active';
        }})"
        ),
    );
    assert_eq!(first.told(), "active");
    let script = format!(
        "{HELPERS} run(async () => {{
        const registration = await sw.getRegistration();
        const seen = [sw.controller === registration.active];
        const old = registration.active;
        await registration.update();
        seen.push(registration.installing, registration.waiting);
        return seen.join();
    }})"
    );
    let second = user_agent.page(&server.url("/app/second"), &script);
    assert_eq!(second.told(), "true,,");
    server.put(
        "/app/lib.js",
        "self.version = 2; onmessage = null; skipWaiting(); onactivate = e => e.waitUntil(clients.claim())",
    );
    second.run(
        "run(async () => {
        const registration = await sw.getRegistration();
        const old = registration.active;
        const seen = [];
        registration.onupdatefound = () => seen.push('found');
        sw.oncontrollerchange = async () => {
            seen.push(sw.controller === registration.active, sw.controller === old, old.state);
            await state(registration.active, 'activated');
            tell(seen.join());
        };
        await registration.update();
        return 'updated';
    })",
    );
    let mut told = vec![second.told(), second.told()];
    told.sort();
    assert_eq!(told, ["found,true,false,redundant", "updated"]);
    // The page that was not controlled is, too.
    first.run("tell(sw.controller.state)");
    assert_eq!(first.told(), "activated");
}

#[test]
fn what_is_unregistered_stays_for_whoever_uses_it() {
    let server = Server::new(&[("/app/sw.js", "")]);
    let user_agent = UserAgent::new();
    let registered = page(
        &user_agent,
        &server,
        "await state((await sw.register('sw.js')).installing, 'activated'); return 'active'",
    );
    assert_eq!(registered, "active");
    let script = format!(
        "{HELPERS} run(async () => {{
        const registration = await sw.getRegistration();
        const seen = [await registration.unregister(), await registration.unregister()];
        seen.push(sw.controller.state, registration.active.state, await sw.getRegistration());
        seen.push(await failed(registration.update()));
        return seen.join();
    }})"
    );
    let user = user_agent.page(&server.url("/app/"), &script);
    assert_eq!(user.told(), "true,false,activated,activated,,TypeError");
    let other = format!("{HELPERS} run(async () => String(sw.controller))");
    assert_eq!(user_agent.page(&server.url("/app/"), &other).told(), "null");
}

#[test]
fn module_workers_import() {
    let server = Server::new(&[
        (
            "/app/sw.js",
            "import { name } from './lib/a.js'; console.log(name, import.meta.url.slice(-5));
            try { importScripts('lib/a.js') } catch (e) { console.log(e.name) }",
        ),
        (
            "/app/lib/a.js",
            "import b from '/app/lib/b.js'; export const name = 'a' + b;",
        ),
        ("/app/lib/b.js", "export default 'b'"),
    ]);
    let user_agent = UserAgent::new();
    let told = page(
        &user_agent,
        &server,
        "await state((await sw.register('sw.js', { type: 'module' })).installing, 'activated'); return 'active'",
    );
    assert_eq!(told, "active");
    assert_eq!(
        user_agent.lines(),
        ["service worker: ab sw.js", "service worker: TypeError"]
    );
}

#[test]
fn the_next_run_finds_registrations_and_their_scripts() {
    let folder = std::env::temp_dir().join(format!("bgfetch-js-{}", std::process::id()));
    let server = Server::new(&[
        (
            "/app/sw.js",
            "importScripts('lib.js'); oninstall = e => e.waitUntil(1)",
        ),
        ("/app/lib.js", "1"),
    ]);
    let open = || {
        let store = Arc::new(FileStore::new(&folder).unwrap());
        UserAgent::with(|host| host.service_workers = ServiceWorkers::open(Policy::default(), store).unwrap())
    };
    let told = page(
        &open(),
        &server,
        "await state((await sw.register('sw.js', { updateViaCache: 'all' })).installing, 'activated'); return 'active'",
    );
    assert_eq!(told, "active");
    let again = open();
    ServiceWorkers::start(&again.host);
    let told = page(
        &again,
        &server,
        "const registration = await sw.ready;
         return [sw.controller === registration.active, registration.active.state, registration.updateViaCache].join()",
    );
    assert_eq!(told, "true,activated,all");
    let key = RegistrationKey::of(server.url("/app/").parse().unwrap());
    assert!(again.host.service_workers.registration(&key).is_some());
    let told = page(
        &again,
        &server,
        "return String(await (await sw.ready).unregister())",
    );
    assert_eq!(told, "true");
    let told = page(
        &open(),
        &server,
        "return String((await sw.getRegistrations()).length)",
    );
    assert_eq!(told, "0");
    let left = std::fs::read_dir(folder.join("scripts")).unwrap().count();
    assert_eq!(left, 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Keeps what is saved last, in memory.
#[derive(Clone, Default)]
struct Saved(Arc<parking_lot::Mutex<Vec<StoredRegistration>>>);

impl ServiceWorkerStore for Saved {
    fn load(&self) -> Result<Vec<StoredRegistration>, String> {
        Ok(self.0.lock().clone())
    }

    fn save(&self, registrations: &[StoredRegistration]) -> Result<(), String> {
        *self.0.lock() = registrations.to_vec();
        Ok(())
    }
}

#[test]
fn nothing_of_what_was_unregistered_comes_back_in_the_next_run() {
    let server = Server::new(&[("/app/sw.js", "")]);
    let key = RegistrationKey::of(server.url("/app/").parse().unwrap());
    let saved = Saved::default();
    // What others keep for it is cleared when this says so, if at all.
    let open = |outcomes: Vec<Result<(), String>>| {
        let asked = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let agent = UserAgent::with(|host| {
            host.service_workers = ServiceWorkers::open(Policy::default(), Arc::new(saved.clone())).unwrap();
            let (asked, outcomes) = (asked.clone(), parking_lot::Mutex::new(outcomes.into_iter()));
            *host.service_workers.clear_hook.lock() = Some(Arc::new(move |key| {
                asked.lock().push(key);
                let outcome = outcomes.lock().next();
                Box::pin(async move {
                    match outcome {
                        Some(outcome) => outcome,
                        None => std::future::pending().await,
                    }
                })
            }));
        });
        (agent, asked)
    };
    let register = "await state((await sw.register('sw.js')).installing, 'activated');";
    let unregister = "const found = await sw.getRegistration();
        return [await found.unregister(), await sw.getRegistration()].join();";
    let (first, asked) = open(Vec::new());
    // The promise does not wait for what others keep; what is to be done is kept before it is resolved.
    assert_eq!(
        page(&first, &server, &format!("{register} {unregister}")),
        "true,"
    );
    let marks = saved.0.lock().clone();
    assert_eq!(marks.len(), 1);
    assert!(marks[0].is_unregistered && marks[0].active.is_none() && marks[0].key == key);
    // What has the key next waits until the old is gone.
    let later = "const late = sw.register('sw.js').then(() => 'registered');
        return Promise.race([late, new Promise(resolve => setTimeout(resolve, 100, 'waits'))])";
    assert_eq!(page(&first, &server, later), "waits");
    assert_eq!(asked.lock().as_slice(), std::slice::from_ref(&key));
    drop(first);
    // The program was stopped in between: the next run goes on, and where it cannot so does the one after it.
    let (second, asked) = open(vec![Err("the disk is busy".to_owned()), Err("still".to_owned())]);
    second
        .runtime
        .block_on(ServiceWorkers::clear_unregistered(&second.host));
    assert_eq!((asked.lock().len(), saved.0.lock().len()), (1, 1));
    assert!(second.host.service_workers.registration(&key).is_none());
    let refused = "return sw.register('sw.js').catch(error => error.name)";
    assert_eq!(page(&second, &server, refused), "UnknownError");
    let (third, asked) = open(vec![Ok(())]);
    third
        .runtime
        .block_on(ServiceWorkers::clear_unregistered(&third.host));
    assert_eq!((asked.lock().len(), saved.0.lock().len()), (1, 0));
    assert_eq!(
        page(&third, &server, &format!("{register} return 'again'")),
        "again"
    );
    assert!(!saved.0.lock()[0].is_unregistered);
}

#[test]
fn pages_and_workers_exchange_messages_in_order() {
    let server = Server::new(&[(
        "/app/sw.js",
        "onmessage = async e => {
             const { id, type, frameType, url } = e.source;
             const same = (await clients.get(id)).id === id;
             e.source.postMessage([e.constructor.name, e.data.map(n => n + 1), type, frameType, new URL(url).pathname, same,
                 e.origin === location.origin, e.ports.length]);
             if (e.ports[0]) e.ports[0].postMessage('by port');
         }",
    )]);
    let told = page(
        &UserAgent::new(),
        &server,
        "const registration = await sw.register('sw.js');
         const got = [];
         const { port1, port2 } = new MessageChannel();
         const answered = new Promise(resolve => port1.onmessage = e => resolve(e.data));
         const twice = new Promise(resolve => sw.onmessage = e => {
             got.push(e.data.join(), e.source === registration.active);
             if (got.length == 4) resolve();
         });
         const worker = registration.installing;
         worker.postMessage([1, 2]);
         worker.postMessage([3], [port2]);
         got.push(await answered);
         await state(worker, 'activated');
         await twice;
         return got.join('|')",
    );
    let one = "ExtendableMessageEvent,2,3,window,top-level,/app/page,true,true,0|true";
    let two = "ExtendableMessageEvent,4,window,top-level,/app/page,true,true,1|true";
    assert!(told.contains(one) && told.contains(two), "{told}");
    assert!(told.find(one) < told.find(two), "{told}");
}

#[test]
fn an_idle_worker_is_stopped_and_a_message_starts_it_again() {
    let server = Server::new(&[(
        "/app/sw.js",
        "let count = 0; onmessage = e => e.source.postMessage(++count)",
    )]);
    let user_agent = UserAgent::with(|host| {
        host.service_workers = ServiceWorkers::new(Policy {
            idle: Duration::from_millis(100),
            ..Policy::default()
        });
    });
    let told = page(
        &user_agent,
        &server,
        "const worker = (await sw.register('sw.js')).installing;
         await state(worker, 'activated');
         const ask = () => new Promise(resolve => { sw.onmessage = e => resolve(e.data); worker.postMessage(0); });
         const got = [await ask(), await ask()];
         await new Promise(resolve => setTimeout(resolve, 400));
         got.push(await ask());
         return got.join()",
    );
    assert_eq!(told, "1,2,1");
}

#[test]
fn wait_until_is_for_active_events() {
    let server = Server::new(&[(
        "/app/sw.js",
        "const tried = f => { try { f(); return 'OK' } catch (e) { return e.name } };
         const wait = e => tried(() => e.waitUntil(Promise.resolve()));
         onmessage = e => {
             const heavy = new Promise(resolve => setTimeout(resolve, 1));
             const got = [];
             got.push(wait(new ExtendableEvent('x')));
             if (e.data == 'microtask') Promise.resolve().then(() => got.push(wait(e)));
             if (e.data == 'task') setTimeout(() => got.push(wait(e)));
             if (e.data == 'extended') { e.waitUntil(heavy); heavy.then(() => got.push(wait(e))); }
             if (e.data == 'late') { e.waitUntil(heavy); heavy.then(() => Promise.resolve()).then(() => got.push(wait(e))); }
             setTimeout(() => e.source.postMessage(got.join()), 40);
         }",
    )]);
    let told = page(
        &UserAgent::new(),
        &server,
        "const worker = (await sw.register('sw.js')).installing;
         await state(worker, 'activated');
         const ask = what => new Promise(resolve => { sw.onmessage = e => resolve(e.data); worker.postMessage(what); });
         const got = [];
         for (const what of ['microtask', 'task', 'extended', 'late']) got.push(await ask(what));
         return got.join('|')",
    );
    let not = "InvalidStateError";
    assert_eq!(told, format!("{not},OK|{not},{not}|{not},OK|{not},{not}"));
}

#[test]
fn a_worker_answers_the_requests_of_its_clients() {
    let server = Server::new(&[
        (
            "/app/sw.js",
            "onactivate = e => e.waitUntil(clients.claim());
             onfetch = e => {
                 const { pathname } = new URL(e.request.url);
                 const made = async () => new Response(`${pathname} ${e.request.method} ${await e.request.text()}`,
                     { status: 201, headers: { 'X-Made': e.clientId ? 'here' : '' } });
                 if (pathname == '/app/made') e.respondWith(made());
                 if (pathname == '/app/passed') e.respondWith(fetch('plain.txt'));
                 if (pathname == '/app/prevented') e.preventDefault();
                 if (pathname == '/app/rejected') e.respondWith(Promise.reject(1));
                 if (pathname == '/app/nothing') e.respondWith(7);
                 if (pathname == '/app/twice') {
                     e.respondWith(new Response('once'));
                     try { e.respondWith(new Response('twice')) } catch (error) { console.log(error.name) }
                 }
                 if (pathname == '/app/streamed') e.respondWith(new Response(new ReadableStream({
                     async start(controller) {
                         for (const part of ['a', 'b', 'c']) {
                             controller.enqueue(new TextEncoder().encode(part));
                             await new Promise(resolve => setTimeout(resolve, 20));
                         }
                         controller.close();
                     } })));
             }",
        ),
        ("/app/plain.txt", "plain"),
    ]);
    let user_agent = UserAgent::new();
    let told = page(
        &user_agent,
        &server,
        "const got = [];
         sw.register('sw.js');
         await new Promise(resolve => sw.oncontrollerchange = resolve);
         const made = await fetch('made', { method: 'POST', body: 'body' });
         got.push(made.status, made.headers.get('X-Made'), made.type, new URL(made.url).pathname, await made.text());
         for (const path of ['passed', 'plain.txt', 'twice', 'streamed']) got.push(await (await fetch(path)).text());
         for (const path of ['prevented', 'rejected', 'nothing']) got.push(await failed(fetch(path)));
         return got.join()",
    );
    let expected =
        "201,here,default,/app/made,/app/made POST body,plain,plain,once,abc,TypeError,TypeError,TypeError";
    assert_eq!(told, expected);
    assert!(
        user_agent
            .lines()
            .contains(&"service worker: InvalidStateError".to_owned())
    );
}

#[test]
fn permissions_and_estimates_come_from_the_host() {
    let user_agent = UserAgent::with(|host| {
        host.permissions = Arc::new(background_fetch::embedder::PermissionState::Granted);
    });
    let told = page(
        &user_agent,
        &Server::new(&[]),
        "const query = async name => (await navigator.permissions.query({ name })).state;
         const got = [await query('background-fetch'), await query('notifications'), await failed(query('nonsense'))];
         got.push(await failed(navigator.permissions.query({})), await failed(navigator.storage.estimate()));
         return got.join()",
    );
    assert_eq!(told, "granted,denied,TypeError,TypeError,TypeError");
}

#[test]
fn what_nobody_may_see_is_kept_and_given_to_those_who_did_not_ask_to_see_it() {
    let other = Server::new(&[("/text", "secret")]);
    other.put_as("/part", "", "Vary: *");
    let server = Server::new(&[("/app/plain.txt", "plain")]);
    let worker = "
        const mode = 'no-cors';
        const away = path => fetch(OTHER + path, { mode });
        const put = async () => {
            const cache = await caches.open('kept');
            const response = await away('/text');
            await cache.put('kept', response.clone());
            const again = await cache.put('again', response).then(() => cache.put('again', response)).catch(error => error.name);
            await cache.put('varies', await away('/part'));
            const added = await cache.add(new Request(OTHER + '/text', { mode })).catch(error => error.name);
            return new Response([again, added, !!await cache.match('varies')]);
        };
        onfetch = e => {
            const { pathname } = new URL(e.request.url);
            if (pathname == '/app/put') e.respondWith(put());
            if (pathname == '/app/kept') e.respondWith(caches.match('kept'));
            if (pathname == '/app/passed') e.respondWith(away('/text'));
            if (pathname == '/app/manual') e.respondWith(fetch('plain.txt', { redirect: 'manual' }));
            if (pathname == '/text') e.respondWith(fetch(e.request));
        };";
    server.put(
        "/app/sw.js",
        &format!("const OTHER = '{}'; {worker}", other.origin),
    );
    let user_agent = UserAgent::new();
    let script = format!(
        "{HELPERS} run(async () => {{
        const registration = await sw.register('sw.js');
        await state(registration.installing, 'activated');
        return 'active';
    }})"
    );
    let registered = user_agent.page(&server.url("/app/first"), &script);
    assert_eq!(registered.told(), "active");
    let told = page(
        &user_agent,
        &server,
        &format!(
            "const got = [await (await fetch('put')).text()];
             const look = async response =>
                 [response.type, response.status, response.url, response.body, await response.text()].join('/');
             for (const [url, init] of [
                 ['kept', {{ mode: 'no-cors' }}], ['kept', {{ mode: 'no-cors' }}], ['kept'], ['kept', {{ mode: 'same-origin' }}],
                 ['passed', {{ mode: 'no-cors' }}], ['passed'], ['{0}/text', {{ mode: 'no-cors' }}], ['{0}/text'],
                 ['manual', {{ mode: 'no-cors' }}],
             ]) got.push(await fetch(url, init).then(look, error => error.name));
             const cache = await caches.open('kept');
             const kept = await cache.match('kept');
             got.push(await look(kept), (await cache.keys()).length);
             // What a page sees as nothing is there when it is kept once more.
             await cache.put('copy', kept);
             got.push((await look(await cache.match('copy'))));
             return got.join()",
            other.origin
        ),
    );
    let opaque = "opaque/0///";
    let expected = [
        "TypeError,TypeError,true",
        opaque,
        opaque,
        "TypeError",
        "TypeError",
        opaque,
        "TypeError",
        opaque,
        "TypeError",
    ]
    .join(",");
    let basic = format!("basic/200/{}//", server.url("/app/plain.txt"));
    let told = told.replace("[object ReadableStream]", "");
    assert_eq!(told, format!("{expected},{basic}plain,{opaque},3,{opaque}"));
}

/// Makes the event of a background fetch without the component: the test is of who fires it.
fn make_plain(cx: &Cx<'_>, event: FunctionalEvent, done: EventDone) {
    let event = ExtendableEvent::trusted(cx, event.name.as_str());
    done(cx, create(cx, event, Slots::default()));
}

#[test]
fn a_functional_event_starts_the_worker_and_is_over_when_its_promises_are() {
    let server = Server::new(&[(
        "/app/sw.js",
        "console.log('ran');
         onbackgroundfetchsuccess = e => { e.waitUntil(new Promise(resolve => setTimeout(resolve, 50)).then(() => console.log('over'))) };
         onbackgroundfetchfail = e => e.waitUntil(new Promise(() => {}));
         onbackgroundfetchabort = () => { while (true); };",
    )]);
    let user_agent = UserAgent::with(|host| {
        host.service_workers = ServiceWorkers::new(Policy {
            idle: Duration::from_millis(100),
            event_life: Duration::from_secs(1),
            time_limit: Duration::from_millis(300),
        });
        host.service_workers.event_factory = Some(make_plain);
    });
    let told = page(
        &user_agent,
        &server,
        "await state((await sw.register('sw.js')).installing, 'activated'); return 'active'",
    );
    assert_eq!(told, "active");
    std::thread::sleep(Duration::from_millis(400));
    let registration = RegistrationKey::of(server.url("/app/").parse().unwrap());
    let workers = ComponentServiceWorkers(user_agent.host.clone());
    assert!(workers.has_active_worker(&registration));
    let scopes = workers.scopes(&registration.storage_key);
    assert_eq!(scopes, std::slice::from_ref(&registration.scope));
    let fire = |name| {
        let event = FunctionalEvent {
            name,
            registration: registration.clone(),
            fetch: FetchKey(1),
            id: "id".into(),
        };
        futures::executor::block_on(workers.fire(event))
    };
    assert_eq!(fire(FunctionalEventName::Success), Ok(()));
    assert_eq!(
        user_agent.lines(),
        [
            "service worker: ran",
            "service worker: ran",
            "service worker: over"
        ]
    );
    // One that never ends is dispatched, and its worker is ended; so is one whose handler never ends.
    assert_eq!(fire(FunctionalEventName::Fail), Ok(()));
    assert_eq!(fire(FunctionalEventName::Abort), Ok(()));
    // What nobody listens to is over at once.
    assert_eq!(fire(FunctionalEventName::Click), Ok(()));
    let other = RegistrationKey::of(server.url("/other/").parse().unwrap());
    assert!(!workers.has_active_worker(&other));
}
