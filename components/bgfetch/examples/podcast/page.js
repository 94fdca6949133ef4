// A podcast app's page: downloads the episodes in the background, and plays what is there already.
//
//   bgfetch run components/bgfetch/examples/podcast/page.js --url https://podcast.example/ \
//       --serve components/bgfetch/examples/podcast

const megabytes = bytes => (bytes / 1e6).toFixed(2) + ' MB';

await navigator.serviceWorker.register('worker.js');
const registration = await navigator.serviceWorker.ready;

const { title, episodes } = await (await fetch('feed.json')).json();

// What the worker has put there; 'state' is 'begun' until it is done with what it was told of, then 'over'.
const shelf = await caches.open('podcast');
const isBegun = async () => await (await shelf.match('state'))?.text() === 'begun';
const missing = [];
for (const episode of episodes) {
  if (!await shelf.match(episode.url)) missing.push(episode);
}

// The page may have been closed in between: then the download goes on, or is over, or the worker is about to hear so.
let download = await registration.backgroundFetch.get('season-1');
if (!download && missing.length && !await isBegun()) {
  await shelf.put('state', new Response('begun'));
  const total = missing.reduce((sum, episode) => sum + episode.size, 0);
  download = await registration.backgroundFetch.fetch('season-1', missing.map(episode => episode.url), {
    title,
    icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
    downloadTotal: total,
  });
  console.log(`${title}: ${missing.length} episodes, ${megabytes(total)}`);
}

if (download) {
  download.addEventListener('progress', () => {
    if (download.result === '') {
      console.log(`${Math.round(100 * download.downloaded / download.downloadTotal)} %`);
    } else {
      console.log(`download: ${download.result} ${download.failureReason}`);
    }
  });
  // Listening begins before everything is there: the response of a record streams while its bytes arrive.
  const record = await download.match(missing[0].url);
  if (record) {
    const response = await record.responseReady;
    let first = 0;
    for await (const chunk of response.body) {
      first ||= chunk.length;
    }
    console.log(`playing ${missing[0].url}: ${first > 0 ? 'sound' : 'silence'}`);
  }
}

if (missing.length) {
  const told = new Promise(resolve => navigator.serviceWorker.addEventListener('message', resolve, { once: true }));
  navigator.serviceWorker.startMessages();
  // Where nothing goes on, this page was closed before it had begun: the next one begins.
  const nothing = new Promise(resolve => setTimeout(resolve, 10_000));
  if (await isBegun()) await (download ? told : Promise.race([told, nothing]));
  await shelf.delete('state');
}
for (const { url } of episodes) {
  const stored = await shelf.match(url);
  console.log(`${url}: ${stored ? megabytes((await stored.arrayBuffer()).byteLength) : 'missing'}`);
}
