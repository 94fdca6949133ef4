//! `bgfetch run`: pages and their service workers.

use std::fs;
use std::path::{Path, PathBuf};

use bgfetch::loopback::Resource;
use bgfetch::trial::Trial;

use crate::support::{Done, World};

/// A page and its worker for what follows: the page says how its fetch ends, the worker what it gets.
const WORKER: &str = "
addEventListener('install', event => event.waitUntil(skipWaiting()));
const tell = async event => {
  const records = await event.registration.matchAll();
  for (const record of records) {
    const response = await record.responseReady.catch(error => error);
    const length = response.arrayBuffer ? (await response.arrayBuffer()).byteLength : response.name;
    console.log(event.type, event.registration.id, length);
  }
};
for (const name of ['success', 'fail', 'abort']) {
  addEventListener('backgroundfetch' + name, event => event.waitUntil(tell(event)));
}
";

const URL: &str = "https://site.example/";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Runs a page of an example, or of this folder.
fn run_at(world: &World, page: &Path, url: &str, folder: &Path, more: &[&str]) -> Done {
    let (page, folder) = (page.display().to_string(), folder.display().to_string());
    let arguments = ["run", &page, "--url", url, "--serve", &folder];
    world.run(&[&arguments, more].concat())
}

/// A site with a worker, and a page that fetches `urls`.
fn site(world: &World, files: &[(&str, &str)]) -> PathBuf {
    let folder = world.path("site");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("worker.js"), WORKER).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

fn run(world: &World, page: &str, more: &[&str]) -> Done {
    let folder = site(world, &[("page.js", page)]);
    run_at(world, &folder.join("page.js"), URL, &folder, more)
}

const REGISTER: &str = "
await navigator.serviceWorker.register('worker.js');
const { backgroundFetch } = await navigator.serviceWorker.ready;
";

#[test]
fn the_podcast_downloader_stores_its_episodes_once() {
    let world = World::new();
    let folder = example("podcast");
    let page = folder.join("page.js");
    let done = run_at(&world, &page, "https://podcast.example/", &folder, &[]);
    assert_eq!(done.status, 0, "{done:?}");
    for line in [
        "Season 1: 3 episodes, 0.04 MB",
        "playing episodes/1.wav: sound",
        "download: success ",
        "episodes/3.wav: 0.02 MB",
    ] {
        assert!(done.out.contains(line), "{line}: {done:?}");
    }
    let again = run_at(&world, &page, "https://podcast.example/", &folder, &[]);
    assert!(again.out.contains("episodes/3.wav: 0.02 MB"), "{again:?}");
    assert!(!again.out.contains("download"), "{again:?}");
}

#[test]
fn the_podcast_downloader_goes_on_with_what_was_interrupted_before_it_was_allowed() {
    let world = World::new();
    let folder = example("podcast");
    let page = folder.join("page.js");
    let at = "https://podcast.example/";
    let first = run_at(&world, &page, at, &folder, &["--permission", "prompt"]);
    assert_eq!(first.status, 3, "{first:?}");
    let done = run_at(&world, &page, at, &folder, &[]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("episodes/3.wav: 0.02 MB"), "{done:?}");
    assert!(!done.out.contains("missing"), "{done:?}");
}

#[test]
fn the_photo_uploader_tells_how_each_upload_ended() {
    let world = World::new();
    let folder = example("photos");
    let done = run_at(
        &world,
        &folder.join("page.js"),
        "https://photos.example/",
        &folder,
        &[],
    );
    assert_eq!(done.status, 0, "{done:?}");
    for number in 1..=3 {
        assert!(done.out.contains(&format!("photo-{number}.raw: 201")), "{done:?}");
    }
}

#[test]
fn the_scripts_of_both_guides_run_as_printed() {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides");
    let world = World::new();
    let images = ["file1.jpg", "file2.jpg", "image1.jpg", "image2.jpg"].map(|name| (name, "an image"));
    let folder = site(&world, &images);
    let guide =
        |name: &str, more: &[&str]| run_at(&world, &guides.join(name), "https://example.com/", &folder, more);
    let done = guide("registration.js", &["--guide"]);
    assert_eq!(
        (done.status, done.out.as_str()),
        (0, "Started background fetch for example-fetch\n"),
        "{done:?}"
    );
    let done = guide("record.js", &["--guide"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(
        done.out
            .starts_with("my-fetch\nFetch is in progress...\nDownloaded: "),
        "{done:?}"
    );
    // Without the extension there is none of it, and the first guide's script finds that out.
    let done = guide("registration.js", &[]);
    assert_eq!((done.status, done.out.as_str()), (0, ""), "{done:?}");
}

#[test]
fn what_the_guides_describe_follows_the_fetch() {
    let world = World::new();
    let slow = world.serve(
        "/slow",
        Resource::pattern(1, 300_000)
            .rate(200_000)
            .header("access-control-allow-origin", "*"),
    );
    let page = format!(
        "const one = await navigator.backgroundFetch.fetch('one', '{slow}');
         console.log(one.status, one.getStatus(), one.files[0].url === '{slow}');
         await new Promise(resolve => one.onprogress = () => one.result && resolve());
         console.log(one.status, one.files[0].size, one.downloadBytesReceived, one.uploadBytesReceived);
         await new Promise(resolve => setTimeout(resolve, 200));
         const again = await one.start();
         console.log(again === one, again.id, again.status);
         await again.abort();
         console.log(await navigator.backgroundFetch.get('one'));"
    );
    let done = run(&world, &page, &["--guide"]);
    let said: Vec<&str> = done
        .out
        .lines()
        .filter(|line| !line.starts_with("service worker"))
        .collect();
    let expected = [
        "pending pending true",
        "completed 300000 300000 0",
        "false one pending",
        "undefined",
    ];
    assert_eq!(said, expected, "{done:?}");
}

#[test]
fn the_guides_worker_never_takes_the_place_of_the_pages_own() {
    let world = World::new();
    let url = world.serve(
        "/a",
        Resource::pattern(1, 1000)
            .rate(2000)
            .header("access-control-allow-origin", "*"),
    );
    // The page waits for a worker before it registers one, or has it first.
    for (id, before) in [
        ("first", ""),
        ("last", "const ready = navigator.serviceWorker.ready;"),
    ] {
        let page = format!(
            "{before}
             const registration = await navigator.serviceWorker.register('worker.js');
             await navigator.serviceWorker.ready;
             while (!registration.active?.scriptURL.endsWith('/worker.js'))
                 await new Promise(resolve => setTimeout(resolve, 10));
             await registration.backgroundFetch.fetch('{id}', '{url}');
             await new Promise(resolve => setTimeout(resolve, 1000));
             console.log('the worker is', registration.active.scriptURL);"
        );
        let done = run(&world, &page, &["--guide"]);
        assert!(
            done.out.contains("the worker is https://site.example/worker.js"),
            "{done:?}"
        );
        let event = format!("service worker: backgroundfetchsuccess {id} 1000");
        assert!(done.out.contains(&event), "{done:?}");
    }
}

#[test]
fn a_page_that_has_a_worker_after_all_takes_the_place_of_the_guides() {
    let world = World::new();
    // The guide's worker is there, and stays in the profile.
    let done = run(&world, "await navigator.serviceWorker.ready;", &["--guide"]);
    assert_eq!(done.status, 0, "{done:?}");
    let page = format!("{REGISTER} await backgroundFetch.fetch('a', 'worker.js');");
    let done = run(&world, &page, &["--guide"]);
    let event = "service worker: backgroundfetchsuccess a";
    assert!(done.out.contains(event), "{done:?}");
}

#[test]
fn after_a_kill_the_worker_gets_its_event_though_the_page_does_not_ask() {
    let world = World::new();
    let held = Resource::pattern(1, 500_000)
        .hold_at(200_000)
        .header("access-control-allow-origin", "*");
    let url = world.serve("/held", held.header("access-control-expose-headers", "etag"));
    let fetching = format!("{REGISTER} await backgroundFetch.fetch('kept', '{url}');");
    let folder = site(
        &world,
        &[
            ("page.js", &fetching),
            ("silent.js", "console.log('no fetch here');"),
        ],
    );
    let arguments = |page: &str| {
        let page = folder.join(page).display().to_string();
        let folder = folder.display().to_string();
        [
            "run".to_owned(),
            page,
            "--url".to_owned(),
            URL.to_owned(),
            "--serve".to_owned(),
            folder,
        ]
    };
    let first = arguments("page.js");
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut trial: Trial = world.start_until(&first, 200_000);
    trial.kill().unwrap();
    world.server.release();
    let second = arguments("silent.js");
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let done = world.run(&second);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("no fetch here"), "{done:?}");
    assert!(
        done.out
            .contains("service worker: backgroundfetchsuccess kept 500000"),
        "{done:?}"
    );
    let tally = world.server.tally("/held");
    assert_eq!((tally.requests, tally.ranges), (2, 1));
}

#[test]
fn a_script_that_throws_or_never_ends_is_reported_and_its_fetch_goes_on() {
    let world = World::new();
    let url = world.serve(
        "/a",
        Resource::pattern(1, 1000).header("access-control-allow-origin", "*"),
    );
    let done = run(
        &world,
        &format!("{REGISTER} await backgroundFetch.fetch('a', '{url}'); throw new Error('oops');"),
        &[],
    );
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("oops"), "{done:?}");
    assert!(
        done.out.contains("service worker: backgroundfetchsuccess a 1000"),
        "{done:?}"
    );
}

#[test]
fn a_worker_opens_a_page_that_is_its_client() {
    let world = World::new();
    let worker = "addEventListener('message', event => event.waitUntil((async () => {
        const opened = await clients.openWindow('other.html');
        console.log(opened.constructor.name, opened.url, (await clients.get(opened.id)).id === opened.id);
    })()));";
    let page = "await navigator.serviceWorker.register('opens.js');
        (await navigator.serviceWorker.ready).active.postMessage('open');";
    let files = [
        ("opens.js", worker),
        (
            "other.html",
            "<script>console.log('the other page is at', location.pathname)</script>",
        ),
        ("page.js", page),
    ];
    let folder = site(&world, &files);
    let done = run_at(&world, &folder.join("page.js"), URL, &folder, &[]);
    assert_eq!(done.status, 0, "{done:?}");
    for line in [
        "the other page is at /other.html",
        "service worker: WindowClient https://site.example/other.html true",
    ] {
        assert!(done.out.contains(line), "{line}: {done:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_interrupts_and_says_how_to_go_on() {
    use rustix::process::{Pid, Signal, kill_process};
    let world = World::new();
    let held = Resource::pattern(1, 500_000)
        .hold_at(200_000)
        .header("access-control-allow-origin", "*");
    let url = world.serve("/held", held);
    let fetching = format!("{REGISTER} await backgroundFetch.fetch('kept', '{url}');");
    let folder = site(&world, &[("page.js", &fetching)]);
    let (page, folder) = (
        folder.join("page.js").display().to_string(),
        folder.display().to_string(),
    );
    let mut trial = world.start_until(&["run", &page, "--url", URL, "--serve", &folder], 200_000);
    let id = i32::try_from(trial.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, Signal::INT).unwrap();
    let mut warning = None;
    while let Some(line) = trial.next_blocking() {
        if line["event"] == "warning" {
            warning = Some(line["message"].to_string());
        }
    }
    assert_eq!(trial.wait().unwrap().code(), Some(130));
    assert!(warning.unwrap().contains("background fetches are not over (1)"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_program_whatever_its_scripts_do() {
    use rustix::process::{Pid, Signal, kill_process};
    let world = World::new();
    // The engine is busy for hours, in the page and in a worker, and neither calls nor jumps.
    let page = "const busy = `console.log('busy');
            'a'.repeat(2 ** 24).indexOf('a'.repeat(2 ** 20) + 'b')`;
        new Worker(URL.createObjectURL(new Blob([busy])));
        setTimeout(busy, 100);";
    let folder = site(&world, &[("page.js", page)]);
    let (page, folder) = (folder.join("page.js"), folder.display().to_string());
    let page = page.display().to_string();
    let mut trial = world.start(&["run", &page, "--url", URL, "--serve", &folder]);
    let mut busy = 0;
    while busy < 2 {
        let line = trial.next_blocking().expect("the program runs");
        busy += u32::from(line["text"] == "busy");
    }
    let id = i32::try_from(trial.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, Signal::INT).unwrap();
    let began = std::time::Instant::now();
    while trial.next_blocking().is_some() {}
    assert_eq!(trial.wait().unwrap().code(), Some(130));
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[test]
fn a_worker_that_never_starts_ends_the_run_and_the_next_one_tries_again() {
    let world = World::new();
    let never = format!("if (serviceWorker.state == 'activated') throw new Error('not today'); {WORKER}");
    let folder = site(&world, &[("worker.js", &never)]);
    let held = Resource::pattern(1, 500_000)
        .hold_at(200_000)
        .header("access-control-allow-origin", "*")
        .header("access-control-expose-headers", "etag");
    let url = world.serve("/held", held);
    let page = format!("{REGISTER} await backgroundFetch.fetch('a', '{url}');");
    fs::write(folder.join("page.js"), page).unwrap();
    // In the first run it runs since it was installed.
    let (page, at) = (folder.join("page.js"), folder.display().to_string());
    let arguments = ["run", &page.display().to_string(), "--url", URL, "--serve", &at];
    world.start_until(&arguments, 200_000).kill().unwrap();
    world.server.release();
    fs::write(&page, "").unwrap();
    let done = run_at(&world, &page, URL, &folder, &[]);
    let (status, err) = (done.status, &done.err);
    assert!(
        status == 3 && err.contains("the background fetch a is owed its event"),
        "{done:?}"
    );
    assert!(
        err.contains("not today") && err.contains("for the next run"),
        "{done:?}"
    );
    // Another version of the worker takes it.
    let done = run(
        &world,
        "await navigator.serviceWorker.register('worker.js');",
        &[],
    );
    assert_eq!(done.status, 0, "{done:?}");
    assert!(
        done.out.contains("service worker: backgroundfetchsuccess a"),
        "{done:?}"
    );
}

#[test]
fn a_prompt_that_nobody_can_answer_ends_the_run_and_a_later_answer_counts() {
    let world = World::new();
    let page = format!("{REGISTER} await backgroundFetch.fetch('a', 'worker.js');");
    let done = run(&world, &page, &["--permission", "prompt"]);
    assert_eq!(done.status, 3, "{done:?}");
    assert!(
        done.err
            .contains("waits for permission, and there is no terminal"),
        "{done:?}"
    );
    let done = run(&world, "", &["--permission", "granted"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(
        done.out.contains("service worker: backgroundfetchsuccess a"),
        "{done:?}"
    );
}

#[test]
fn a_folder_is_served_below_fetch_as_by_any_server() {
    let world = World::new();
    let page = "
        const get = async (url, init) => {
            const response = await fetch(url, init);
            return [response.status, response.headers.get('content-range'), await response.text()].join('|');
        };
        const wrong = 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
        console.log(await fetch('a.txt', { integrity: wrong }).catch(error => error.name));
        console.log(await get('a.txt', { headers: { range: 'bytes=1-2' } }));
        console.log(await get('a.txt', { headers: { range: 'bytes=9-' } }));
        console.log(await get('a.txt', { headers: { range: 'bytes=1-2', 'if-range': '\"other\"' } }));
        const etag = (await fetch('a.txt', { method: 'HEAD' })).headers.get('etag');
        console.log(await get('a.txt', { cache: 'no-store', headers: { 'if-none-match': etag } }));
        console.log(await get('a.txt', { method: 'POST', body: 'four' }));
        console.log(await get('missing.txt'), await get('../../a%20b.txt'));";
    let folder = site(&world, &[("a.txt", "text"), ("a b.txt", "ab"), ("page.js", page)]);
    let done = run_at(&world, &folder.join("page.js"), URL, &folder, &[]);
    let lines = done.out.split_inclusive('\n');
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("error: ")).collect();
    let expected = [
        "TypeError\n",
        "206|bytes 1-2/4|ex\n",
        "416|bytes */4|\n",
        "200||text\n",
        "304||\n",
        "201||{\"bytes\": 4}\n",
        "\n",
        "404||/missing.txt is not in the folder\n",
        " 200||ab\n",
    ];
    assert_eq!(lines, expected, "{done:?}");
}

#[test]
fn what_is_cached_is_no_longer_free_for_a_background_fetch() {
    let world = World::new();
    let page = format!(
        "{REGISTER}
         const cache = await caches.open('c');
         await cache.put('/a', new Response(new Uint8Array(64 << 20)));
         const {{ quota, usage }} = await navigator.storage.estimate();
         const downloadTotal = quota - (32 << 20);
         const refused = await backgroundFetch.fetch('a', 'worker.js', {{ downloadTotal }}).catch(error => error);
         console.log(usage >> 20, refused.name);"
    );
    for _ in 0..2 {
        // It is still there in the second run.
        let done = run(&world, &page, &[]);
        assert!(done.out.contains("64 QuotaExceededError"), "{done:?}");
    }
}

#[test]
fn a_denied_permission_rejects() {
    let world = World::new();
    let page = format!(
        "{REGISTER} console.log(await backgroundFetch.fetch('a', 'page.js').catch(error => error.name));"
    );
    let done = run(&world, &page, &["--permission", "denied"]);
    assert!(done.out.contains("NotAllowedError"), "{done:?}");
}

#[test]
fn what_makes_no_sense_is_a_sentence() {
    let world = World::new();
    let done = world.run(&["run", "missing.js", "--url", URL]);
    assert_eq!(done.status, 2);
    assert!(done.err.contains("cannot read the script missing.js"), "{done:?}");
    let folder = site(&world, &[("page.js", "")]);
    let page = folder.join("page.js").display().to_string();
    let done = world.run(&["run", &page, "--url", "ftp://site.example/"]);
    assert!(done.status == 2 && done.err.contains("http or https"), "{done:?}");
}
