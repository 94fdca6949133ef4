// The scripts of the guide "BackgroundFetchRegistration", as printed.

if ('backgroundFetch' in navigator) {
    const fetchId = 'example-fetch';
    const urls = ['https://example.com/file1.jpg', 'https://example.com/file2.jpg'];

    navigator.backgroundFetch
        .fetch(fetchId, urls)
        .then(registration => {
            console.log(`Started background fetch for ${registration.id}`);
        })
        .catch(error => {
            console.error('Background fetch failed:', error);
        });
}

async function abortFetch(fetchId) {
    const registration = await navigator.backgroundFetch.get(fetchId);
    if (registration) {
        await registration.abort();
        console.log(`Background fetch ${fetchId} aborted.`);
    } else {
        console.log(`No background fetch found with id: ${fetchId}`);
    }
}
