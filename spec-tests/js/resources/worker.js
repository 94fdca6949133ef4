'use strict';

// The service worker of a test: its handlers are in its URL, as the test wrote them (helpers.js).

const handlers = JSON.parse(decodeURIComponent(location.search.slice(1)) || '{}');
const types = ['backgroundfetchsuccess', 'backgroundfetchfail', 'backgroundfetchabort', 'backgroundfetchclick'];

// What a test sees of a registration.
const attributes = ({id, uploadTotal, uploaded, downloadTotal, downloaded, result, failureReason, recordsAvailable}) =>
    ({id, uploadTotal, uploaded, downloadTotal, downloaded, result, failureReason, recordsAvailable});

const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
const failed = error => ({name: error?.name ?? String(error), message: error?.message});

async function tell(data) {
  for (const client of await clients.matchAll({includeUncontrolled: true}))
    client.postMessage({scope: registration.scope, ...data});
}

async function answer(type, event, handler) {
  const told = {type, event: event.constructor.name, trusted: event.isTrusted, bubbles: event.bubbles,
                cancelable: event.cancelable, ...attributes(event.registration)};
  try {
    if (handler) told.value = await handler(event);
  } catch (error) {
    told.error = failed(error);
  }
  await tell(told);
}

for (const type of types) {
  // A worker may listen to nothing.
  if (handlers[type] === null) continue;
  const handler = handlers[type] && eval(`(${handlers[type]})`);
  addEventListener(type, event => event.waitUntil(answer(type, event, handler)));
}

oninstall = () => skipWaiting();

// What inWorker() of a test asks for.
onmessage = event => {
  const [port] = event.ports;
  const run = async () => {
    try {
      port.postMessage({value: await eval(`(${event.data.source})`)(...event.data.values)});
    } catch (error) {
      port.postMessage({error: failed(error)});
    }
  };
  event.waitUntil(run());
};
