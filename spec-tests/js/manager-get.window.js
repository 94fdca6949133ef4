// META: title=BackgroundFetchManager.get() and getIds()
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-manager-get

promise_test(async t => {
  const {manager} = await worker(t);
  assert_equals(await manager.get('unknown'), undefined);
  await promise_rejects_js(t, TypeError, manager.get(''));
  await promise_rejects_js(t, TypeError, manager.get());
}, 'get() of an unknown id is undefined; of \'\' and without argument it rejects with TypeError');

// That browser makes a new object each time.
promise_test(async t => {
  const {registration: {backgroundFetch}, manager} = await worker(t);
  const url = bytes({hold: 'head'});
  const registration = await manager.fetch('id', url);
  assert_equals(await manager.get('id'), registration);
  assert_equals(await backgroundFetch.get('id'), registration);
  let events = 0;
  (await manager.get('id')).onprogress = () => ++events;
  await release(url);
  await finished(registration);
  assert_greater_than(events, 0);
}, 'get() of a live id is the same object each time, which gets progress');

promise_test(async t => {
  const {registration, manager} = await worker(t);
  const url = bytes({hold: 'head'});
  await manager.fetch('id', url, {downloadTotal: 100});
  const seenThere = await inWorker(registration, async () => {
    const fetched = await registration.backgroundFetch.get('id');
    const again = await registration.backgroundFetch.get('id');
    return [fetched.id, fetched.downloadTotal, fetched === again, (await registration.backgroundFetch.getIds()).join()];
  });
  assert_array_equals(seenThere, ['id', 100, true, 'id']);
}, 'the worker gets the fetch of the page');

promise_test(async t => {
  const {registration, manager} = await worker(t);
  await inWorker(registration, async () => {
    await registration.backgroundFetch.fetch('of the worker', '/handlers/bytes?hold=head&key=get-of-worker');
  });
  const found = await manager.get('of the worker');
  assert_equals(found.id, 'of the worker');
  await release('/?key=get-of-worker');
  await finished(found);
}, 'the page gets the fetch of the worker, and its progress');

// That browser sorts them by id.
promise_test(async t => {
  const {manager, event} = await worker(t);
  for (const id of ['b', '10', 'a', '9']) await manager.fetch(id, bytes({hold: 'head'}));
  assert_array_equals(await manager.getIds(), ['b', '10', 'a', '9']);
  await (await manager.get('10')).abort();
  assert_array_equals(await manager.getIds(), ['b', 'a', '9']);
  await event();
  await manager.fetch('done', bytes());
  await event();
  assert_array_equals(await manager.getIds(), ['b', 'a', '9']);
}, 'getIds() has the live ids, the oldest first; finished and aborted ones leave');

promise_test(async t => {
  const {manager} = await worker(t);
  const fetched = manager.fetch('id', bytes({hold: 'head'}));
  const [found, ids] = await Promise.all([manager.get('id'), manager.getIds()]);
  assert_equals(found, await fetched);
  assert_array_equals(ids, ['id']);
}, 'get() and getIds() see the fetch() that was called before them');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => [
      await registration.backgroundFetch.get(event.registration.id),
      (await registration.backgroundFetch.getIds()).length,
      await event.registration.abort(),
    ],
  });
  await manager.fetch('id', bytes());
  assert_array_equals((await event()).value, [undefined, 0, false]);
}, 'while the success handler runs get() is undefined, getIds() is empty and abort() is false');

promise_test(async t => {
  const {registration} = await worker(t);
  assert_equals(registration.backgroundFetch, registration.backgroundFetch);
  assert_true(registration.backgroundFetch instanceof BackgroundFetchManager);
  assert_throws_js(TypeError, () => new BackgroundFetchManager());
  await promise_rejects_js(t, TypeError, BackgroundFetchManager.prototype.getIds.call({}));
}, 'registration.backgroundFetch is the same object each time, and is not made by scripts');
