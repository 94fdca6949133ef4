// META: title=BackgroundFetchRecord
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-record-interface

// That browser waits until the file is complete.
promise_test(async t => {
  const {manager} = await worker(t);
  const url = bytes({length: 100, hold: 40});
  const registration = await manager.fetch('id', url);
  const [record] = await registration.matchAll();
  const response = await record.responseReady;
  assert_equals(response.status, 200);
  assert_equals(response.url, url);
  const reader = response.body.getReader();
  let text = '';
  while (text.length < 40) text += new TextDecoder().decode((await reader.read()).value);
  assert_equals(text, '0123456789'.repeat(4));
  assert_equals(registration.result, '');
  await release(url);
  for (let read; !(read = await reader.read()).done;) text += new TextDecoder().decode(read.value);
  assert_equals(text, '0123456789'.repeat(10));
  await finished(registration);
}, 'responseReady of a loading record resolves with its headers, and the body streams while bytes arrive');

promise_test(async t => {
  const {manager} = await worker(t);
  const url = bytes({hold: 'head'});
  const registration = await manager.fetch('id', [bytes(), url]);
  const records = await registration.matchAll();
  assert_equals(await (await records[0].responseReady).text(), '0123456789');
  assert_equals(registration.result, '');
  await assert_pending(records[1].responseReady, 'the other');
  await release(url);
  assert_equals(await (await records[1].responseReady).text(), '0123456789');
}, 'responseReady waits for its own response, not for the whole fetch');

// That browser's stays pending.
promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  const [record] = await registration.matchAll();
  await event();
  await gone(registration);
  assert_equals(await (await record.responseReady).text(), '0123456789');
}, 'responseReady that is first read after the records are gone: whoever holds the record has its bytes');

// That browser's stays pending in the page.
promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchabort: async ({registration}) => {
      const [record] = await registration.matchAll();
      return record.responseReady.then(() => 'fulfilled', error => error.name);
    },
  });
  const registration = await manager.fetch('id', bytes({hold: 'head'}));
  const [record] = await registration.matchAll();
  const rejected = promise_rejects_dom(t, 'AbortError', record.responseReady);
  await registration.abort();
  await rejected;
  assert_equals((await event()).value, 'AbortError');
}, 'responseReady that is pending when abort() comes rejects with AbortError, in the page and in the worker');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({length: 1000, hold: 500}));
  const [record] = await registration.matchAll();
  const response = await record.responseReady;
  const read = outcome(response.text());
  await registration.abort();
  assert_not_equals(await read, 'fulfilled');
}, 'a body that is read when abort() comes is an error, and not a short body');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchfail: async ({registration}) => {
      const [missing, unreachable] = await registration.matchAll();
      const response = await missing.responseReady;
      return [response.status, response.ok, await response.text(), response.headers.get('content-type'),
              await unreachable.responseReady.catch(error => error.name)];
    },
  });
  const from = elsewhere();
  await manager.fetch('id', [bytes({status: 404}), bytes({}, from)]);
  assert_array_equals((await event()).value, [404, false, '0123456789', 'text/plain', 'TypeError']);
}, 'a 404 keeps its body readable; a record without a response rejects with TypeError');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      const [record] = await registration.matchAll();
      const {type, headers, url} = await record.responseReady;
      return [type, headers.get('x-shown'), headers.get('x-hidden')];
    },
  });
  await manager.fetch('id', bytes({cors: 1}, elsewhere()));
  assert_array_equals((await event()).value, ['cors', '1', null]);
}, 'a response from another origin is filtered: type "cors", and the headers that it exposes');

// That browser has the mode "no-cors", the credentials "omit" and the defaults for the rest.
promise_test(async t => {
  const {manager} = await worker(t);
  const url = `${bytes({hold: 'head'})}#fragment`;
  const request = new Request(url, {
    method: 'POST', body: 'body', headers: {'X-Author': 'yes'}, mode: 'cors', credentials: 'include', cache: 'no-store',
    redirect: 'follow', referrerPolicy: 'origin',
  });
  const registration = await manager.fetch('id', request);
  const [{request: kept}] = await registration.matchAll();
  for (const name of ['method', 'url', 'mode', 'credentials', 'cache', 'redirect', 'referrerPolicy'])
    assert_equals(kept[name], request[name], name);
  assert_equals(kept.headers.get('X-Author'), 'yes');
  assert_equals(await kept.text(), 'body');
}, 'record.request has what was asked: method, URL with its fragment, headers, body, mode, credentials, cache');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      const records = await registration.matchAll();
      return Promise.all(records.map(async record => (await (await record.responseReady).blob()).size));
    },
  });
  await manager.fetch('id', [bytes({length: 0}), bytes({length: 300_000})]);
  assert_array_equals((await event()).value, [0, 300_000]);
}, 'empty and larger bodies are whole');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      const cache = await caches.open('kept');
      for (const {request, responseReady} of await registration.matchAll()) await cache.put(request, await responseReady);
      return (await cache.keys()).length;
    },
  });
  const url = bytes();
  await manager.fetch('id', url);
  assert_equals((await event()).value, 1);
  assert_equals(await (await caches.match(url)).text(), '0123456789');
  await caches.delete('kept');
}, 'the worker keeps a response in caches');
