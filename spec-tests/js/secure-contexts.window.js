// META: title=Background Fetch in secure and in other contexts

'use strict';

// The runner opens this at http://localhost, which is secure, and at http://insecure.test, which is not.

test(() => {
  assert_equals(typeof BackgroundFetchManager, 'function');
  assert_equals(typeof BackgroundFetchRegistration, 'function');
  assert_equals('serviceWorker' in navigator, isSecureContext);
  assert_equals('ServiceWorkerRegistration' in self, isSecureContext);
}, 'the interface objects are visible in a page that is not secure, but there is no navigator.serviceWorker');

test(() => {
  assert_false('BackgroundFetchEvent' in self);
  assert_false('BackgroundFetchUpdateUIEvent' in self);
  assert_false('onbackgroundfetchsuccess' in self);
}, 'the events are those of service workers');

// That browser never had it; the guide extension is off.
test(() => assert_false('backgroundFetch' in navigator), 'there is no navigator.backgroundFetch');
