//! Which requests are in flight: limits, fair turns, and that nobody holds up anybody else.

use background_fetch::api::BackgroundFetchManager;
use background_fetch::embedder::{Clock, Limits, Policies};
use background_fetch_sim::{Resource, pattern};
use spec_tests::{SITE, SUCCESS, Site, tell_with};
use std::time::Duration;

fn limits(change: impl FnOnce(&mut Limits)) -> Policies {
    let mut policies = Policies::default();
    change(&mut policies.limits);
    policies
}

/// The manager of another site's registration, in a page of its own.
fn other_site(site: &Site, url: &str) -> BackgroundFetchManager {
    let registration = site.world.service_workers.register(url);
    site.open_page(url).realm.background_fetch(&registration)
}

/// Serves so many resources in a folder, each of which stops before its body; gives their URLs.
fn serve_held(site: &Site, folder: &str, count: usize) -> Vec<String> {
    let urls: Vec<_> = (0..count).map(|number| format!("{folder}{number}")).collect();
    for url in &urls {
        let resource = Resource::pattern(1, 100).hold_at(0);
        site.world.network.serve(url, resource);
    }
    urls
}

/// The numbers of requests in flight, by what their URLs begin with.
async fn in_flight(site: &Site, folders: &[&str]) -> Vec<usize> {
    site.world.stalled().await;
    let log = site.world.network.log();
    let count = |folder: &&str| {
        let here = log
            .iter()
            .filter(|request| request.url.as_str().starts_with(folder));
        here.filter(|request| request.ending.is_none()).count()
    };
    folders.iter().map(count).collect()
}

#[test]
fn a_fetch_has_so_many_requests_in_flight_and_the_next_as_soon_as_one_ends() {
    tell_with(&limits(|limits| limits.requests_per_fetch = 3), async |site| {
        let urls = serve_held(site, SITE, 10);
        let registration = site
            .manager()
            .fetch("id", urls.clone(), Default::default())
            .await
            .unwrap();
        assert_eq!(in_flight(site, &[SITE]).await, [3]);
        for url in &urls {
            site.world.network.until_held(url).await;
            assert!(in_flight(site, &[SITE]).await[0] <= 3);
            site.world.network.release(url);
        }
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.world.network.peak_in_flight(), 3);
        let order = site.world.network.log();
        let order: Vec<_> = order.iter().map(|request| request.url.as_str()).collect();
        assert_eq!(order, urls, "in the order of the requests");
    });
}

#[test]
fn a_host_has_so_many_requests_in_flight() {
    tell_with(&limits(|limits| limits.requests_per_host = 2), async |site| {
        let hosts = [
            "https://one.example/",
            "https://two.example/",
            "https://two.example:444/",
        ];
        let urls = hosts
            .iter()
            .flat_map(|host| serve_held(site, host, 2))
            .collect::<Vec<_>>();
        let more = hosts
            .iter()
            .flat_map(|host| serve_held(site, &format!("{host}more"), 2));
        let more = more.collect::<Vec<_>>();
        for (id, urls) in [("first", urls), ("second", more)] {
            site.manager().fetch(id, urls, Default::default()).await.unwrap();
        }
        assert_eq!(in_flight(site, &hosts).await, [2, 2, 2]);
        for registration in site.manager().get_ids().await.unwrap() {
            let registration = site.manager().get(registration).await.unwrap().unwrap();
            assert!(registration.abort().await.unwrap());
        }
    });
}

#[test]
fn a_storage_key_has_so_many_requests_in_flight() {
    tell_with(
        &limits(|limits| limits.requests_per_storage_key = 4),
        async |site| {
            let other = other_site(site, "https://other.example/");
            for number in 0..3 {
                let folder = format!("https://cdn{number}.example/");
                let urls = serve_held(site, &folder, 3);
                site.manager()
                    .fetch(folder.as_str(), urls, Default::default())
                    .await
                    .unwrap();
            }
            let urls = serve_held(site, "https://other.example/", 6);
            other.fetch("id", urls, Default::default()).await.unwrap();
            let flying = in_flight(site, &["https://cdn", "https://other"]).await;
            assert_eq!(flying, [4, 4]);
        },
    );
}

#[test]
fn all_together_have_so_many_requests_in_flight() {
    tell_with(&limits(|limits| limits.requests = 5), async |site| {
        for number in 0..4 {
            let url = format!("https://site{number}.example/");
            let urls = serve_held(site, &url, 3);
            other_site(site, &url)
                .fetch("id", urls, Default::default())
                .await
                .unwrap();
        }
        assert_eq!(in_flight(site, &["https://site"]).await, [5]);
        assert_eq!(site.world.network.peak_in_flight(), 5);
    });
}

#[test]
fn storage_keys_take_turns() {
    tell_with(&limits(|limits| limits.requests = 1), async |site| {
        let slow = || Resource::pattern(1, 100).latency(Duration::from_secs(1));
        let folders = [
            "https://one.example/",
            "https://two.example/",
            "https://three.example/",
        ];
        let counts = [9, 3, 3];
        let mut running = Vec::new();
        for (folder, count) in folders.iter().zip(counts) {
            let urls: Vec<_> = (0..count).map(|number| format!("{folder}{number}")).collect();
            for url in &urls {
                site.world.network.serve(url, slow());
            }
            let started = other_site(site, folder)
                .fetch("id", urls, Default::default())
                .await;
            running.push(started.unwrap());
            // The first is in flight before the others come.
            site.until(|| site.world.network.in_flight() == 1).await;
        }
        for registration in &running {
            site.settled(registration).await;
        }
        let log = site.world.network.log();
        let turns: Vec<_> = log
            .iter()
            .map(|request| request.url.host_str().unwrap())
            .collect();
        // While three have something to fetch, no one of them comes twice before both others.
        for turns in turns[1..10].chunks(3) {
            let mut turns = turns.to_vec();
            turns.sort_unstable();
            assert_eq!(
                turns,
                ["one.example", "three.example", "two.example"],
                "{turns:?}"
            );
        }
        assert_eq!(turns.len(), 15);
        assert!(turns[10..].iter().all(|turn| *turn == "one.example"));
    });
}

#[test]
fn a_hanging_request_never_blocks_another_fetch() {
    let one_of_each = limits(|limits| {
        limits.requests = 1;
        limits.requests_per_host = 1;
        limits.requests_per_storage_key = 1;
    });
    tell_with(&one_of_each, async |site| {
        // One never answers, one stops in the middle.
        site.serve(
            "silent",
            Resource::pattern(1, 1000).latency(Duration::from_secs(1 << 30)),
        );
        site.serve("stuck", Resource::pattern(1, 1000).stall_for_ever_at(500));
        site.serve("good", Resource::pattern(1, 1000));
        let silent = site.fetch("silent", &["silent"]).await.unwrap();
        site.until(|| site.requests("silent").len() == 1).await;
        let stuck = site.fetch("stuck", &["stuck"]).await.unwrap();
        let started = site.world.clock.now();
        assert_eq!(site.outcome_of("good").await, SUCCESS);
        let took = site.world.clock.now() - started;
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert!(silent.abort().await.unwrap() && stuck.abort().await.unwrap());
    });
}

#[test]
fn a_slow_request_keeps_its_place() {
    tell_with(&limits(|limits| limits.requests = 1), async |site| {
        let slow = Resource::pattern(1, 100)
            .chunks(10)
            .chunk_delay(Duration::from_secs(4));
        site.serve("slow", slow);
        site.serve("next", Resource::pattern(1, 100));
        let first = site.fetch("slow", &["slow"]).await.unwrap();
        site.until(|| site.requests("slow").len() == 1).await;
        assert_eq!(site.outcome_of("next").await, SUCCESS);
        assert_eq!(site.outcome(&first).await, SUCCESS);
        assert_eq!(site.world.network.peak_in_flight(), 1);
    });
}

#[test]
fn a_request_that_hung_and_moves_again_goes_on_beside_its_successor() {
    tell_with(&limits(|limits| limits.requests = 1), async |site| {
        let hung = Resource::pattern(1, 1000).stall_at(500, Duration::from_secs(60));
        site.serve("hung", hung);
        let slow = Resource::pattern(2, 1000)
            .chunks(100)
            .chunk_delay(Duration::from_secs(4));
        site.serve("next", slow);
        let worker = site.reading_worker();
        let registration = site.fetch("hung", &["hung"]).await.unwrap();
        site.until(|| site.requests("hung").len() == 1).await;
        assert_eq!(site.outcome_of("next").await, SUCCESS);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.requests("hung").len(), 1, "it was not stopped");
        assert_eq!(worker.deliveries().len(), 2);
    });
}

#[test]
fn what_waits_to_be_tried_again_is_paused_or_is_aborted_gives_its_place_away() {
    tell_with(&limits(|limits| limits.requests = 1), async |site| {
        site.serve("broken", Resource::bytes("").unreachable().always());
        site.serve("paused", Resource::pattern(1, 1000).etag("v1").hold_at(10));
        site.serve("aborted", Resource::pattern(1, 1000).hold_at(10));
        site.serve("good", Resource::pattern(1, 1000));
        let broken = site.fetch("broken", &["broken"]).await.unwrap();
        site.until(|| site.requests("broken").len() == 1).await;
        let paused = site.fetch("paused", &["paused"]).await.unwrap();
        site.until_held("paused").await;
        let aborted = site.fetch("aborted", &["aborted"]).await.unwrap();
        site.engine().pause(paused.key()).await.unwrap();
        site.until_held("aborted").await;
        assert!(aborted.abort().await.unwrap());
        assert_eq!(site.outcome_of("good").await, SUCCESS);
        assert_eq!(site.world.network.peak_in_flight(), 1);
        assert!(broken.abort().await.unwrap() && paused.abort().await.unwrap());
    });
}

#[test]
fn who_leaves_the_queue_often_leaves_nothing_in_it() {
    // A fetch that waits for its turn is paused and resumed again and again: it still goes, once, and nothing
    // that it left behind stands in the way of the others.
    let one = limits(|limits| limits.requests = 1);
    spec_tests::tell_once(0, &one, spec_tests::QUOTA, async |site| {
        site.serve(
            "first",
            Resource::pattern(1, 1000)
                .chunk_delay(Duration::from_secs(3))
                .hold_at(500),
        );
        site.serve("second", Resource::pattern(2, 1000));
        let first = site.fetch("first", &["first"]).await.unwrap();
        site.until_held("first").await;
        let second = site.fetch("second", &["second"]).await.unwrap();
        for _ in 0..20_000 {
            site.engine().pause(second.key()).await.unwrap();
            background_fetch_sim::yield_now().await;
            site.engine().resume(second.key()).await.unwrap();
            background_fetch_sim::yield_now().await;
        }
        site.release("first");
        assert_eq!(site.outcome(&second).await, SUCCESS);
        assert_eq!(site.outcome(&first).await, SUCCESS);
        assert_eq!(site.requests("second").len(), 1);
        assert_eq!(site.requests("second")[0].sent, pattern(2, 0, 1000).len() as u64);
    });
}
