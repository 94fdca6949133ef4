//! Caches: what scripts see of them, and what is kept in a folder.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use background_fetch::fetch::{Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString};
use background_fetch_js::host::caches::{CacheEntry, CacheOperation, CacheStore, FolderCaches, MemoryCaches};
use bytes::Bytes;
use common::{Server, UserAgent, run};
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt, stream};

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("caches-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// The files in it whose names end so, without what is removed in a moment.
    fn files(&self, suffix: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.0).unwrap().flatten() {
            let entries = fs::read_dir(folder.path()).unwrap().flatten();
            files.extend(entries.map(|entry| entry.path()));
        }
        files.retain(|path| path.to_string_lossy().ends_with(suffix));
        files.sort();
        files
    }

    /// Waits until there are so many.
    fn has_soon(&self, suffix: &str, count: usize) -> bool {
        for _ in 0..200 {
            if self.files(suffix).len() == count {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// A user agent whose caches are here.
    fn agent(&self) -> UserAgent {
        let caches = FolderCaches::open(&self.0).unwrap();
        UserAgent::with(|host| host.caches = Arc::new(caches))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a script tells in a page on a user agent; it is an async function's body that returns it.
fn told(agent: &UserAgent, body: &str) -> String {
    let script =
        format!("(async () => {{ {body} }})().then(tell, error => tell(error.name + ': ' + error.message))");
    agent.page("https://site.example/page", &script).told()
}

#[test]
fn a_cache_finds_by_url_method_and_vary_and_keeps_the_order_of_puts() {
    let script = "
        (async () => {
            const cache = await caches.open('one');
            await cache.put('/a', new Response('1'));
            await cache.put('/b?x', new Response('2', { status: 201, statusText: 'Made', headers: { 'X-Mine': 'yes' } }));
            await cache.put('/a#part', new Response('3'));
            const varies = { headers: { Vary: 'Accept-Language' } };
            for (const language of ['de', 'en'])
                await cache.put(new Request('/v', { headers: { 'Accept-Language': language } }), new Response(language, varies));
            const keys = (await cache.keys()).map(request => new URL(request.url).pathname);
            const b = await cache.match('/b', { ignoreSearch: true });
            const german = new Request('/v', { headers: { 'Accept-Language': 'de' } });
            const all = await cache.matchAll(german, { ignoreVary: true });
            const head = new Request('/a', { method: 'HEAD' });
            const parts = [
                keys.join(' '), b.status, b.statusText, b.headers.get('x-mine'), b.url === '', await b.text(),
                await (await cache.match('/a')).text(), await (await cache.match(german)).text(), all.length,
                Object.isFrozen(all), await cache.match('/v'), await cache.match(head),
                (await cache.match(head, { ignoreMethod: true })).status,
                await cache.delete('/a'), await cache.delete('/a'), (await cache.keys()).length,
                await (await caches.match(german, { cacheName: 'one' })).text(), await caches.match('/a'),
            ];
            return parts.join();
        })().then(tell, tell);";
    assert_eq!(
        run(script),
        "/b /a /v /v,201,Made,yes,true,2,3,de,2,true,,,200,true,false,3,de,"
    );
}

#[test]
fn what_may_not_be_put_is_a_type_error() {
    let script = "
        (async () => {
            const cache = await caches.open('');
            const used = new Response('x');
            await used.text();
            const puts = [
                ['/', new Response('', { status: 206 })],
                ['/', new Response('', { headers: { Vary: 'a, *' } })],
                ['/', used],
                ['ftp://site.example/', new Response('')],
                [new Request('/', { method: 'POST' }), new Response('')],
            ];
            const told = [];
            for (const [request, response] of puts)
                told.push(await cache.put(request, response).then(() => 'put', error => error.name));
            const given = new Response('body');
            const put = cache.put('/', given);
            told.push(given.bodyUsed, await put);
            const errored = new Response(new ReadableStream({ pull(c) { c.error(new RangeError('mine')); } }));
            told.push(await cache.put('/broken', errored).catch(error => error.message));
            told.push((await cache.keys()).length);
            return told.join();
        })().then(tell, tell);";
    let refused = "TypeError,".repeat(5);
    assert_eq!(run(script), format!("{refused}true,,mine,1"));
}

#[test]
fn names_are_any_strings_and_a_deleted_cache_works_for_who_has_it() {
    let script = "
        (async () => {
            const names = ['b', '', 'a\\0\\uD800', 'b'];
            for (const name of names) await caches.open(name);
            const cache = await caches.open('b');
            await cache.put('/', new Response('still'));
            const keys = (await caches.keys()).map(name => JSON.stringify(name)).join(' ');
            const parts = [keys, await caches.has('a\\0\\uFFFD'), await caches.delete('b'), await caches.has('b'),
                await (await cache.match('/')).text(), await caches.match('/'),
                (await (await caches.open('b')).keys()).length, (await caches.keys()).at(-1)];
            return parts.join();
        })().then(tell, tell);";
    let expected = "\"b\" \"\" \"a\\u0000\\ud800\",false,true,false,still,,0,b";
    assert_eq!(run(script), expected);
    let folder = Folder::new("names");
    let agent = folder.agent();
    assert_eq!(agent.page("https://site.example/page", script).told(), expected);
}

#[test]
fn add_all_puts_all_or_nothing() {
    let server = Server::new(&[("/a.txt", "first"), ("/b.txt", "second")]);
    server.put_as(
        "/secret.txt",
        "third",
        "Access-Control-Allow-Origin: *\r\nX-Hidden: 1\r\nContent-Type: text/plain",
    );
    let agent = UserAgent::new();
    let page = |body: &str| {
        let script = format!("(async () => {{ {body} }})().then(tell, error => tell(error.name))");
        agent.page(&server.url("/page"), &script).told()
    };
    let added = page(
        "const cache = await caches.open('added');
         await cache.addAll(['/a.txt', new Request('/b.txt')]);
         const found = await cache.match('/b.txt');
         return [await found.text(), found.type, found.url.endsWith('/b.txt'), (await cache.keys()).length].join();",
    );
    assert_eq!(added, "second,basic,true,2");
    let names =
        "const cache = await caches.open('none'); const left = async () => (await cache.keys()).length;";
    for (requests, error) in [
        ("['/a.txt', '/missing']", "TypeError"),
        ("['/a.txt', '/a.txt#b']", "InvalidStateError"),
        ("['/a.txt', 'data:,x']", "TypeError"),
        (
            "['/a.txt', new Request('/b.txt', { signal: AbortSignal.abort() })]",
            "AbortError",
        ),
    ] {
        let told = page(&format!(
            "{names} return cache.addAll({requests}).catch(async error => error.name + await left());"
        ));
        assert_eq!(told, format!("{error}0"), "{requests}");
    }
    // From another origin: all headers are kept, and those that are not exposed are not seen.
    let other = Server::new(&[]);
    let script = format!(
        "(async () => {{
            const cache = await caches.open('cors');
            await cache.add('{url}');
            const found = await cache.match('{url}');
            return [found.type, found.headers.get('content-type'), found.headers.get('x-hidden'), await found.text()].join();
        }})().then(tell, error => tell(error.name))",
        url = server.url("/secret.txt")
    );
    let told = agent.page(&other.url("/page"), &script).told();
    assert_eq!(told, "cors,text/plain,,third");
}

#[test]
fn a_folder_has_everything_again_after_a_restart_and_nothing_more() {
    let folder = Folder::new("restart");
    let put = "
        const cache = await caches.open('kept \\uD800');
        const headers = { 'X-Mine': 'yes', Vary: 'X-Key' };
        const request = new Request('/big', { headers: { 'X-Key': '1' } });
        await cache.put(request, new Response('x'.repeat(200000), { headers }));
        await cache.put('/null', new Response());
        await cache.put('/error', Response.error());
        await cache.put('/again', new Response('old'));
        await cache.put('/again', new Response('new'));
        await (await caches.open('gone')).put('/', new Response('gone'));
        return await caches.delete('gone');";
    assert_eq!(told(&folder.agent(), put), "true");
    assert!(folder.has_soon(".body", 2), "{:?}", folder.files(""));
    // What a crash would leave.
    let parent = folder.files("names.index")[0].parent().unwrap().to_owned();
    for orphan in ["77-78.body", "99.index", "1.part"] {
        fs::write(parent.join(orphan), "orphan").unwrap();
    }
    let agent = folder.agent();
    let read = "
        const cache = await caches.open('kept \\uD800');
        const found = await cache.match(new Request('/big', { headers: { 'X-Key': '1' } }));
        const missed = await cache.match('/big');
        const big = await found.text();
        const paths = (await cache.keys()).map(request => new URL(request.url).pathname);
        return [paths.join(' '), big.length, found.headers.get('x-mine'), missed, (await cache.match('/null')).body,
            (await cache.match('/error')).type, await (await cache.match('/again')).text(), (await caches.keys()).length].join();";
    assert_eq!(
        told(&agent, read),
        "/big /null /error /again,200000,yes,,,error,new,1"
    );
    assert_eq!((folder.files(".body").len(), folder.files(".part").len()), (2, 0));
    assert_eq!(folder.files(".index").len(), 2);
    let key = StorageKey::new("https://site.example");
    let usage = block_on(agent.host.caches.usage(&key)).unwrap();
    assert!((200_003..210_000).contains(&usage), "{usage}");
    let other = StorageKey::new("https://other.example");
    assert_eq!(block_on(agent.host.caches.usage(&other)), Ok(0));
}

/// A way in which a file is damaged.
type Damage = (&'static str, fn(&Path));

/// Damages a file in each way, and says what a page is told then.
fn damage(name: &str, script: &str, pick: impl Fn(&Folder) -> PathBuf, check: impl Fn(&str, &str)) {
    let ways: [Damage; 4] = [
        ("torn", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("flipped", |path| {
            let mut bytes = fs::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("missing", |path| fs::remove_file(path).unwrap()),
    ];
    for (way, damage) in ways {
        let folder = Folder::new(&format!("{name}-{way}"));
        let put = "for (const name of ['good', 'bad']) await (await caches.open(name)).put('/' + name, new Response(name));";
        told(&folder.agent(), put);
        damage(&pick(&folder));
        check(way, &told(&folder.agent(), script));
    }
}

#[test]
fn a_damaged_index_is_an_error_for_that_cache_until_it_is_deleted() {
    let script = "
        const error = await caches.open('bad').catch(error => error.name + error.message.includes('damaged'));
        const good = await (await (await caches.open('good')).match('/good')).text();
        return [error, good, await caches.has('bad'), await caches.delete('bad'), (await caches.open('bad')) instanceof Cache].join();";
    let second = |folder: &Folder| folder.files("3.index")[0].clone();
    damage("index", script, second, |way, told| {
        assert_eq!(told, "UnknownErrortrue,good,true,true,true", "{way}");
    });
}

#[test]
fn damaged_names_are_an_error_for_their_storage_key() {
    let script =
        "return caches.open('new').catch(error => error.name + ', ' + (error.message.includes('damaged')));";
    let names = |folder: &Folder| folder.files("names.index")[0].clone();
    damage("names", script, names, |way, told| {
        match way {
            // There are no names: nobody can ask for what there was.
            "missing" => assert_eq!(told, "[object Cache]"),
            _ => assert_eq!(told, "UnknownError, true", "{way}"),
        }
    });
}

#[test]
fn caches_in_memory_have_a_limit() {
    let agent = UserAgent::with(|host| host.caches = Arc::new(MemoryCaches::with_limit(300_000)));
    let script = "
        const cache = await caches.open('a');
        const put = url => cache.put(url, new Response('x'.repeat(200000))).then(() => 'put', error => error.name);
        return [await put('/a'), await put('/b'), await cache.delete('/a'), await put('/b')].join();";
    assert_eq!(told(&agent, script), "put,QuotaExceededError,true,put");
    let key = StorageKey::new("https://site.example");
    let usage = block_on(agent.host.caches.usage(&key)).unwrap();
    assert!((200_000..202_000).contains(&usage), "{usage}");
}

#[test]
fn a_damaged_body_breaks_off() {
    let script = "
        const response = await caches.match('/bad');
        const told = await response.text().catch(error => error.name + error.message.includes('damaged'));
        return [told, await (await caches.match('/good')).text()].join();";
    let body = |folder: &Folder| folder.files("4.body")[0].clone();
    damage("body", script, body, |way, told| {
        let expected = match way {
            "missing" => "TypeErrorfalse,good",
            _ => "TypeErrortrue,good",
        };
        assert_eq!(told, expected, "{way}");
    });
}

#[test]
fn of_a_damaged_body_nobody_gets_a_wrong_byte() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let (key, name) = (StorageKey::new("https://a.example"), DomString::from("one"));
    let put = |folder: &Folder| {
        block_on(async {
            let caches = FolderCaches::open(&folder.0).unwrap();
            let list = caches.open(&key, &name);
            let list = list.await.unwrap();
            // In pieces that are not the file's.
            let pieces: Vec<_> = bytes
                .chunks(30_001)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            let entry = CacheEntry {
                request: Request::new("https://a.example/".parse().unwrap()),
                response: None,
                body: Some(list.keep_body(stream::iter(pieces).boxed()).await.unwrap()),
            };
            list.batch(vec![CacheOperation::Put(Box::new(entry))])
                .await
                .unwrap();
        });
    };
    let read = |folder: &Folder| {
        block_on(async {
            let caches = FolderCaches::open(&folder.0).unwrap();
            let list = caches.open(&key, &name);
            let found = list
                .await
                .unwrap()
                .query(None, CacheQueryOptions::default())
                .await
                .unwrap();
            let mut stream = found[0].body.as_ref().unwrap().source.open();
            let mut read = Vec::new();
            loop {
                match stream.next().await {
                    Some(Ok(piece)) => read.extend_from_slice(&piece),
                    Some(Err(message)) => return (read, Some(message)),
                    None => return (read, None),
                }
            }
        })
    };
    let folder = Folder::new("sums");
    put(&folder);
    assert_eq!(read(&folder), (bytes.clone(), None));
    let path = folder.files(".body")[0].clone();
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), 200_000 + 4 * 4);
    let (chunk, framed) = (64 << 10, (64 << 10) + 4);
    // A bit anywhere, a checksum's too; two chunks that changed their places; an end that is gone.
    let mut ways: Vec<(usize, Vec<u8>)> = [0, 65_535, 65_536, 70_000, 150_000, whole.len() - 1]
        .map(|place| {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            (place / framed * chunk, damaged)
        })
        .into();
    let swapped = [&whole[framed..2 * framed], &whole[..framed], &whole[2 * framed..]].concat();
    ways.push((0, swapped));
    ways.push((chunk, whole[..framed + 10].to_vec()));
    for (good, damaged) in ways {
        fs::write(&path, damaged).unwrap();
        let (read, message) = read(&folder);
        assert!(
            read == bytes[..good],
            "{} bytes are right, not {good}",
            read.len()
        );
        assert!(message.unwrap().contains("a cached body is damaged"));
    }
    // What an older program has written has no checksums, and is read as it is.
    fs::write(&path, &bytes).unwrap();
    let index = folder.files("1.index")[0].clone();
    let (_, json) = fs::read_to_string(&index)
        .unwrap()
        .split_once('\n')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let json = json.replace(",\"has_sums\":true", "");
    let sum = ring::digest::digest(&ring::digest::SHA256, json.as_bytes());
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&index, format!("{sum}\n{json}")).unwrap();
    assert_eq!(read(&folder), (bytes, None));
}

#[test]
fn a_body_can_be_read_when_its_entry_is_gone_and_is_removed_then() {
    let folder = Folder::new("lease");
    let caches = FolderCaches::open(&folder.0).unwrap();
    let key = StorageKey::new("https://site.example");
    let request = || Request::new("https://site.example/".parse().unwrap());
    let put = |body| CacheEntry {
        request: request(),
        response: None,
        body: Some(body),
    };
    block_on(async {
        let list = caches.open(&key, &DomString::from("a")).await.unwrap();
        let bytes = stream::iter(std::iter::repeat_n(Bytes::from(vec![7; 50_000]), 10));
        let body = list.keep_body(bytes.map(Ok).boxed()).await.unwrap();
        let operation = CacheOperation::Put(Box::new(put(body)));
        assert!(!list.batch(vec![operation]).await.unwrap());
        let options = CacheQueryOptions::default();
        let found = list.query(Some(request()), options).await.unwrap();
        let delete = CacheOperation::Delete {
            request: Box::new(request()),
            options,
        };
        assert!(list.batch(vec![delete]).await.unwrap());
        let mut bytes = found[0].body.as_ref().unwrap().source.open();
        drop(found);
        let mut length = 0;
        while let Some(chunk) = bytes.try_next().await.unwrap() {
            assert!(chunk.len() <= 64 << 10 && chunk.iter().all(|byte| *byte == 7));
            length += chunk.len();
        }
        assert_eq!(length, 500_000);
        drop(bytes);
        assert!(folder.has_soon(".body", 0));
        // What is broken off, or never put, is gone as well.
        let broken = stream::iter([Ok(Bytes::from("part")), Err("no more".to_owned())]);
        let error = list.keep_body(broken.boxed()).await.unwrap_err();
        assert!(error.message.contains("no more"), "{error}");
        drop(list.keep_body(stream::empty().boxed()).await.unwrap());
        assert!(folder.has_soon(".body", 0));
    });
}

/// Puts one entry after the other in the place of each other, until somebody kills it.
fn put_for_ever(folder: &str) {
    let caches = FolderCaches::open(folder).unwrap();
    let key = StorageKey::new("https://site.example");
    block_on(async {
        let list = caches.open(&key, &DomString::from("a")).await.unwrap();
        for length in (0_usize..).map(|round| round * 9973 % 200_000) {
            let url = format!("https://site.example/{}?{length}", length % 8);
            let body = stream::iter([Ok(Bytes::from(vec![1; length]))]).boxed();
            let entry = CacheEntry {
                request: Request::new(url.parse().unwrap()),
                response: None,
                body: Some(list.keep_body(body).await.unwrap()),
            };
            let options = CacheQueryOptions {
                ignore_search: true,
                ..CacheQueryOptions::default()
            };
            let request = Box::new(entry.request.clone());
            let delete = CacheOperation::Delete { request, options };
            let operations = vec![delete, CacheOperation::Put(Box::new(entry))];
            list.batch(operations).await.unwrap();
        }
    });
}

#[test]
fn a_kill_at_any_time_leaves_whole_entries() {
    const FOLDER: &str = "CACHES_TEST_FOLDER";
    if let Ok(folder) = std::env::var(FOLDER) {
        return put_for_ever(&folder);
    }
    let folder = Folder::new("kill");
    fs::create_dir_all(&folder.0).unwrap();
    let key = StorageKey::new("https://site.example");
    let mut found = 0;
    for round in 0..4 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_kill_at_any_time_leaves_whole_entries"])
            .env(FOLDER, &folder.0)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let begun = std::time::Instant::now();
        while folder.files(".body").is_empty() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50 + round * 37));
        child.kill().unwrap();
        child.wait().unwrap();
        let caches = FolderCaches::open(&folder.0).unwrap();
        block_on(async {
            let Some(list) = caches.find(&key, &DomString::from("a")).await.unwrap() else {
                return;
            };
            let entries = list.query(None, CacheQueryOptions::default()).await.unwrap();
            assert!(
                entries.len() <= 8,
                "a batch is done as a whole: {}",
                entries.len()
            );
            found += entries.len();
            for entry in &entries {
                let length: usize = entry.request.url.query().unwrap().parse().unwrap();
                let bytes = entry.body.as_ref().unwrap().source.open();
                let chunks: Vec<Bytes> = bytes.try_collect().await.unwrap();
                assert_eq!(chunks.concat(), vec![1; length], "{}", entry.request.url);
            }
            assert_eq!(folder.files(".body").len(), entries.len(), "nothing more is left");
        });
    }
    assert!(found > 0, "it was killed before it began");
}
