// The scripts of the guide "BackgroundFetchRecord", as printed.

const registration = await navigator.serviceWorker.ready;
const record = await registration.backgroundFetch.fetch('my-fetch', ['/image1.jpg', '/image2.jpg']);

console.log(record.id); // Outputs: 'my-fetch'

if (record.status === 'pending') {
    console.log('Fetch is in progress...');
} else if (record.status === 'completed') {
    console.log('Fetch completed successfully!');
} else {
    console.log('Fetch status:', record.status);
}

console.log(`Downloaded: ${record.downloaded} bytes`);
console.log(`Uploaded: ${record.uploaded} bytes`);
