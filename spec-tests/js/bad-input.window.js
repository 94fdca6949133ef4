// META: title=What bad input gets: an exception, never more
// META: script=/resources/helpers.js

'use strict';

const thrower = new Proxy({}, {get() { throw new RangeError(); }});
const noPrototype = Object.create(null);
const long = 'x'.repeat(1 << 20);
const odd = [null, undefined, '', NaN, -1, 2 ** 64, {}, [], () => {}, Symbol(), '\ud800', long, 0n, thrower, noPrototype,
             [[]], [null], [{}]];

// What Web IDL makes of an odd value: the name of its error, or 'fulfilled'.
const errorOf = convert => {
  try {
    convert();
    return 'fulfilled';
  } catch ({name}) {
    return name;
  }
};
const asText = value => errorOf(() => `${value}`);
// get() refuses the empty id, which fetch() takes as the specification does.
const asId = value => asText(value) === 'fulfilled' && `${value}` === '' ? 'TypeError' : asText(value);
const asNumber = value => {
  const converted = errorOf(() => +value);
  // Modulo 2 ** 64, as Web IDL has it, it is far over the quota.
  return converted === 'fulfilled' && +value === -1 ? 'QuotaExceededError' : converted;
};
const asDictionary = (value, read) => {
  if (value === null || value === undefined) return 'fulfilled';
  return typeof value === 'object' || typeof value === 'function' ? errorOf(() => value[read]) : 'TypeError';
};
// A list of what is no text is a list of URLs.
const asRequests = value => Array.isArray(value) ? (value.length ? 'fulfilled' : 'TypeError') : asText(value);
// None of them is a list of images, but the one that is empty.
const asIcons = value =>
    value === undefined || Array.isArray(value) && !value.length ? 'fulfilled' : value === thrower ? 'RangeError' : 'TypeError';
const orMissing = (value, as, missing) => value === undefined ? missing : as(value);
const shown = value => errorOf(() => `${value}`) === 'fulfilled' ? `'${`${value}`.slice(0, 20)}'` : typeof value;

promise_test(async t => {
  const {manager, event} = await worker(t);
  const attempt = async (expected, what, value, call) => {
    let registration;
    const found = await call().then(fetched => (registration = fetched, 'fulfilled'), ({name}) => name);
    assert_equals(found, expected, `${what}: ${shown(value)}`);
    await registration?.abort();
  };
  for (const value of odd) {
    await attempt(asText(value), 'id', value, () => manager.fetch(value, bytes()));
    await attempt(asRequests(value), 'requests', value, () => manager.fetch('id', value));
    await attempt(asText(value), 'a request', value, () => manager.fetch('id', [bytes(), value]));
    await attempt(asDictionary(value, 'title'), 'options', value, () => manager.fetch('id', bytes(), value));
    for (const [name, as] of [['title', asText], ['icons', asIcons], ['downloadTotal', asNumber]]) {
      const expected = orMissing(value, as, 'fulfilled');
      await attempt(expected, name, value, () => manager.fetch('id', bytes(), {[name]: value}));
    }
    for (const name of ['src', 'sizes', 'type', 'label']) {
      const expected = orMissing(value, asText, name === 'src' ? 'TypeError' : 'fulfilled');
      await attempt(expected, name, value, () => manager.fetch('id', bytes(), {icons: [{src: '/', [name]: value}]}));
    }
  }
  await manager.fetch('after', bytes());
  while ((await event()).id !== 'after');
}, 'fetch() with null and other odd values everywhere');

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({hold: 'head'}));
  for (const value of odd) {
    for (const [expected, what, call] of [
      [asId(value), 'get()', () => manager.get(value)],
      [asText(value), 'match()', () => registration.match(value)],
      [orMissing(value, asText, 'fulfilled'), 'matchAll()', () => registration.matchAll(value)],
      [asDictionary(value, 'ignoreSearch'), 'options', () => registration.match('/', value)],
      ['fulfilled', 'ignoreSearch', () => registration.match('/', {ignoreSearch: value})],
    ]) assert_equals(await outcome(call()), expected, `${what}: ${shown(value)}`);
  }
  assert_array_equals(await manager.getIds(), ['id']);
}, 'get(), match() and matchAll() with null and other odd values everywhere');

promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async event => {
      const outcomes = [];
      // One of them is converted, and counts; the URL of an icon is not looked at before it is shown.
      for (const value of [5, {title: Symbol()}, {icons: 5}, {icons: [{}]}, null, {icons: [{src: 'http://'}]}])
        outcomes.push(await event.updateUI(value).then(() => 'fulfilled', error => error.name));
      return outcomes;
    },
  });
  await manager.fetch('id', bytes());
  assert_array_equals((await event()).value,
                      ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'fulfilled', 'InvalidStateError']);
}, 'updateUI() with null and other odd values');

promise_test(async t => {
  const {manager, event} = await worker(t);
  for (const icons of [[{src: 'http://'}], [{src: ''}], [{src: '\ud800'}], [{src: 'x:\0'}], [{src: '//', sizes: 'x'}]]) {
    const registration = await manager.fetch(unique(), bytes({hold: 'head'}), {icons});
    assert_true(await registration.abort());
  }
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
