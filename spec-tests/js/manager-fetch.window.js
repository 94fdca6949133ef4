// META: title=BackgroundFetchManager.fetch(): ids, titles, icons, options
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-manager-fetch

promise_test(async t => {
  const {manager, event} = await worker(t);
  const url = bytes();
  const registration = await manager.fetch('one', url);
  assert_equals(registration.id, 'one');
  assert_equals(registration.result, '');
  assert_true(registration instanceof BackgroundFetchRegistration);
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'fetch() resolves with a registration, and the success event arrives');

promise_test(async t => {
  const url = bytes({hold: 'head'});
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', url);
  assert_equals(registration.downloaded, 0);
  assert_equals(registration.result, '');
  await release(url);
  await finished(registration);
}, 'fetch() resolves before any byte moves');

promise_test(async t => {
  const {manager} = await worker(t);
  const urls = Array.from({length: 200}, (_, index) => bytes({index}));
  const registration = await manager.fetch('many', urls);
  assert_equals((await registration.matchAll()).length, 200);
  await finished(registration);
  assert_equals(registration.downloaded, 2000);
}, 'fetch() of many small files has a record for each');

promise_test(async t => {
  const registration = await navigator.serviceWorker.register(workerUrl(), {scope: `/scopes/${unique()}/`});
  t.add_cleanup(() => registration.unregister());
  assert_equals(registration.active, null);
  const manager = registration.backgroundFetch;
  const fetched = manager.fetch('id', bytes());
  await promise_rejects_js(t, TypeError, fetched);
  assert_equals(await manager.get('id'), undefined);
  assert_array_equals(await manager.getIds(), []);
}, 'without an active worker fetch() rejects with TypeError, while get() and getIds() answer');

promise_test(async t => {
  const {registration, manager} = await worker(t);
  await registration.unregister();
  // While it is cleared, what is called rejects with AbortError (errata 26).
  let refused;
  do refused = await outcome(manager.fetch('id', bytes())); while (refused === 'AbortError');
  assert_equals(refused, 'TypeError');
}, 'a registration object that is kept after unregister(): fetch() rejects with TypeError');

promise_test(async t => {
  const {manager} = await worker(t);
  const [first, second] = [manager.fetch('id', bytes({hold: 'head'})), manager.fetch('id', bytes())];
  await promise_rejects_js(t, TypeError, second);
  await first;
  await promise_rejects_js(t, TypeError, manager.fetch('id', bytes()));
}, 'an id that is live rejects with TypeError, also in the same tick');

promise_test(async t => {
  const {manager} = await worker(t);
  const first = await manager.fetch('id', bytes({hold: 'head'}));
  assert_true(await first.abort());
  const second = await manager.fetch('id', bytes({hold: 'head'}));
  assert_not_equals(first, second);
}, 'an id is free again at once after abort()');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => {
      const again = await registration.backgroundFetch.get(event.registration.id);
      await registration.backgroundFetch.fetch(event.registration.id, '/handlers/bytes?hold=head&key=again');
      return again === undefined;
    },
  });
  await manager.fetch('id', bytes());
  const {value, error} = await event();
  assert_equals(error, undefined);
  assert_true(value);
}, 'an id is free again while the success handler still runs');

promise_test(async t => {
  const [one, other] = [await worker(t), await worker(t)];
  await one.manager.fetch('id', bytes({hold: 'head'}));
  await other.manager.fetch('id', bytes({hold: 'head'}));
  assert_array_equals(await one.manager.getIds(), ['id']);
  assert_array_equals(await other.manager.getIds(), ['id']);
}, 'the same id in two registrations of one origin is two background fetches');

promise_test(async t => {
  const [one, other] = [await worker(t), await worker(t)];
  const held = () => bytes({hold: 'head'});
  const [first] = await Promise.all(['1', '2', '3'].map(id => one.manager.fetch(id, held())));
  await Promise.all(['4', '5'].map(id => other.manager.fetch(id, held())));
  await promise_rejects_js(t, TypeError, one.manager.fetch('6', held()));
  assert_true(await first.abort());
  await other.manager.fetch('6', held());
}, 'a sixth live fetch of an origin rejects with TypeError; its registrations share the five, abort() frees a place at once');

// That browser ends the renderer.
promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('', bytes());
  assert_equals(registration.id, '');
  assert_equals((await event()).id, '');
}, 'the id \'\' is an id like others');

for (const [name, id, expected] of [
  ['with a NUL', 'a\0b', 'a\0b'], ['of a space', ' ', ' '], ['beyond ASCII', '日本 😀', '日本 😀'],
  ['null', null, 'null'], ['undefined', undefined, 'undefined'], ['5', 5, '5'],
]) {
  promise_test(async t => {
    const {manager, event} = await worker(t);
    const registration = await manager.fetch(id, bytes());
    assert_equals(registration.id, expected);
    assert_equals((await event()).id, expected);
  }, `an id ${name} is taken as it is`);
}

// That browser makes it ''.
promise_test(async t => {
  const {manager, event} = await worker(t);
  const url = bytes({hold: 'head'});
  const registration = await manager.fetch('a\ud800', url);
  assert_equals(registration.id, 'a\ud800');
  assert_array_equals(await manager.getIds(), ['a\ud800']);
  assert_equals(await manager.get('a\ud800'), registration);
  await release(url);
  assert_equals((await event()).id, 'a\ud800');
}, 'an id that is a lone surrogate keeps it');

promise_test(async t => {
  const {manager, event} = await worker(t);
  for (const length of [20_000, 1_000_000]) {
    const registration = await manager.fetch('i'.repeat(length), bytes());
    assert_equals(registration.id.length, length);
    assert_equals((await event()).id.length, length);
  }
}, 'an id of 20,000 and of 1,000,000 characters is taken');

// That browser ends the renderer.
promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('i'.repeat(10_000_000), bytes()));
}, 'an id of 10,000,000 characters rejects with TypeError');

promise_test(async t => {
  const {manager, event} = await worker(t);
  for (const title of ['t'.repeat(10_000), 't'.repeat(1_000_000), '', undefined, 5, '\ud800']) {
    await manager.fetch('id', bytes(), {title});
    assert_equals((await event()).type, 'backgroundfetchsuccess');
  }
}, 'titles of up to a million characters, empty, undefined and numbers are taken');

// That browser ends the renderer.
promise_test(async t => {
  const {manager, event} = await worker(t);
  await manager.fetch('id', bytes(), {title: null});
  assert_equals((await event()).type, 'backgroundfetchsuccess');
}, 'the title null is "null"');

// That browser takes it, slowly.
promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', bytes(), {title: 't'.repeat(10_000_000)}));
}, 'a title of 10,000,000 characters rejects with TypeError');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const icons = [bytes({status: 404}), 'data:image/png;base64,', bytes({hold: 'head'})];
  await manager.fetch('id', bytes(), {icons: icons.map(src => ({src, sizes: '16x16', type: 'image/png', label: 'l'}))});
  assert_equals((await event()).type, 'backgroundfetchsuccess');
  assert_array_equals(await seen(icons[0]), []);
  assert_array_equals(await seen(icons[2]), []);
}, 'icons that are missing, data: or never answer: fetch() does not wait, and without a display they are not requested');

promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', bytes(), {icons: [{}]}));
  await promise_rejects_js(t, TypeError, manager.fetch('id', bytes(), {icons: 5}));
}, 'icons without src, or that are no list, reject with TypeError');

// That browser ends the renderer. Here it is an icon that cannot be shown.
promise_test(async t => {
  const {manager} = await worker(t);
  assert_equals(await outcome(manager.fetch('id', bytes(), {icons: [{src: 'http://'}]})), 'fulfilled');
}, 'an icon whose URL is broken brings nothing down');

for (const [given, total] of [
  [NaN, 0], [Infinity, 0], [null, 0], ['abc', 0], [1.9, 1], ['12', 12], [undefined, 0], [1e9, 1e9],
]) {
  promise_test(async t => {
    const {manager} = await worker(t);
    const registration = await manager.fetch('id', bytes({hold: 'head'}), {downloadTotal: given});
    assert_equals(registration.downloadTotal, total);
  }, `downloadTotal ${typeof given === 'string' ? `'${given}'` : given} is ${total}`);
}

promise_test(async t => {
  const {manager} = await worker(t);
  await promise_rejects_js(t, TypeError, manager.fetch('id', bytes(), 5));
  await manager.fetch('id', bytes(), null);
}, 'options that are a number reject with TypeError, null is none');
