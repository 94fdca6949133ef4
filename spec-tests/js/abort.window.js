// META: title=BackgroundFetchRegistration.abort()
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-registration-abort

const outcomes = {
  backgroundfetchabort: async ({registration}) => {
    const records = await registration.matchAll();
    return Promise.all(records.map(({responseReady}) => responseReady.then(r => r.text(), error => error.name)));
  },
};

promise_test(async t => {
  const {manager, event} = await worker(t, outcomes);
  const held = bytes({length: 100, hold: 50});
  const registration = await manager.fetch('id', [bytes(), held]);
  await until(registration, ({downloaded}) => downloaded === 60);
  const [first, second] = await Promise.all([registration.abort(), registration.abort()]);
  assert_true(first);
  assert_false(second);
  assert_equals(await manager.get('id'), undefined);
  await finished(registration);
  assert_equals(registration.result, 'failure');
  assert_equals(registration.failureReason, 'aborted');
  const told = await event();
  assert_equals(told.type, 'backgroundfetchabort');
  assert_equals(told.event, 'BackgroundFetchEvent');
  assert_equals(told.failureReason, 'aborted');
  assert_equals(told.value[0], '0123456789');
}, 'abort() during: true, a second call in the same tick false; the abort event; finished records stay readable in it');

promise_test(async t => {
  const {manager, event} = await worker(t, outcomes);
  const urls = [bytes({hold: 'head'}), bytes({hold: 'head'})];
  const registration = await manager.fetch('id', urls);
  assert_true(await registration.abort());
  assert_array_equals((await event()).value, ['AbortError', 'AbortError']);
}, 'abort() before anything arrived: the records reject with AbortError');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  await event();
  assert_false(await registration.abort());
  await gone(registration);
  assert_false(await registration.abort());
  assert_equals(registration.result, 'success');
}, 'abort() after the end is false, and changes nothing');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchabort: async () => {
      const usage = async () => (await navigator.storage.estimate()).usage;
      const stored = await usage();
      await wait(200);
      return [stored, await usage()];
    },
  });
  const url = bytes({length: 1_000_000, rate: 100_000});
  const registration = await manager.fetch('id', url);
  await until(registration, ({downloaded}) => downloaded > 0);
  assert_true(await registration.abort());
  await cut(url);
  assert_less_than((await connection(url)).sent, 1_000_000);
  const [stored, later] = (await event()).value;
  assert_greater_than(stored, 0);
  assert_equals(later, stored);
}, 'abort(): the connection is closed, and nothing more is stored');

// In that browser `downloaded` falls to the bytes of the finished files. The specification counts what is stored.
promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', [bytes(), bytes({length: 100, hold: 50})]);
  await until(registration, ({downloaded}) => downloaded === 60);
  await registration.abort();
  await finished(registration);
  assert_equals(registration.downloaded, 60);
}, 'abort(): downloaded keeps the bytes of the file that was cut off');

promise_test(async t => {
  const {manager, event, told} = await worker(t);
  const registration = await manager.fetch('id', [bytes({status: 404}), bytes({hold: 'head'})]);
  await wait(20);
  const aborted = await registration.abort();
  const {type} = await event();
  assert_equals(type, aborted ? 'backgroundfetchabort' : 'backgroundfetchfail');
  await wait(50);
  assert_equals(told.length, 0);
}, 'exactly one event, whatever ends first');

promise_test(async t => {
  const {registration, manager, event} = await worker(t);
  const fetched = await manager.fetch('id', bytes({hold: 'head'}));
  assert_true(await inWorker(registration, async () => (await registration.backgroundFetch.get('id')).abort()));
  await finished(fetched);
  assert_equals(fetched.failureReason, 'aborted');
  assert_equals((await event()).type, 'backgroundfetchabort');
}, 'the worker aborts what the page began');
