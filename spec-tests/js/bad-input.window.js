// META: title=What bad input gets: an exception, never more
// META: script=/resources/helpers.js

'use strict';

const odd = [null, undefined, '', NaN, -1, 2 ** 64, {}, [], () => {}, Symbol(), '\ud800', 'x'.repeat(1 << 20), 0n,
             new Proxy({}, {get() { throw new RangeError(); }}), Object.create(null), [[]], [null], [{}]];

promise_test(async t => {
  const {manager, event} = await worker(t);
  const attempt = async call => {
    const registration = await call().catch(error => assert_true(error instanceof Error || error instanceof DOMException));
    await registration?.abort();
  };
  for (const value of odd) {
    await attempt(() => manager.fetch(value, bytes()));
    await attempt(() => manager.fetch('id', value));
    await attempt(() => manager.fetch('id', [bytes(), value]));
    await attempt(() => manager.fetch('id', bytes(), value));
    for (const name of ['title', 'icons', 'downloadTotal'])
      await attempt(() => manager.fetch('id', bytes(), {[name]: value}));
    for (const name of ['src', 'sizes', 'type', 'label'])
      await attempt(() => manager.fetch('id', bytes(), {icons: [{src: '/', [name]: value}]}));
  }
  await manager.fetch('after', bytes());
  while ((await event()).id !== 'after');
}, 'fetch() with null and other odd values everywhere');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({hold: 'head'}));
  for (const value of odd) {
    const outcomes = [manager.get(value), registration.match(value), registration.matchAll(value),
                      registration.match('/', value), registration.match('/', {ignoreSearch: value})].map(outcome);
    assert_equals((await Promise.all(outcomes)).length, 5);
  }
  assert_array_equals(await manager.getIds(), ['id']);
}, 'get(), match() and matchAll() with null and other odd values everywhere');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => {
      const outcomes = [];
      for (const value of [null, 5, {title: Symbol()}, {icons: 5}, {icons: [{src: 'http://'}]}])
        outcomes.push(await event.updateUI(value).then(() => 'fulfilled', error => error.name));
      return outcomes.length;
    },
  });
  await manager.fetch('id', bytes());
  assert_equals((await event()).value, 5);
}, 'updateUI() with null and other odd values');

promise_test(async t => {
  const {manager, event} = await worker(t);
  for (const icons of [[{src: 'http://'}], [{src: ''}], [{src: '\ud800'}], [{src: 'x:\0'}], [{src: '//', sizes: 'x'}]])
    await outcome(manager.fetch(unique(), bytes({hold: 'head'}), {icons}).then(registration => registration.abort()));
  await manager.fetch('after', bytes());
  while ((await event()).id !== 'after');
}, 'icons whose URLs are broken');

promise_test(async t => {
  const {manager} = await worker(t);
  const never = new ReadableStream();
  const fetched = manager.fetch('id', new Request('/handlers/echo', {method: 'POST', body: never, duplex: 'half'}));
  await assert_pending(fetched, 'the body never ends');
  await manager.fetch('other', bytes({hold: 'head'}));
  assert_array_equals(await manager.getIds(), ['other']);
}, 'a body that never ends holds up nobody else');

promise_test(async t => {
  const {manager} = await worker(t);
  for (const chunk of ['text', 5, null, {}]) {
    const body = new ReadableStream({start: controller => { controller.enqueue(chunk); controller.close(); }});
    const request = new Request('/handlers/echo', {method: 'POST', body, duplex: 'half'});
    await promise_rejects_js(t, TypeError, manager.fetch('id', request));
  }
}, 'a body whose chunks are no bytes rejects with TypeError');
