// META: title=The events of the service worker
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#events

for (const [name, url, type, event_] of [
  ['success', () => bytes(), 'backgroundfetchsuccess', 'BackgroundFetchUpdateUIEvent'],
  ['fail', () => bytes({status: 404}), 'backgroundfetchfail', 'BackgroundFetchUpdateUIEvent'],
  ['abort', () => bytes({hold: 'head'}), 'backgroundfetchabort', 'BackgroundFetchEvent'],
]) {
  promise_test(async t => {
    const {manager, event, told} = await worker(t, {[type]: event => ['updateUI' in event]});
    const registration = await manager.fetch('id', url());
    if (name === 'abort') await registration.abort();
    const first = await event();
    assert_equals(first.type, type);
    assert_equals(first.event, event_);
    assert_true(first.trusted);
    assert_false(first.bubbles || first.cancelable);
    assert_true(first.recordsAvailable);
    assert_equals(first.value[0], event_ === 'BackgroundFetchUpdateUIEvent');
    await gone(registration);
    assert_equals(told.length, 0);
  }, `${name}: exactly one event, a ${event_}, trusted, not bubbling, not cancelable`);
}

const twice = async event => {
  await event.updateUI({title: 'one', icons: [{src: '/icon.png'}]});
  return event.updateUI({title: 'two'}).then(() => 'fulfilled', error => error.name);
};

for (const [type, url] of [['backgroundfetchsuccess', () => bytes()], ['backgroundfetchfail', () => bytes({status: 404})]]) {
  promise_test(async t => {
    const {manager, event} = await worker(t, {[type]: twice});
    await manager.fetch('id', url());
    const {value, error} = await event();
    assert_equals(error, undefined);
    assert_equals(value, 'InvalidStateError');
  }, `updateUI() twice rejects with InvalidStateError: ${type}`);
}

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => [await event.updateUI(), await event.registration.recordsAvailable],
  });
  await manager.fetch('id', bytes());
  const {value, error} = await event();
  assert_equals(error, undefined);
  assert_array_equals(value, [undefined, true]);
}, 'updateUI() without an argument resolves');

promise_test(async t => {
  const {registration, manager, event} = await worker(t, {backgroundfetchsuccess: event => { self.kept = event; }});
  const fetched = await manager.fetch('id', bytes());
  await event();
  await gone(fetched);
  assert_equals(await inWorker(registration, () => self.kept.updateUI({title: 'late'}).catch(({name}) => name)),
                'InvalidStateError');
}, 'updateUI() after the event rejects with InvalidStateError');

promise_test(async t => {
  const {registration, manager, event} = await worker(t, {backgroundfetchsuccess: event => { self.kept = event; }});
  const fetched = await manager.fetch('id', bytes());
  await event();
  await gone(fetched);
  const told = await inWorker(registration, async () => {
    let during;
    addEventListener('backgroundfetchsuccess', event => { during = event.updateUI({title: 'x'}); }, {once: true});
    dispatchEvent(self.kept);
    const names = [];
    for (const update of [during, self.kept.updateUI({title: 'x'})])
      names.push(await update?.then(() => 'fulfilled', ({name}) => name));
    return [self.kept.isTrusted, ...names];
  });
  assert_array_equals(told, [false, 'InvalidStateError', 'InvalidStateError']);
}, 'updateUI() of an event that a script dispatches again rejects with InvalidStateError');

promise_test(async t => {
  const {registration, manager} = await worker(t);
  const fetched = await manager.fetch('id', bytes({hold: 'head'}));
  const told = await inWorker(registration, async () => {
    const fetched = await registration.backgroundFetch.get('id');
    const event = new BackgroundFetchUpdateUIEvent('backgroundfetchsuccess', {registration: fetched});
    const missing = [BackgroundFetchEvent, BackgroundFetchUpdateUIEvent].map(constructor => {
      try { new constructor('x', {}); } catch (error) { return error.name; }
    });
    return [event.isTrusted, event.registration === fetched, await event.updateUI().catch(({name}) => name), ...missing];
  });
  assert_array_equals(told, [false, true, 'InvalidStateError', 'TypeError', 'TypeError']);
}, 'an event that a script made is not trusted, and updates nothing');

promise_test(async t => {
  const {registration, manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      await new Promise(resolve => setTimeout(resolve, 100));
      return registration.recordsAvailable;
    },
  });
  const fetched = await manager.fetch('id', bytes());
  await finished(fetched);
  assert_true(fetched.recordsAvailable);
  assert_true((await event()).value);
  await gone(fetched);
}, 'recordsAvailable is true before, during, and while waitUntil() runs; false when the handler settles');

promise_test(async t => {
  const {manager, event} = await worker(t, {backgroundfetchsuccess: () => { throw new RangeError('thrown'); }});
  const registration = await manager.fetch('id', bytes());
  assert_equals((await event()).error.name, 'RangeError');
  await gone(registration);
  assert_equals(registration.result, 'success');
}, 'a handler that throws: the records go, as after one that does not');

const raw = source => `/resources/raw-worker.js?${encodeURIComponent(source)}`;

for (const [name, source] of [
  ['rejects', 'onbackgroundfetchsuccess = event => event.waitUntil(Promise.reject(1))'],
  ['throws', 'onbackgroundfetchsuccess = () => { throw 1; }'],
  ['does not call waitUntil()', 'onbackgroundfetchsuccess = () => {}'],
  ['does not exist', ''],
]) {
  promise_test(async t => {
    const registration = await navigator.serviceWorker.register(raw(source), {scope: `/scopes/${unique()}/`});
    t.add_cleanup(() => registration.unregister());
    await activated(registration);
    const fetched = await registration.backgroundFetch.fetch('id', bytes());
    await finished(fetched);
    assert_equals(fetched.result, 'success');
    await gone(fetched);
    await promise_rejects_dom(t, 'InvalidStateError', fetched.matchAll());
  }, `a handler that ${name}: the page sees success by progress, and the records go`);
}

promise_test(async t => {
  const {registration, manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => {
      const found = await event.registration.matchAll();
      return (await Promise.all(found.map(async ({responseReady}) => (await responseReady).text()))).join();
    },
  });
  await manager.fetch('id', [bytes(), bytes({length: 3})]);
  assert_equals((await event()).value, '0123456789,012');
}, 'the success event\'s registration has the records');
