// META: title=BackgroundFetchRegistration: attributes and progress
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-registration

promise_test(async t => {
  const {manager} = await worker(t);
  const url = bytes({hold: 'head'});
  const registration = await manager.fetch('id', url, {downloadTotal: 100});
  const expect = (values) => {
    for (const [name, value] of Object.entries(values)) assert_equals(registration[name], value, name);
  };
  expect({id: 'id', uploadTotal: 0, uploaded: 0, downloadTotal: 100, downloaded: 0, result: '', failureReason: '',
          recordsAvailable: true});
  await release(url);
  await finished(registration);
  expect({downloaded: 10, result: 'success', failureReason: ''});
}, 'the attributes of a fetch that goes on, and of one that succeeded');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({length: 60_000, rate: 60_000}));
  const seen = [];
  await new Promise(resolve => registration.onprogress = event => {
    seen.push(registration.downloaded);
    assert_equals(event.type, 'progress');
    assert_equals(event.constructor, Event);
    assert_true(event.isTrusted);
    assert_false(event.bubbles || event.cancelable);
    if (registration.result) resolve();
  });
  assert_greater_than(seen.length, 2);
  assert_less_than(seen.length, 20);
  assert_array_equals(seen, [...seen].sort((a, b) => a - b));
  assert_equals(seen.at(-1), 60_000);
}, 'progress of a file that takes a second: a few events, never backwards');

// That browser fires one for each file.
promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', Array.from({length: 30}, () => bytes()));
  let events = 0;
  registration.addEventListener('progress', () => ++events);
  await finished(registration);
  assert_equals(registration.downloaded, 300);
  assert_less_than(events, 30);
}, 'progress of many small files is limited in time, not one event for each file');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({status: 404}));
  const last = await new Promise(resolve => registration.onprogress = () => {
    const {result, failureReason, recordsAvailable} = registration;
    if (result) resolve({result, failureReason, recordsAvailable});
  });
  assert_equals(last.result, 'failure');
  assert_equals(last.failureReason, 'bad-status');
  assert_true(last.recordsAvailable);
}, 'in the last progress event result and failureReason are set, and the records are available');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  const results = [];
  registration.onprogress = () => results.push(registration.result);
  await Promise.all([finished(registration), event()]);
  await gone(registration);
  assert_array_equals(results.filter(result => result), ['success']);
}, 'the page\'s progress with the result and the worker\'s event both come, once, in no fixed order');

promise_test(async t => {
  const {manager} = await worker(t);
  const body = 'u'.repeat(100_000);
  const registration = await manager.fetch('id', new Request('/handlers/echo', {method: 'POST', body}));
  assert_equals(registration.uploadTotal, 100_000);
  await finished(registration);
  assert_equals(registration.uploaded, 100_000);
  assert_greater_than(registration.downloaded, 0);
}, 'uploaded is uploadTotal once the answer is there');

for (const [name, options, failureReason] of [
  ['a 404 with a body', {status: 404}, 'bad-status'],
  ['a 500', {status: 500}, 'bad-status'],
  ['a body that is cut short once, and is no version to continue', {cut: 5}, ''],
]) {
  promise_test(async t => {
    const {manager} = await worker(t);
    const registration = await manager.fetch('id', bytes(options));
    await finished(registration);
    assert_equals(registration.failureReason, failureReason);
  }, `${name}: failureReason '${failureReason}'`);
}

promise_test(async t => {
  const {manager} = await worker(t);
  const url = bytes({length: 20_000, cut: 12_288, etag: 'v1'});
  const registration = await manager.fetch('id', url);
  await finished(registration);
  assert_equals(registration.result, 'success');
  assert_equals(registration.downloaded, 20_000);
  const [first, second] = await seen(url);
  assert_equals(first.headers.range, undefined);
  assert_equals(second.headers.range, 'bytes=12288-');
  assert_equals(second.headers['if-range'], '"v1"');
}, 'a body that is cut short goes on where it was, by Range and If-Range');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', [bytes(), bytes({status: 404}), bytes()]);
  const told = await event();
  assert_equals(told.type, 'backgroundfetchfail');
  assert_equals(told.failureReason, 'bad-status');
  await gone(registration);
}, 'one bad status of many fails the fetch');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  // Nobody holds it while it goes on, but for its listener.
  const told = new Promise(resolve => registration.onprogress = () => registration.result && resolve());
  await told;
  assert_throws_js(TypeError, () => new BackgroundFetchRegistration());
  assert_throws_js(TypeError, () => Reflect.get(BackgroundFetchRegistration.prototype, 'id', {}));
}, 'the attributes are for registrations alone');
