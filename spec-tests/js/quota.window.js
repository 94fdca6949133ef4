// META: title=The quota
// META: script=/resources/helpers.js

'use strict';

// https://wicg.github.io/background-fetch/#background-fetch-manager-fetch

// That browser takes 1e11 although its quota is 10 GiB, and -1 is 18446744073709552000.
for (const total of [2 ** 53 - 1, 2 ** 53, 1e13, 1e11, -1]) {
  promise_test(async t => {
    const {manager} = await worker(t);
    const url = bytes();
    const error = await manager.fetch('id', url, {downloadTotal: total}).catch(error => error);
    assert_equals(error.name, 'QuotaExceededError');
    // Web IDL has an interface of this name by now; the draft does not know it (errata 27).
    assert_equals(error.constructor, DOMException);
    assert_equals(error.code, DOMException.QUOTA_EXCEEDED_ERR);
    assert_array_equals(await seen(url), []);
    assert_array_equals(await manager.getIds(), []);
  }, `downloadTotal ${total} is more than the quota: fetch() rejects with QuotaExceededError`);
}

promise_test(async t => {
  const usage = async () => (await navigator.storage.estimate()).usage;
  const before = await usage();
  const url = bytes({length: 50_000, hold: 40_000});
  const {manager, event} = await worker(t);
  const registration = await manager.fetch('id', url);
  await until(registration, ({downloaded}) => downloaded >= 40_000);
  assert_greater_than_equal(await usage(), before + 40_000);
  assert_array_equals(await caches.keys(), []);
  await release(url);
  await event();
  await gone(registration);
  while (await usage() >= before + 40_000) await wait(5);
}, 'bodies are not in caches.keys(), and count in storage.estimate() until the handler ends');

promise_test(async t => {
  const {quota} = await navigator.storage.estimate();
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes({hold: 'head'}), {downloadTotal: quota / 2});
  assert_equals(registration.downloadTotal, quota / 2);
}, 'a downloadTotal within the quota is taken');
