// META: title=Listeners that throw
// META: script=/resources/helpers.js

'use strict';

setup({allow_uncaught_exception: true});

promise_test(async t => {
  const {manager} = await worker(t);
  const registration = await manager.fetch('id', bytes());
  registration.addEventListener('progress', {get handleEvent() { throw new RangeError('of the listener'); }});
  const reported = new Promise(resolve => addEventListener('error', event => {
    event.preventDefault();
    resolve(event.error);
  }, {once: true}));
  assert_equals((await reported).name, 'RangeError');
  await finished(registration);
  assert_equals(registration.result, 'success');
}, 'a progress listener that throws is reported, and the fetch goes on');
