// META: title=downloadTotal
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#complete-a-record

const bodies = {
  backgroundfetchfail: async ({registration}) => {
    const records = await registration.matchAll();
    return Promise.all(records.map(async record => {
      try {
        const response = await record.responseReady;
        return [response.status, (await response.text()).length];
      } catch (error) {
        return error.name;
      }
    }));
  },
};

for (const [name, options] of [['known', {}], ['not known', {chunked: 1}]]) {
  // That browser stops at the next progress, goes back to 0 and leaves an empty body of status 200. Here the record has no
  // response, as the specification says of every one that failed so.
  promise_test(async t => {
    const {manager, event} = await worker(t, bodies);
    const registration = await manager.fetch('id', bytes({length: 50_000, ...options}), {downloadTotal: 10_000});
    const told = await event();
    assert_equals(told.type, 'backgroundfetchfail');
    assert_equals(told.failureReason, 'download-total-exceeded');
    assert_less_than_equal(told.downloaded, 10_000);
    assert_array_equals(told.value, ['TypeError']);
    await finished(registration);
    assert_less_than_equal(registration.downloaded, 10_000);
  }, `downloadTotal exceeded, the length ${name}: no byte over it is kept`);
}

promise_test(async t => {
  const {manager, event} = await worker(t, bodies);
  await manager.fetch('id', bytes({length: 11}), {downloadTotal: 10});
  const told = await event();
  assert_equals(told.failureReason, 'download-total-exceeded');
  assert_less_than_equal(told.downloaded, 10);
  assert_array_equals(told.value, ['TypeError']);
}, 'downloadTotal exceeded by a small file');

// In that browser the first is a race, and the third is never requested: it fetches one after the other.
promise_test(async t => {
  const {manager, event} = await worker(t, bodies);
  const held = bytes({length: 100, hold: 'head'});
  const third = bytes({hold: 'head'});
  const registration = await manager.fetch('id', [bytes({length: 60}), held, third], {downloadTotal: 100});
  await until(registration, ({downloaded}) => downloaded === 60);
  await requested(third);
  await release(held);
  const {failureReason, value} = await event();
  assert_equals(failureReason, 'download-total-exceeded');
  assert_array_equals(value[0], [200, 60]);
  assert_equals(value[2], 'AbortError');
  await cut(third);
}, 'downloadTotal exceeded by the second: the first that is finished stays readable, the third is cut off');

promise_test(async t => {
  const {manager, event} = await worker(t, bodies);
  const missing = bytes({status: 404, hold: 'head'});
  const held = bytes({length: 50, hold: 'head'});
  await manager.fetch('id', [held, missing], {downloadTotal: 20});
  await requested(missing);
  await release(held);
  const {failureReason, value} = await event();
  assert_equals(failureReason, 'download-total-exceeded');
  assert_equals(value[1], 'AbortError');
  await cut(missing);
}, 'downloadTotal exceeded before a 404: it is the reason, and ends the other');

// In that browser an exceeded downloadTotal wins. Here it is the first failure in time (errata 1).
promise_test(async t => {
  const {manager, event} = await worker(t, bodies);
  const held = bytes({length: 50, hold: 'head'});
  const registration = await manager.fetch('id', [bytes({status: 404}), held], {downloadTotal: 20});
  const [missing] = await registration.matchAll();
  await (await missing.responseReady).text();
  await release(held);
  const {failureReason, value} = await event();
  assert_equals(failureReason, 'bad-status');
  assert_array_equals(value[0], [404, 10]);
}, 'downloadTotal exceeded after a 404: the 404 is the reason');

for (const [name, total] of [['exactly', 10], ['less than', 11], ['no limit, which is 0: more than', 0]]) {
  promise_test(async t => {
    const {manager, event} = await worker(t);
    await manager.fetch('id', bytes(), {downloadTotal: total});
    const told = await event();
    assert_equals(told.type, 'backgroundfetchsuccess');
    assert_equals(told.downloadTotal, total);
    assert_equals(told.downloaded, 10);
  }, `${name} downloadTotal is success`);
}
