//! What scripts cache counts for the quota of their storage key.

mod common;

use std::sync::Arc;

use background_fetch::embedder::Storage;
use background_fetch_js::host::caches::{CacheStore, CountedCaches, FolderCaches, MemoryCaches};
use background_fetch_storage::MemoryStorage;
use common::UserAgent;
use futures::executor::block_on;

/// What a script tells whose caches share a quota of 1 MB with its background fetches.
fn told(caches: Arc<dyn CacheStore>, script: &str) -> String {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(1_000_000));
    let counted = block_on(CountedCaches::new(caches, storage.clone())).unwrap();
    let user_agent = UserAgent::with(|host| {
        host.storage = Some(storage);
        host.caches = Arc::new(counted);
    });
    let script = format!(
        "const usage = async () => (await navigator.storage.estimate()).usage;
         const near = (bytes, expected) => bytes >= expected && bytes < expected + 4000;
         const of = length => new Response(new Uint8Array(length));
         const name = promise => promise.then(() => 'done', error => error.name);
         (async () => {{ const cache = await caches.open('c'); {script} }})().catch(error => tell(error + error.stack));"
    );
    user_agent.page("https://site.example/", &script).told()
}

fn both(script: &str) -> [String; 2] {
    let folder = std::env::temp_dir().join(format!("quota-{}-{}", std::process::id(), script.len()));
    let in_folder = told(Arc::new(FolderCaches::open(&folder).unwrap()), script);
    // Nothing is left of it, or the next run finds it.
    let _ = std::fs::remove_dir_all(folder);
    [in_folder, told(Arc::new(MemoryCaches::default()), script)]
}

#[test]
fn what_is_cached_counts_until_it_is_deleted() {
    let script = "
        const got = [];
        await cache.put('/a', of(600_000));
        got.push(near(await usage(), 600_000));
        got.push(await name(cache.put('/b', of(600_000))), near(await usage(), 600_000));
        await cache.put('/a', of(100_000));
        got.push(near(await usage(), 100_000));
        await cache.put('/b', of(600_000));
        got.push(near(await usage(), 700_000), await cache.delete('/b'), near(await usage(), 100_000));
        got.push(await caches.delete('c'), await usage() < 4000);
        tell(got.join());";
    let expected = "true,QuotaExceededError,true,true,true,true,true,true,true";
    assert_eq!(both(script), [expected; 2]);
}

#[test]
fn a_body_without_end_and_entries_without_end_are_refused() {
    let script = "
        const endless = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(65536)); } });
        const got = [await name(cache.put('/endless', new Response(endless)))];
        got.push(await usage() < 4000);
        const long = '/?' + 'x'.repeat(50_000);
        let refused = 'never';
        for (let n = 0; n < 100 && refused == 'never'; n++)
            await cache.put(long + n, new Response()).catch(error => refused = error.name);
        got.push(refused);
        tell(got.join());";
    assert_eq!(both(script), ["QuotaExceededError,true,QuotaExceededError"; 2]);
}

#[test]
fn what_was_cached_before_counts_from_the_start() {
    let caches: Arc<dyn CacheStore> = Arc::new(MemoryCaches::default());
    let script = "await cache.put('/a', of(600_000)); tell('put')";
    assert_eq!(told(caches.clone(), script), "put");
    let script = "tell([near(await usage(), 600_000), await name(cache.put('/b', of(600_000)))].join())";
    assert_eq!(told(caches, script), "true,QuotaExceededError");
}
