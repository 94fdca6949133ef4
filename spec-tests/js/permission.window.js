// META: title=The permission
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-manager-fetch

promise_test(async t => {
  assert_equals((await navigator.permissions.query({name: 'background-fetch'})).state, 'granted');
}, 'it is granted, and nothing need be asked');

// That browser says denied, and fetches.
promise_test(async t => {
  const {manager} = await worker(t);
  t.add_cleanup(() => user.permission('granted'));
  user.permission('denied');
  assert_equals((await navigator.permissions.query({name: 'background-fetch'})).state, 'denied');
  const url = bytes();
  await promise_rejects_dom(t, 'NotAllowedError', manager.fetch('id', url));
  assert_array_equals(await seen(url), []);
  assert_array_equals(await manager.getIds(), []);
}, 'denied: fetch() rejects with NotAllowedError, and no request goes out');

promise_test(async t => {
  const {manager, event} = await worker(t);
  t.add_cleanup(() => user.permission('granted'));
  user.permission('prompt');
  const url = bytes();
  const registration = await manager.fetch('id', url);
  await wait(50);
  assert_array_equals(await seen(url), []);
  assert_equals(registration.result, '');
  assert_true(await registration.abort());
  assert_equals((await event()).type, 'backgroundfetchabort');
}, 'prompt: it waits for the user, and can be aborted');

promise_test(async t => {
  const {manager} = await worker(t);
  t.add_cleanup(() => user.permission('granted'));
  const url = bytes({hold: 'head'});
  const registration = await manager.fetch('id', url);
  user.permission('denied');
  await release(url);
  await finished(registration);
  assert_equals(registration.result, 'success');
}, 'denied while it goes on: it goes on');
