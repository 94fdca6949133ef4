// META: title=The interfaces are those of the published Web IDL
// META: global=window,worker
// META: script=/resources/WebIDLParser.js
// META: script=/resources/idlharness.js

'use strict';

// https://wicg.github.io/background-fetch/

idl_test(['background-fetch'], ['service-workers', 'dom', 'html'], async idl => {
  if (self.ServiceWorkerGlobalScope) idl.add_objects({ServiceWorkerGlobalScope: ['self']});
});
