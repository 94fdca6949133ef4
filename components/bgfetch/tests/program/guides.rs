//! What is written in the guides and the examples, and reached by none of their pages.

use std::fs;
use std::path::{Path, PathBuf};

use bgfetch::loopback::Resource;

use crate::support::World;

/// That of the guides' resources, so that they are served, too.
const URL: &str = "https://example.com/";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder to serve, with a page of this script.
fn site(world: &World, page: &str) -> [String; 2] {
    let folder = world.path("site");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("page.js"), page).unwrap();
    for name in ["file1.jpg", "file2.jpg"] {
        fs::write(folder.join(name), "an image").unwrap();
    }
    [folder.join("page.js"), folder].map(|path| path.display().to_string())
}

/// What a page prints under the guide extension.
fn guided(world: &World, page: &str, more: &[&str]) -> String {
    let [page, folder] = site(world, page);
    let arguments = ["run", &page, "--url", URL, "--serve", &folder, "--guide"];
    let done = world.run(&[&arguments, more].concat());
    assert_eq!(done.status, 0, "{done:?}");
    done.out
}

fn shared(resource: Resource) -> Resource {
    resource.header("access-control-allow-origin", "*")
}

/// Waits for the end, and notes each status that is not the one before.
const FOLLOW: &str = "
const seen = [];
while (seen.at(-1) !== 'completed') {
  if (fetched.status !== seen.at(-1)) seen.push(fetched.status);
  if (fetched.status !== fetched.getStatus()) seen.push('differs');
  await new Promise(resolve => setTimeout(resolve, 5));
}
console.log(seen.join(), fetched.result, fetched.files[0].size);
";

#[test]
fn the_guides_abort_fetch_aborts_what_there_is_and_says_so_where_there_is_none() {
    let world = World::new();
    let held = world.serve("/held", shared(Resource::pattern(1, 1000).hold_at(100)));
    let guide = fs::read_to_string(here("tests/guides/registration.js")).unwrap();
    let page = format!(
        "{guide}
         const fetched = await navigator.backgroundFetch.fetch('held', '{held}');
         await abortFetch('held');
         while (!fetched.result) await new Promise(resolve => setTimeout(resolve, 5));
         console.log(fetched.status, fetched.failureReason);
         await abortFetch('held');"
    );
    let out = guided(&world, &page, &[]);
    let expected =
        "Background fetch held aborted.\ncompleted aborted\nNo background fetch found with id: held\n";
    assert!(out.ends_with(expected), "{out}");
}

#[test]
fn the_guides_status_is_interrupted_while_the_network_is_away() {
    let world = World::new();
    let drops = shared(Resource::pattern(1, 100_000).drop_at(50_000));
    let url = world.serve("/drops", drops.header("access-control-expose-headers", "etag"));
    let page = format!("const fetched = await navigator.backgroundFetch.fetch('one', '{url}'); {FOLLOW}");
    assert_eq!(
        guided(&world, &page, &[]),
        "pending,interrupted,pending,completed success 100000\n"
    );
    let tally = world.server.tally("/drops");
    assert_eq!((tally.requests, tally.ranges), (2, 1));
}

#[test]
fn the_guides_start_begins_what_waits_for_permission() {
    let world = World::new();
    let url = world.serve(
        "/a",
        shared(Resource::pattern(1, 1000).delay(std::time::Duration::from_millis(200))),
    );
    let page = format!(
        "const fetched = await navigator.backgroundFetch.fetch('one', '{url}');
         await new Promise(resolve => setTimeout(resolve, 100));
         console.log(fetched.status);
         console.log(await fetched.start() === fetched); {FOLLOW}"
    );
    assert_eq!(
        guided(&world, &page, &["--permission", "prompt"]),
        "interrupted\ntrue\npending,completed success 1000\n"
    );
    assert_eq!(world.server.tally("/a").requests, 1);
}

#[test]
fn the_podcast_worker_plays_an_episode_as_far_as_it_came_and_then_from_the_cache() {
    let world = World::new();
    let held = Resource::pattern(1, 500_000).hold_at(200_000);
    let url = world.serve("/episodes/1.wav", shared(held));
    let page = format!(
        "await navigator.serviceWorker.register('worker.js');
         const {{ backgroundFetch }} = await navigator.serviceWorker.ready;
         while (!navigator.serviceWorker.controller) await new Promise(resolve => setTimeout(resolve, 5));
         const stored = new Promise(resolve => navigator.serviceWorker.onmessage = resolve);
         await backgroundFetch.fetch('season-1', '{url}');
         const reader = (await fetch('{url}')).body.getReader();
         let played = 0;
         for (let part = await reader.read(); !part.done; part = await reader.read()) {{
             const before = played;
             played += part.value.length;
             if (before < 200_000 && played >= 200_000) console.log('plays', played);
         }}
         console.log('played', played);
         await stored;
         console.log('again', (await (await fetch('{url}')).arrayBuffer()).byteLength);"
    );
    let [page, folder] = site(&world, &page);
    fs::copy(
        here("examples/podcast/worker.js"),
        Path::new(&folder).join("worker.js"),
    )
    .unwrap();
    let mut trial = world.start(&["run", &page, "--url", URL, "--serve", &folder]);
    let mut said = Vec::new();
    while let Some(line) = trial.next_blocking() {
        if line["event"] == "console" {
            let text = line["text"].as_str().unwrap_or_default().to_owned();
            // It plays before all of it is there.
            if text == "plays 200000" {
                world.server.release();
            }
            said.push(text);
        }
    }
    assert_eq!(said, ["plays 200000", "played 500000", "again 500000"]);
    assert_eq!(world.server.tally("/episodes/1.wav").requests, 1);
}
