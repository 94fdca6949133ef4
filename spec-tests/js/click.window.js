// META: title=backgroundfetchclick
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#fire-a-background-fetch-click-event

promise_test(async t => {
  const {manager, event, told} = await worker(t, {backgroundfetchclick: event => 'updateUI' in event});
  const url = bytes({hold: 'head'});
  await manager.fetch('id', url);
  user.click('id');
  const clicked = await event();
  assert_equals(clicked.type, 'backgroundfetchclick');
  assert_equals(clicked.event, 'BackgroundFetchEvent');
  assert_equals(clicked.id, 'id');
  assert_equals(clicked.result, '');
  assert_true(clicked.trusted);
  assert_false(clicked.value);
  user.click('id');
  assert_equals((await event()).type, 'backgroundfetchclick');
  await release(url);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'a click while it goes on: an event each, without updateUI(), and the fetch goes on');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  await event();
  await gone(registration);
  user.click('id');
  const clicked = await event();
  assert_equals(clicked.type, 'backgroundfetchclick');
  assert_equals(clicked.result, 'success');
  assert_false(clicked.recordsAvailable);
}, 'a click when it is over: an event whose registration has no records');

promise_test(async t => {
  await worker(t);
  assert_throws_js(TypeError, () => user.click('unknown'));
}, 'what does not exist cannot be clicked');
