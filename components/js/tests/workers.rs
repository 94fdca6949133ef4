//! Dedicated workers and modules, as pages see them.

mod common;

use common::{Server, UserAgent};

#[test]
fn a_worker_gets_messages_in_order_imports_scripts_and_answers() {
    let server = Server::new(&[
        (
            "/w/worker.js",
            "importScripts('lib.js', '/w/more.js');
             const seen = [self === globalThis, self instanceof DedicatedWorkerGlobalScope, name, location.pathname, lib, more];
             try { importScripts('missing.js') } catch (e) { seen.push(e.name) }
             try { importScripts('throws.js') } catch (e) { seen.push(e) }
             onmessage = e => { seen.push(e.data.n); if (e.data.n == 2) postMessage(seen.join()); }",
        ),
        ("/w/lib.js", "var lib = 'lib'"),
        ("/w/more.js", "const more = 'more'"),
        ("/w/throws.js", "throw 'thrown'"),
    ]);
    let user_agent = UserAgent::new();
    let script = "
        const worker = new Worker('/w/worker.js', { name: 'n' });
        worker.onmessage = e => tell(e.data);
        worker.postMessage({ n: 1 });
        worker.postMessage({ n: 2 });";
    let told = user_agent.page(&server.url("/page"), script).told();
    assert_eq!(told, "true,true,n,/w/worker.js,lib,more,NetworkError,thrown,1,2");
}

#[test]
fn errors_of_a_worker_reach_the_page_and_nothing_else_does() {
    let server = Server::new(&[
        ("/throws.js", "\nthrow new Error('mine')"),
        (
            "/handled.js",
            "onerror = () => true; setTimeout(() => postMessage('still there')); throw 1",
        ),
        (
            "/closes.js",
            "close(); postMessage('sent'); setTimeout(() => postMessage('never'))",
        ),
        ("/plain.txt", "postMessage('never')"),
    ]);
    let user_agent = UserAgent::new();
    let script = "
        const seen = [];
        const next = (worker, what) => new Promise(resolve => {
            worker.onmessage = e => resolve(what + ':' + e.data);
            worker.onerror = e => { e.preventDefault(); resolve(`${what}:${e.constructor.name} ${e.message} ${e.lineno}`); };
        });
        (async () => {
            for (const url of ['throws.js', 'handled.js', 'closes.js', 'missing.js', 'plain.txt'])
                seen.push(await next(new Worker(url), url));
            const endless = new Worker('data:text/javascript,postMessage(1); while (true);');
            seen.push(await next(endless, 'data'));
            endless.terminate();
            try { new Worker('http://') } catch (e) { seen.push(e.name) }
            tell(seen.join());
        })()";
    let told = user_agent.page(&server.url("/page"), script).told();
    let expected = "throws.js:ErrorEvent Uncaught Error: mine 2,handled.js:still there,closes.js:sent,\
                    missing.js:Event undefined undefined,plain.txt:Event undefined undefined,data:1,SyntaxError";
    assert_eq!(told, expected);
}

#[test]
fn modules_import_by_url_at_once_and_later() {
    let server = Server::new(&[
        (
            "/m/worker.js",
            "import { a } from './a.js'; const seen = [a, import.meta.url.slice(-9)];
             const { b } = await import('/m/b.js'); seen.push(b, (await import('/m/b.js')).b === b);
             for (const bad of ['bare', './missing.js', './plain.txt', './syntax.js'])
                 await import(bad).catch(e => seen.push(e.name));
             postMessage(seen.join())",
        ),
        ("/m/a.js", "import { b } from './b.js'; export const a = 'a' + b"),
        ("/m/b.js", "export const b = 'b'"),
        ("/m/plain.txt", ""),
        ("/m/syntax.js", "("),
    ]);
    let user_agent = UserAgent::new();
    let script = "new Worker('/m/worker.js', { type: 'module' }).onmessage = e => tell(e.data)";
    let told = user_agent.page(&server.url("/page"), script).told();
    assert_eq!(
        told,
        "ab,worker.js,b,true,TypeError,TypeError,TypeError,SyntaxError"
    );
    assert_eq!(server.asked("/m/b.js"), 1);
    let script = "import('./m/a.js').then(m => tell(m.a))";
    assert_eq!(user_agent.page(&server.url("/page"), script).told(), "ab");
}
