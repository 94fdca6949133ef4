// The photo app's worker: tells the page how each upload ended.

addEventListener('install', event => event.waitUntil(skipWaiting()));
addEventListener('activate', event => event.waitUntil(clients.claim()));

async function tell(event) {
  const records = await event.registration.matchAll();
  const uploads = await Promise.all(records.map(async record => {
    const name = new URL(record.request.url).searchParams.get('name');
    try {
      return { name, status: (await record.responseReady).status };
    } catch (error) {
      return { name, status: error.message };
    }
  }));
  for (const client of await clients.matchAll()) client.postMessage(uploads);
}

addEventListener('backgroundfetchsuccess', event => event.waitUntil(tell(event)));
addEventListener('backgroundfetchfail', event => event.waitUntil(tell(event)));
