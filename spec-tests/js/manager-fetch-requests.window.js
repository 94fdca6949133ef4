// META: title=BackgroundFetchManager.fetch(): what may be requested
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-manager-fetch

promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', []));
  await promise_rejects_js(t, TypeError, manager.fetch('id'));
  await promise_rejects_js(t, TypeError, manager.fetch());
}, 'no requests, and no argument, reject with TypeError');

for (const [given, path] of [[null, 'null'], [undefined, 'undefined'], [5, '5'], ['', '']]) {
  promise_test(async t => {
    const url = async event => (await event.registration.matchAll())[0].request.url;
    const {manager, event} = await worker(t, {backgroundfetchfail: url, backgroundfetchsuccess: url});
    await manager.fetch('id', given);
    assert_equals((await event()).value, new URL(path, location).href);
  }, `requests ${given === '' ? "''" : given}: a URL string that is resolved with the page's`);
}

promise_test(async t => {
  const {manager, event} = await worker(t);
  const urls = [bytes({n: 1}), bytes({n: 2})];
  for (const requests of [new Set(urls), urls, urls.map(url => new Request(url)), [urls[0], new Request(urls[1])],
                          (function* () { yield* urls; })()]) {
    const registration = await manager.fetch('id', requests);
    assert_array_equals((await registration.matchAll()).map(({request}) => request.url), urls);
    await event();
  }
}, 'any iterable of URLs and Requests works');

promise_test(async t => {
  const {manager} = await worker(t);
  let got = 0;
  const requests = {get [Symbol.iterator]() { got++; return [][Symbol.iterator].bind([bytes()]); }};
  await manager.fetch('id', requests);
  assert_equals(got, 1);
}, 'an iterable is asked once for its iterator');

promise_test(async t => {
  const {manager} = await worker(t);
  const iterable = {[Symbol.iterator]: () => { throw new RangeError(); }};
  await promise_rejects_js(t, RangeError, manager.fetch('id', iterable));
  await promise_rejects_js(t, TypeError, manager.fetch('id', [Symbol()]));
}, 'an iterable that throws, and what is no string, reject');

promise_test(async t => {
  const {manager} = await worker(t);
  const url = bytes();
  const registration = await manager.fetch('id', [url, url]);
  assert_equals((await registration.matchAll(url)).length, 2);
  await finished(registration);
  assert_equals(registration.downloaded, 20);
}, 'the same URL twice is two records');

promise_test(async t => {
  const {manager} = await worker(t);
  for (const url of [bytes(), bytes({}, elsewhere())])
    await promise_rejects_js(t, TypeError, manager.fetch('id', [bytes(), new Request(url, {mode: 'no-cors'})]));
  assert_array_equals(await manager.getIds(), []);
}, 'a Request with the mode no-cors rejects with TypeError, to the same and to another origin');

// That browser ignores the mode.
promise_test(async t => {
  const {manager, event} = await worker(t);
  await manager.fetch('id', new Request(bytes({cors: 1}, elsewhere()), {mode: 'same-origin'}));
  const {type, failureReason} = await event();
  assert_equals(type, 'backgroundfetchfail');
  assert_equals(failureReason, 'fetch-error');
}, 'the mode same-origin to another origin registers, and the record fails');

promise_test(async t => {
  const {manager} = await worker(t);
  for (const url of ['http://user:pass@localhost/', 'http://', 'http://a:b:c/'])
    await promise_rejects_js(t, TypeError, manager.fetch('id', url), url);
}, 'a URL with credentials, or that cannot be parsed, rejects with TypeError');

promise_test(async t => {
  const {manager} = await worker(t);
  for (const url of ['data:,x', `blob:${location.origin}/00000000-0000-4000-8000-000000000000`, 'file:///x', 'ftp://localhost/', 'wss://localhost/', 'about:blank', 'chrome://x/'])
    await promise_rejects_js(t, TypeError, manager.fetch('id', [bytes(), url]), url);
  assert_array_equals(await manager.getIds(), []);
}, 'other schemes than http and https reject with TypeError; one bad of many rejects all');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', 'http://site.invalid/');
  assert_equals(registration.result, '');
}, 'http: to another host registers from a page that is no https page itself');

promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', 'http://localhost:25/'));
}, 'a port that is not allowed rejects with TypeError');

promise_test(async t => {
  const {manager, event} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', `${bytes()}&a=\n<b`));
  await manager.fetch('id', `${bytes()}&a=\nb`);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
  await manager.fetch('id', `${bytes()}&a=<b`);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'a URL with a newline and \'<\' rejects with TypeError, one with either is fine');

promise_test(async t => {
  const {manager} = await worker(t);
  const request = new Request(bytes(), {method: 'POST', body: 'x'});
  await request.text();
  await promise_rejects_js(t, TypeError, manager.fetch('id', request));
}, 'a Request whose body was used rejects with TypeError');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const request = new Request('/handlers/echo', {method: 'POST', body: 'hello'});
  const registration = await manager.fetch('id', request);
  assert_true(request.bodyUsed);
  assert_equals(registration.uploadTotal, 5);
  await Promise.all([event(), finished(registration)]);
  assert_equals(registration.uploaded, 5);
}, 'a POST Request has its body used afterwards, and is uploaded');

// That browser drops the body and succeeds.
promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      const [record] = await registration.matchAll();
      return (await record.responseReady).json();
    },
  });
  const body = new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('streamed'));
      controller.close();
    },
  });
  const registration = await manager.fetch('id', new Request('/handlers/echo', {method: 'POST', body, duplex: 'half'}));
  assert_equals(registration.uploadTotal, 8);
  const {value} = await event();
  assert_equals(value.body, 'streamed');
}, 'a POST with a ReadableStream as its body sends what the stream gives');

promise_test(async t => {
  const {manager} = await worker(t);
  const body = new ReadableStream({pull(controller) { controller.error(new RangeError()); }});
  const request = new Request('/handlers/echo', {method: 'POST', body, duplex: 'half'});
  await promise_rejects_js(t, TypeError, manager.fetch('id', request));
  assert_array_equals(await manager.getIds(), []);
}, 'a body whose stream fails rejects with TypeError');

for (const [name, body, length] of [
  ['a string', 'text', 4], ['a Blob', new Blob(['blobs']), 5], ['a buffer', new Uint8Array(6), 6],
  ['URLSearchParams', new URLSearchParams('a=b&c=d'), 7],
]) {
  promise_test(async t => {
    const {manager, event} = await worker(t, {
      backgroundfetchsuccess: async ({registration}) => {
        const [record] = await registration.matchAll();
        const echoed = await (await record.responseReady).json();
        return [echoed.method, echoed.length, (await record.request.arrayBuffer()).byteLength];
      },
    });
    await manager.fetch('id', new Request('/handlers/echo', {method: 'PUT', body}));
    assert_array_equals((await event()).value, ['PUT', length, length]);
  }, `an upload of ${name}: the server gets it, and the record has it`);
}

promise_test(async t => {
  const {manager, event} = await worker(t);
  const controller = new AbortController();
  await manager.fetch('id', new Request(bytes(), {signal: AbortSignal.abort()}));
  assert_equals((await event()).type, 'backgroundfetchsuccess');
  const url = bytes({hold: 'head'});
  await manager.fetch('id', new Request(url, {signal: controller.signal}));
  controller.abort();
  await release(url);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'the signal of a Request is not looked at: aborted before or later');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const url = bytes();
  await manager.fetch('id', new Request(url, {headers: {'X-Author': 'yes'}}));
  await event();
  const [{method, headers}] = await seen(url);
  assert_equals(method, 'GET');
  assert_equals(headers['x-author'], 'yes');
}, 'the author\'s headers are sent');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const from = elsewhere();
  for (const [url, type, reason] of [
    [bytes({cors: 1}, from), 'backgroundfetchsuccess', ''],
    [bytes({}, from), 'backgroundfetchfail', 'fetch-error'],
    [`/handlers/redirect?${new URLSearchParams({to: bytes()})}`, 'backgroundfetchsuccess', ''],
    [`/handlers/redirect?${new URLSearchParams({to: bytes({cors: 1}, from)})}`, 'backgroundfetchsuccess', ''],
    [`/handlers/redirect?${new URLSearchParams({to: bytes({}, from)})}`, 'backgroundfetchfail', 'fetch-error'],
  ]) {
    const registration = await manager.fetch('id', url);
    const [told] = await Promise.all([event(), finished(registration)]);
    assert_equals(told.type, type, url);
    assert_equals(told.failureReason, reason, url);
    assert_equals(registration.downloaded, reason ? 0 : 10, url);
  }
}, 'CORS is checked, before and after redirects; a failed check is "fetch-error" and no byte counts');
