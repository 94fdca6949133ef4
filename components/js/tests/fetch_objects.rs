//! Headers, bodies, requests and responses, as scripts see them.

mod common;

use common::run;

/// Runs a script that may await, and tells what it returns.
fn run_async(script: &str) -> String {
    run(&format!(
        "(async () => {{ {script} }})().then(tell, error => tell('failed: ' + error));"
    ))
}

#[test]
fn headers_are_validated_guarded_sorted_and_combined() {
    let script = "
        const seen = [];
        const headers = new Headers([['b', ' 1 '], ['A', '2'], ['Set-Cookie', 'x=1'], ['set-cookie', 'y=2']]);
        headers.append('a', '3');
        seen.push([...headers].join(';'), headers.getSetCookie().join('+'), headers.get('B'));
        for (const wrong of [() => headers.append('a b', '1'), () => headers.set('a', '\\u{0}'),
                             () => new Headers({ [Symbol()]: 'a' }), () => headers.get(''), () => new Headers([['a']]), () => new Headers({ 'a': '\\u0100' }),
                             () => Response.error().headers.append('a', 'b')]) {
            try { wrong(); seen.push('no'); } catch (error) { seen.push(error.name); }
        }
        const guarded = new Request('/', { headers: { 'Cookie': 'a', 'X-Mine': '1', 'sec-x': '2', 'x-http-method': 'track' } });
        seen.push([...guarded.headers.keys()].join());
        const simple = new Request('/', { mode: 'no-cors', headers: { accept: 'x', 'x-mine': '1', 'content-type': 'text/html' } });
        seen.push([...simple.headers.keys()].join());
        seen.push([...new Response('', { headers: { 'set-cookie': 'a', b: 'c' } }).headers.keys()].join());
        // What changes while somebody iterates is seen.
        const iterated = [];
        const live = new Headers({ a: '1', b: '2' });
        for (const [name] of live) { iterated.push(name); live.delete('b'); if (name === 'a') live.append('c', '3'); }
        return seen.concat(iterated.join()).join('|');";
    let expected = "a,2, 3;b,1;set-cookie,x=1;set-cookie,y=2|x=1+y=2|1|TypeError|TypeError|TypeError|TypeError|TypeError|TypeError|\
                    TypeError|x-mine|accept|b,content-type|a,c";
    assert_eq!(run_async(script), expected);
}

#[test]
fn bodies_are_extracted_and_consumed_once() {
    let script = "
        const seen = [];
        const form = new FormData();
        form.append('name', 'value');
        form.append('file', new File(['abc'], 'a.txt', { type: 'text/x' }));
        const of = body => new Response(body);
        seen.push(await of('é').text(), (await of(new Uint8Array([1, 2]).buffer).bytes()).join('-'));
        seen.push((await of(new URLSearchParams('a=b c')).formData()).get('a'));
        const back = await of(form).formData();
        seen.push(back.get('name'), await back.get('file').text(), back.get('file').name, back.get('file').type);
        const blob = await of(new Blob(['x'], { type: 'text/y;z=1' })).blob();
        seen.push(blob.type, blob.size, (await of('{\"a\": [1]}').json()).a[0]);
        seen.push((await of('ab').arrayBuffer()).byteLength, await of(null).text() === '', of(null).body, of('x').body.locked);
        const used = of('x');
        const first = used.text();
        seen.push(used.bodyUsed, used.body.locked, await first);
        seen.push(await used.text().catch(error => error.name), await of('{').json().catch(error => error.name));
        seen.push(await of('x').formData().catch(error => error.name));
        const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104])); c.enqueue(new Uint8Array([105])); c.close(); } });
        seen.push(await of(stream).text());
        try { of(stream); } catch (error) { seen.push(error.name); }
        const strings = new ReadableStream({ start(c) { c.enqueue('no bytes'); c.close(); } });
        seen.push(await of(strings).text().catch(error => error.name));
        const broken = new ReadableStream({ start(c) { c.error('broken'); } });
        seen.push(await of(broken).blob().catch(error => error));
        return seen.join('|');";
    let expected = "é|1-2|b c|value|abc|a.txt|text/x|text/y;z=1|1|1|2|true||\
                    false|true|true|x|TypeError|SyntaxError|TypeError|hi|\
                    TypeError|TypeError|broken";
    assert_eq!(run_async(script), expected);
}

#[test]
fn what_a_script_does_to_the_prototypes_is_not_seen_when_a_body_is_read() {
    let script = "
        const chunk = new Uint8Array([104, 105]);
        const stream = new ReadableStream({ start(c) { c.enqueue(chunk); c.close(); } });
        Object.prototype.then = resolve => { delete Object.prototype.then; resolve('stolen'); };
        ReadableStream.prototype.getReader = null;
        Uint8Array.prototype[Symbol.iterator] = null;
        return await new Response(stream).text();";
    // The async function that returns a string is not bothered by `then` either.
    assert_eq!(run_async(script), "hi");
}

#[test]
fn copies_give_the_same_bytes() {
    let script = "
        const seen = [];
        const response = new Response('text', { status: 201, statusText: 'Made', headers: { a: 'b' } });
        const copy = response.clone();
        seen.push(copy.status, copy.statusText, copy.headers.get('a'), copy.headers !== response.headers);
        seen.push(await copy.text(), await response.text());
        const chunk = new Uint8Array([1, 2]);
        const streamed = new Response(new ReadableStream({ start(c) { c.enqueue(chunk); c.close(); } }));
        const second = streamed.clone();
        const [one, other] = [streamed, second].map(response => response.body.getReader());
        const [{ value: ours }, { value: theirs }] = [await one.read(), await other.read()];
        seen.push(ours === chunk, theirs !== chunk && theirs.join());
        try { streamed.clone(); } catch (error) { seen.push(error.name); }
        const bytes = new Response(new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([3])); c.close(); } }));
        const bytesCopy = bytes.clone();
        seen.push((await bytesCopy.bytes())[0] + (await bytes.bytes())[0]);
        const request = new Request('/x', { method: 'POST', body: 'b', headers: { c: 'd' } });
        const requestCopy = request.clone();
        seen.push(await request.text() + await requestCopy.text(), requestCopy.headers.get('content-type'));
        return seen.join('|');";
    let expected = "201|Made|b|true|text|text|true|1,2|TypeError|6|bb|text/plain;charset=UTF-8";
    assert_eq!(run_async(script), expected);
}

#[test]
fn requests_are_made_of_urls_requests_and_inits() {
    let script = "
        const seen = [];
        const plain = new Request('a?b#c');
        seen.push(plain.url, plain.method, plain.mode, plain.credentials, plain.cache, plain.redirect, plain.referrer);
        seen.push(plain.destination === '', plain.duplex, plain.keepalive, plain.signal.aborted, plain.bodyUsed, plain.body);
        const post = new Request(plain, { method: 'post', body: 'x', referrer: '/from', referrerPolicy: 'origin', integrity: 'sha256-x' });
        seen.push(post.method, post.referrer, post.referrerPolicy, post.integrity, post.headers.get('Content-Type'));
        const moved = new Request(post);
        seen.push(post.bodyUsed, moved.bodyUsed, await moved.text(), await post.text().catch(error => error.name));
        const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); c.close(); } });
        const streamed = new Request('/', { method: 'PUT', body: stream, duplex: 'half' });
        const proxied = new Request(streamed);
        seen.push(streamed.bodyUsed, streamed.body === stream, stream.locked, await proxied.text());
        for (const [input, init] of [
            ['http://user:pass@x/'], ['http://['], ['/', { mode: 'navigate' }], ['/', { method: 'CONNECT' }], ['/', { method: 'a b' }],
            ['/', { body: 'x' }], ['/', { method: 'POST', body: new ReadableStream() }], ['/', { cache: 'only-if-cached' }],
            ['/', { window: 1 }], ['/', { mode: 'no-cors', method: 'PUT' }], ['/', { referrer: 'http://[' }], [post],
        ]) {
            try { new Request(input, init); seen.push('no ' + input); } catch (error) { seen.push(error.name === 'TypeError' ? 't' : error); }
        }
        const controller = new AbortController();
        const followed = new Request(new Request('/', { signal: controller.signal })).clone();
        controller.abort('why');
        seen.push(followed.signal.aborted, followed.signal.reason);
        return seen.join('|');";
    let expected = "https://site.example/a?b#c|GET|cors|same-origin|default|follow|about:client|true|half|false|false|false|\
                    |POST|https://site.example/from|origin|sha256-x|text/plain;charset=UTF-8|true|false|x|TypeError|\
                    true|true|true|A|t|t|t|t|t|t|t|t|t|t|t|t|true|why";
    assert_eq!(run_async(script), expected);
}

#[test]
fn responses_are_made_by_scripts() {
    let script = "
        const seen = [];
        const error = Response.error();
        seen.push(error.type, error.status, error.statusText === '', error.ok, error.body);
        const redirect = Response.redirect('/there');
        seen.push(redirect.status, redirect.headers.get('location'), redirect.type);
        const json = Response.json({ a: 1 }, { status: 202 });
        seen.push(json.status, json.headers.get('content-type'), (await json.json()).a);
        const plain = new Response('x');
        seen.push(plain.status, plain.ok, plain.url === '', plain.redirected, plain.type, plain.headers.get('content-type'));
        for (const wrong of [() => new Response('', { status: 199 }), () => new Response('', { status: 600 }),
                             () => new Response('x', { status: 204 }), () => new Response('', { statusText: 'a\\n' }),
                             () => Response.redirect('/', 200), () => Response.redirect('http://['),
                             () => Response.json(undefined), () => Response.json(Symbol())]) {
            try { wrong(); seen.push('no'); } catch (error) { seen.push(error.name); }
        }
        seen.push(new Response(null, { status: 204 }).body, Response.json.length, Response.prototype.json.length);
        return seen.join('|');";
    let expected = "error|0|true|false||302|https://site.example/there|default|202|application/json|1|\
                    200|true|true|false|default|text/plain;charset=UTF-8|RangeError|RangeError|TypeError|TypeError|RangeError|\
                    TypeError|TypeError|TypeError||1|0";
    assert_eq!(run_async(script), expected);
}
