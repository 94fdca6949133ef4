// A photo app's page: uploads photos in the background, and shows what the server says of each.
//
//   bgfetch run components/bgfetch/examples/photos/page.js --url https://photos.example/ \
//       --serve components/bgfetch/examples/photos

await navigator.serviceWorker.register('worker.js');
const registration = await navigator.serviceWorker.ready;

/** A photo, as a camera would give one. */
function takePhoto(number) {
  const pixels = new Uint8Array(200_000);
  for (let index = 0; index < pixels.length; index += 65_536) {
    crypto.getRandomValues(pixels.subarray(index, Math.min(index + 65_536, pixels.length)));
  }
  return new File([pixels], `photo-${number}.raw`, { type: 'application/octet-stream' });
}

const photos = [1, 2, 3].map(takePhoto);
const requests = photos.map(photo => {
  const form = new FormData();
  form.append('photo', photo);
  form.append('taken', new Date().toISOString());
  return new Request(`upload?name=${photo.name}`, { method: 'POST', body: form });
});

const upload = await registration.backgroundFetch.fetch(`upload ${crypto.randomUUID()}`, requests, {
  title: `Uploading ${photos.length} photos`,
});
console.log(`${upload.uploadTotal} bytes to upload`);
upload.onprogress = () => console.log(`${upload.uploaded} of ${upload.uploadTotal} bytes are uploaded`);

const { data } = await new Promise(resolve => {
  navigator.serviceWorker.addEventListener('message', resolve, { once: true });
});
for (const { name, status } of data) console.log(`${name}: ${status}`);
