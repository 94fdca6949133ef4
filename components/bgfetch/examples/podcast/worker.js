// The podcast app's worker: puts the episodes into the cache when they are there, whether the page is or not.

addEventListener('install', event => event.waitUntil(skipWaiting()));
addEventListener('activate', event => event.waitUntil(clients.claim()));

async function store(registration) {
  const cache = await caches.open('podcast');
  const records = await registration.matchAll();
  await Promise.all(records.map(async record => {
    const response = await record.responseReady.catch(() => null);
    if (response?.ok) await cache.put(record.request, response);
  }));
  await cache.put('state', new Response('over'));
  for (const client of await clients.matchAll()) client.postMessage('stored');
}

addEventListener('backgroundfetchsuccess', event => {
  event.waitUntil((async () => {
    await store(event.registration);
    await event.updateUI({ title: 'Season 1 is ready to play' });
  })());
});

// Some episodes are better than none.
addEventListener('backgroundfetchfail', event => {
  event.waitUntil((async () => {
    await store(event.registration);
    await event.updateUI({ title: `Season 1 is not complete: ${event.registration.failureReason}` });
  })());
});

addEventListener('backgroundfetchabort', event => event.waitUntil(store(event.registration)));

addEventListener('backgroundfetchclick', event => event.waitUntil(clients.openWindow('./')));

// Plays from the cache; what is still loading is played as far as it came.
addEventListener('fetch', event => {
  if (!new URL(event.request.url).pathname.includes('/episodes/')) return;
  event.respondWith((async () => {
    const stored = await caches.match(event.request);
    if (stored) return stored;
    const download = await registration.backgroundFetch.get('season-1');
    const record = await download?.match(event.request);
    return record ? record.responseReady : fetch(event.request);
  })());
});
