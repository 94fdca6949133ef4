// META: title=Updates, unregister(), and workers that come and go
// META: script=/resources/helpers.js

'use strict';

promise_test(async t => {
  const {registration, manager, event} = await worker(t, {backgroundfetchsuccess: () => 'old'});
  const url = bytes({length: 100, hold: 50});
  await manager.fetch('id', url);
  const old = registration.active;
  await navigator.serviceWorker.register(workerUrl({backgroundfetchsuccess: () => 'new'}), {scope: registration.scope});
  while (registration.active === old || registration.active.state !== 'activated') await wait(5);
  await release(url);
  const {type, value} = await event();
  assert_equals(type, 'backgroundfetchsuccess');
  assert_equals(value, 'new');
}, 'the service worker is updated while it goes on: it goes on, and the active worker gets the event');

// In that browser getIds() rejects with AbortError afterwards, and the page's object keeps recordsAvailable.
promise_test(async t => {
  const {registration, manager, told} = await worker(t);
  const {scope} = registration;
  const url = bytes({length: 100, hold: 50});
  const fetched = await manager.fetch('id', url);
  let progress = 0;
  await until(fetched, ({downloaded}) => downloaded === 50);
  fetched.onprogress = () => ++progress;
  assert_true(await registration.unregister());
  await cut(url);
  await gone(fetched);
  assert_false(await fetched.abort());
  await wait(50);
  assert_equals(fetched.result, '');
  assert_equals(progress, 0);
  assert_equals(told.length, 0);
  await promise_rejects_dom(t, 'InvalidStateError', fetched.matchAll());
  // While it is cleared, what is called rejects with AbortError (errata 26).
  while (await outcome(manager.getIds()) === 'AbortError') await wait(5);
  assert_array_equals(await manager.getIds(), []);
  const again = await navigator.serviceWorker.register(workerUrl(), {scope});
  t.add_cleanup(() => again.unregister());
  await activated(again);
  assert_array_equals(await again.backgroundFetch.getIds(), []);
  await again.backgroundFetch.fetch('id', bytes({hold: 'head'}));
}, 'unregister() while it goes on: the connection is cut, no event, no progress, nothing to abort; registered again, the list is empty, the id free');

promise_test(async t => {
  const {registration, manager} = await worker(t);
  const fetched = await manager.fetch('id', bytes({hold: 'head'}));
  const [record] = await fetched.matchAll();
  const rejected = promise_rejects_dom(t, 'AbortError', record.responseReady);
  await registration.unregister();
  await rejected;
}, 'unregister(): a pending responseReady rejects with AbortError');

// That browser refuses it: the specification does not.
promise_test(async t => {
  const {registration, event} = await worker(t);
  const id = await inWorker(registration, async url => (await registration.backgroundFetch.fetch('id', url)).id, bytes());
  assert_equals(id, 'id');
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'fetch() called inside the service worker resolves');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => {
      if (event.registration.id !== 'first') return;
      await registration.backgroundFetch.fetch('second', '/handlers/bytes?key=second');
    },
  });
  await manager.fetch('first', bytes());
  assert_equals((await event()).id, 'first');
  assert_equals((await event()).id, 'second');
}, 'a handler begins the next background fetch');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const url = bytes({length: 100, hold: 50});
  await manager.fetch('id', url);
  const dedicated = new Worker('/resources/closing-worker.js');
  await new Promise(resolve => dedicated.onmessage = resolve);
  dedicated.terminate();
  await release(url);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'another realm of the origin that ends in the middle changes nothing');
