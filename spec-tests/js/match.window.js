// META: title=BackgroundFetchRegistration.match() and matchAll()
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-registration-match-all

const held = (path, init) => new Request(`/handlers/bytes?hold=head&key=${unique()}&path=${path}`, init);

promise_test(async t => {
  const {manager} = await worker(t);
  const request = held('a');
  const registration = await manager.fetch('id', request);
  assert_equals(await registration.match('/other'), undefined);
  assert_equals((await registration.matchAll('/other')).length, 0);
  await promise_rejects_js(t, TypeError, registration.match());
  await promise_rejects_js(t, TypeError, registration.match('http://'));
  assert_equals((await registration.match(request)).request.url, request.url);
}, 'match() without a match is undefined; without an argument, and of no URL, it rejects with TypeError');

promise_test(async t => {
  const {manager} = await worker(t);
  const [get, put] = [held('a'), held('b', {method: 'PUT', body: 'x'})];
  const registration = await manager.fetch('id', [get, put]);
  const search = new URL(get.url).pathname;
  const count = async (...values) => (await registration.matchAll(...values)).length;
  assert_equals(await count(), 2, 'everything');
  assert_equals(await count(undefined, {ignoreMethod: false}), 2, 'undefined is no request');
  assert_equals(await count(search), 0, 'the search counts');
  assert_equals(await count(search, {ignoreSearch: true}), 1, 'ignoreSearch');
  assert_equals(await count(search, {ignoreSearch: true, ignoreMethod: true}), 2, 'both');
  assert_equals(await count(`${get.url}#fragment`), 1, 'fragments do not count');
  assert_equals(await count(put.url), 0, 'a record of a PUT');
  assert_equals(await count(put.url, {ignoreMethod: true}), 1, 'ignoreMethod');
  assert_equals(await count(get.url, {ignoreVary: true}), 1, 'ignoreVary');
}, 'match options: ignoreSearch, ignoreMethod, ignoreVary; fragments do not count');

// That browser finds the record of a PUT with a PUT: the specification has both be GET.
promise_test(async t => {
  const {manager} = await worker(t);
  const url = held('a').url;
  const registration = await manager.fetch('id', [new Request(url, {method: 'PUT', body: 'x'})]);
  const put = new Request(url, {method: 'PUT', body: 'y'});
  assert_equals(await registration.match(put), undefined);
  assert_not_equals(await registration.match(put, {ignoreMethod: true}), undefined);
}, 'a Request with another method than GET matches with ignoreMethod alone');

promise_test(async t => {
  const {manager} = await worker(t);
  const request = held('a');
  const registration = await manager.fetch('id', request);
  const [one, other] = [await registration.match(request), await registration.match(request)];
  assert_not_equals(one, other);
  assert_equals(one.request, one.request);
  assert_equals(one.responseReady, one.responseReady);
  one.responseReady.catch(() => {});
}, 'two calls give different records, whose request and responseReady are stable');

// That browser puts what has no response first, and the rest in the order of completion.
promise_test(async t => {
  const {manager, event} = await worker(t, {
    backgroundfetchsuccess: async ({registration}) => {
      const records = await registration.matchAll();
      return records.map(({request}) => new URL(request.url).searchParams.get('n')).join('');
    },
  });
  const requests = [300, 0, 100, 0].map((delay, index) => bytes({delay, n: index + 1}));
  const registration = await manager.fetch('id', requests);
  const order = async () =>
      (await registration.matchAll()).map(({request}) => new URL(request.url).searchParams.get('n')).join('');
  assert_equals(await order(), '1234');
  await until(registration, ({downloaded}) => downloaded >= 20);
  if (registration.result === '') assert_equals(await order(), '1234');
  assert_equals((await event()).value, '1234');
}, 'matchAll() has the order of the requests, whatever is finished');

promise_test(async t => {
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  await event();
  await gone(registration);
  await promise_rejects_dom(t, 'InvalidStateError', registration.match(bytes()));
  await promise_rejects_dom(t, 'InvalidStateError', registration.matchAll());
}, 'match() and matchAll() reject with InvalidStateError once the records are gone');

// That browser takes more than a second until fetch() resolves, and then puts those without a response first.
promise_test(async t => {
  const {manager} = await worker(t);
  const urls = Array.from({length: 10_000}, (_, n) => new URL(`/handlers/bytes?hold=head&key=ten-thousand&n=${n}`, location).href);
  const registration = await manager.fetch('id', urls);
  const records = await registration.matchAll();
  assert_array_equals(records.map(({request}) => request.url), urls);
  assert_equals(registration.downloaded, 0);
  assert_true(await registration.abort());
}, 'matchAll() of a fetch of 10,000: all of them, in the order of the requests');
