// A podcast app's page: downloads the episodes in the background, and plays what is there already.
//
//   bgfetch run components/bgfetch/examples/podcast/page.js --url https://podcast.example/ \
//       --serve components/bgfetch/examples/podcast

const megabytes = bytes => (bytes / 1e6).toFixed(2) + ' MB';

await navigator.serviceWorker.register('worker.js');
const registration = await navigator.serviceWorker.ready;

const { title, episodes } = await (await fetch('feed.json')).json();
const total = episodes.reduce((sum, episode) => sum + episode.size, 0);

// The page may have been closed in between: then the download goes on, or is over.
let download = await registration.backgroundFetch.get('season-1');
const heard = await caches.has('episodes');
if (!download && !heard) {
  download = await registration.backgroundFetch.fetch('season-1', episodes.map(episode => episode.url), {
    title,
    icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
    downloadTotal: total,
  });
  console.log(`${title}: ${episodes.length} episodes, ${megabytes(total)}`);
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
  const record = await download.match(episodes[0].url);
  if (record) {
    const response = await record.responseReady;
    let first = 0;
    for await (const chunk of response.body) {
      first ||= chunk.length;
    }
    console.log(`playing ${episodes[0].url}: ${first > 0 ? 'sound' : 'silence'}`);
  }
}

if (!heard) {
  await new Promise(resolve => navigator.serviceWorker.addEventListener('message', resolve, { once: true }));
}
for (const { url } of episodes) {
  const stored = await caches.match(url);
  console.log(`${url}: ${stored ? megabytes((await stored.arrayBuffer()).byteLength) : 'missing'}`);
}
