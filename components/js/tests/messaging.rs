//! Values that are cloned and moved, and messages between realms, as scripts see them.

mod common;

use background_fetch_js::engine::{Cx, Object, Thrown};
use background_fetch_js::interfaces::{define_globals, structured_serialize};
use background_fetch_js::realm::{Realm, spawn};
use background_fetch_js::webidl::FromJs;
use common::{UserAgent, run};

/// `send(value, transfer)`, which calls `received` in a realm of this script.
fn define_other(cx: &Cx<'_>, script: &'static str) {
    let settings = Realm::of(cx).settings().clone();
    let other = spawn("other", settings, move |cx| {
        define_globals(cx).unwrap();
        cx.run_script(script, "other.js").unwrap();
    });
    let other = other.unwrap();
    let send = cx.function(
        "send",
        1,
        Box::new(move |arguments| {
            let cx = &arguments.cx;
            let transfer = Vec::<Object<'_>>::from_js(cx, &arguments.get(1)).unwrap();
            let serialized = structured_serialize(cx, &arguments.get(0), &transfer);
            let serialized = serialized.map_err(|error| Thrown(error.to_value(cx)))?;
            other.queue_task(move |cx| {
                let value = serialized.deserialize(cx).unwrap().value;
                let received = cx.global().get(cx, "received").unwrap().as_function().unwrap();
                received.call(cx, &cx.undefined(), &[value]).unwrap();
            });
            Ok(cx.undefined())
        }),
    );
    let send = send.unwrap().value();
    cx.global().define_value(cx, "send", send).unwrap();
}

#[test]
fn values_are_cloned_with_their_identity_and_their_internals() {
    let script = r#"
        const out = [];
        const shared = { n: -0, nan: NaN, big: -12345678901234567890n, s: 'a\ud800', u: undefined, __proto__: null };
        Object.defineProperty(shared, '__proto__', { value: 'own', enumerable: true });
        const date = new Date(5), sparse = [1, , shared, , ];
        sparse.named = 'x';
        const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
        const value = {
            shared, sparse, date, regexp: /a\/(?<n>.)/gimsuyd, bool: Object(false), num: Object(7), str: Object('abc'), bigo: Object(1n),
            map: new Map([[shared, date], ['k', new Set([1, sparse])]]), buffer, view: new Uint16Array(buffer, 2, 1), data: new DataView(buffer, 1),
            error: new RangeError('no', { cause: 1 }), odd: Object.assign(new Error(), { name: 'Odd' }), blob: new Blob(['hi'], { type: 't' }),
            file: new File(['x'], 'f', { lastModified: 3 }), get computed() { return shared }, [Symbol('s')]: 1,
        };
        value.self = value;
        value.map.set('map', value.map);
        Map.prototype.set = Date.prototype.valueOf = Object.hasOwn = undefined;
        Object.defineProperty(Object.prototype, 'sneaky', { set() { out.push('setter') }, configurable: true });
        const c = structuredClone(value);
        out.push(c !== value, c.self === c, c.shared === c.sparse[2], c.computed === c.shared, c.map.get(c.shared) === c.date, c.map.get('map') === c.map);
        out.push(Object.is(c.shared.n, -0), c.shared.nan, c.shared.big, c.shared.s === 'a\ud800', 'u' in c.shared, c.shared.__proto__);
        out.push(c.sparse.length, 1 in c.sparse, c.sparse.named, c.map.get('k').has(c.sparse), c.date.getTime(), c.date instanceof Date);
        out.push(String(c.regexp), typeof c.bool, c.bool.valueOf(), c.num + 1, c.str.length, typeof c.bigo, c.buffer !== buffer);
        out.push(c.view.buffer === c.buffer, c.view[0], c.view.length, c.data.getUint8(0), c.data.byteLength);
        out.push(c.error instanceof RangeError, c.error.message, 'cause' in c.error, c.error.stack === value.error.stack, c.odd.name, 'message' in Object.getOwnPropertyDescriptors(c.odd));
        out.push(c.blob.size, c.blob.type, c.file.name, c.file.lastModified, c.file instanceof File, Reflect.ownKeys(c).length === Object.keys(value).length);
        tell(out.join())"#;
    let expected = "true,true,true,true,true,true,true,NaN,-12345678901234567890,true,true,own,\
                    4,false,x,true,5,true,/a\\/(?<n>.)/dgimsuy,object,false,8,3,object,true,\
                    true,1027,1,2,3,true,no,false,true,Error,false,2,t,f,3,true,true";
    assert_eq!(run(script), expected);
}

#[test]
fn what_cannot_be_cloned_is_said_and_what_a_getter_throws_is_thrown() {
    let script = "
        const out = [], own = {}, gone = new ArrayBuffer(8, { maxByteLength: 8 });
        const shrunk = new Uint8Array(gone, 4, 2), view = new DataView(gone, 4);
        gone.resize(2);
        const bad = [Symbol(), () => {}, new WeakMap(), Promise.resolve(), globalThis, new EventTarget(), new Proxy({}, {}), [].values(),
            new MessageChannel().port1, { a: [class {}] }, new Event('x'), new WeakRef(own),
            new Blob().stream(), shrunk, view];
        for (const value of bad)
            try { structuredClone(value); out.push('cloned ' + String(value)) } catch (e) { if (e.name !== 'DataCloneError') out.push(e) }
        try { structuredClone({ get a() { throw own } }) } catch (e) { out.push(e === own) }
        let deep = [];
        for (let i = 0; i < 50000; i++) deep = [deep];
        let depth = 0;
        for (let at = structuredClone(deep); at.length; at = at[0]) depth++;
        out.push(depth);
        const detached = new ArrayBuffer(4);
        const moved = structuredClone([detached, new Uint8Array(detached)], { transfer: [detached] });
        out.push(detached.detached, moved[0].byteLength, moved[1].buffer === moved[0]);
        for (const [value, ...transfer] of [[detached], [0, detached], [0, {}], [0, new Blob()], [0, moved[0], moved[0]]])
            try { structuredClone(value, { transfer }); out.push('moved') } catch (e) { out.push(e.name) }
        const resizable = structuredClone(new ArrayBuffer(2, { maxByteLength: 8 }));
        out.push(resizable.resizable, resizable.maxByteLength, moved[0].detached);
        for (const [length, maxByteLength] of [[4, 8], [8, 8]]) {
            const buffer = new ArrayBuffer(length, { maxByteLength });
            new Uint8Array(buffer).fill(7);
            const [follows, fixed, data] = structuredClone([new Uint16Array(buffer, 2), new Uint8Array(buffer, 0, length), new DataView(buffer, 1)]);
            out.push(follows.length, fixed[length - 1], data.byteLength, new Uint8Array(buffer).every(b => b === 7));
            follows.buffer.resize(follows.buffer === data.buffer ? 6 : 0);
            out.push(follows.length, fixed.length, data.byteLength);
        }
        tell(out.join())";
    let expected = "true,50000,true,4,true,DataCloneError,DataCloneError,DataCloneError,DataCloneError,DataCloneError,\
                    true,8,false,1,7,3,true,2,4,5,3,7,7,true,2,0,5";
    assert_eq!(run(script), expected);
}

#[test]
fn messages_go_through_a_channel_in_order_and_ports_with_them() {
    let script = "
        const out = [], { port1, port2 } = new MessageChannel(), inner = new MessageChannel();
        port1.postMessage('before');
        port1.postMessage({ port: inner.port2 }, [inner.port2]);
        inner.port1.postMessage('queued');
        inner.port1.onmessage = e => { out.push('answer ' + e.data); port1.close(); };
        port2.onclose = () => { out.push('closed'); tell(out.join()); };
        port2.onmessage = e => {
            out.push(e.data.port ? 'port' : e.data, e.isTrusted, e.ports.length, Object.isFrozen(e.ports), e.source, e.origin === '');
            if (!e.data.port) return;
            out.push(e.data.port === e.ports[0], e.ports === e.ports);
            e.ports[0].onmessage = ({ data, target }) => { out.push(data); target.postMessage('yes', { transfer: [] }); };
        };
        try { port1.postMessage(0, [port1]) } catch (e) { out.push(e.name) }
        try { inner.port2.postMessage('lost'); port1.postMessage(0, [inner.port2]) } catch (e) { out.push(e.name) }
        try { port1.postMessage() } catch (e) { out.push(e.name) }";
    let expected = "DataCloneError,DataCloneError,TypeError,before,true,0,true,,true,port,true,1,true,,true,true,true,\
                    queued,answer yes,closed";
    assert_eq!(run(script), expected);
}

#[test]
fn a_port_goes_to_another_realm_and_back() {
    let other = "function received({ port }) {
        port.onmessage = e => port.postMessage({ echo: e.data, at: e.ports.length }, e.ports);
    }";
    let script = "
        const out = [], { port1, port2 } = new MessageChannel(), second = new MessageChannel();
        port1.postMessage({ n: 1, blob: new Blob(['abc']) });
        send({ port: port2 }, [port2]);
        port1.postMessage('second', [second.port2]);
        port1.onmessage = e => {
            out.push(JSON.stringify(e.data), e.data.echo.blob?.size);
            if (!e.ports.length) return;
            e.ports[0].postMessage('round');
            second.port1.onmessage = e => { out.push(e.data); tell(out.join(' ')); };
        }";
    let user_agent = UserAgent::new();
    let page = user_agent.page("https://site.example/", "");
    page.realm.queue_task(move |cx| define_other(cx, other));
    page.run(script);
    assert_eq!(
        page.told(),
        "{\"echo\":{\"n\":1,\"blob\":{}},\"at\":0} 3 {\"echo\":\"second\",\"at\":1}  round"
    );
}

#[test]
fn a_port_is_told_when_the_other_is_dropped_however_deep_it_was() {
    let script = "
        const out = [];
        let { port1, port2 } = new MessageChannel();
        const keep = [port1];
        for (let i = 0; i < 20000; i++) {
            const next = new MessageChannel();
            next.port1.postMessage(0, [port2]);
            port2 = next.port2;
            keep.push(next.port1);
        }
        port1.onclose = () => tell('closed');
        // The last is garbage, and with it all that are in its messages.
        port2 = null;";
    assert_eq!(run(script), "closed");
}

#[test]
fn message_events_are_made_by_scripts_too() {
    let script = "
        const { port1 } = new MessageChannel();
        const event = new MessageEvent('x', { data: 1, origin: 'o', lastEventId: 'l', source: port1, ports: [port1] });
        const out = [event.data, event.origin, event.lastEventId, event.source === port1, event.ports[0] === port1, event.isTrusted];
        event.initMessageEvent('y', true, false, 2, 'p', 'm', window, []);
        out.push(event.type, event.data, event.source === globalThis, event.ports.length, new MessageEvent('z').data);
        try { new MessageEvent('x', { source: {} }) } catch (e) { out.push(e.name) }
        try { new MessageEvent('x', { ports: [{}] }) } catch (e) { out.push(e.name) }
        try { new MessagePort() } catch (e) { out.push(e.name) }
        tell(out.join())".replace("window,", "globalThis,");
    let expected = "1,o,l,true,true,false,y,2,true,0,,TypeError,TypeError,TypeError";
    assert_eq!(run(&script), expected);
}

#[test]
fn a_window_sends_messages_to_itself() {
    let script = "
        const out = [], { port1, port2 } = new MessageChannel();
        onmessage = e => {
            out.push(e.data, e.origin, e.source === window, e.ports.length, e.target === window);
            if (e.data === 'last') tell(out.join());
        };
        postMessage('other', 'https://other.example');
        postMessage(1);
        postMessage(2, 'https://site.example/anywhere', [port1]);
        postMessage('last', { targetOrigin: '*', transfer: [port2] });
        try { postMessage(3, 'nowhere') } catch (e) { out.push(e.name) }
        try { postMessage(4, '*', [port1]) } catch (e) { out.push(e.name) }
        out.push(postMessage.length);";
    let site = "https://site.example";
    let expected = format!(
        "SyntaxError,DataCloneError,1,1,{site},true,0,true,2,{site},true,1,true,last,{site},true,1,true"
    );
    assert_eq!(run(script), expected);
}
