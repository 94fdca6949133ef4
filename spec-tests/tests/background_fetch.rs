//! Background fetches and their records: the stored body bytes total, and their life beyond the page.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{Aborted, BadStatus, DownloadTotalExceeded};
use background_fetch::BackgroundFetchOptions;
use background_fetch::embedder::FunctionalEventName::{Fail, Success};
use background_fetch_sim::Resource;
use spec_tests::{SITE, SUCCESS, body_of, failure, progress, tell};

fn download_total(bytes: u64) -> BackgroundFetchOptions {
    BackgroundFetchOptions {
        download_total: bytes,
        ..Default::default()
    }
}

#[test]
fn the_stored_body_bytes_total_is_the_sum_over_the_records() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.serve_hanging("b");
        site.serve("missing", Resource::bytes("not here").with_status(404));
        let registration = site.fetch("id", &["a", "b", "missing", "a"]).await.unwrap();
        while registration.downloaded() < 2108 {
            progress(&registration).await;
        }
        assert_eq!(registration.downloaded(), 1000 + 100 + 8 + 1000);
        assert_eq!(site.usage().await, 2108, "what is said is what is stored");
        registration.abort().await.unwrap();
    });
}

#[test]
fn bytes_that_are_thrown_away_are_not_counted() {
    tell(async |site| {
        let changing = Resource::pattern(1, 1000)
            .etag("v1")
            .chunks(100)
            .drop_after(700)
            .after_requests(1, Resource::pattern(2, 300).etag("v2"));
        site.serve("a", changing);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(registration.downloaded(), 300);
        assert_eq!(site.usage().await, 300);
        site.world.service_workers.release();
    });
}

#[test]
fn no_byte_over_the_download_total_is_kept() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).chunks(100).without_length());
        site.world.service_workers.hold();
        for (total, settled) in [
            (1000, SUCCESS),
            (2000, SUCCESS),
            (999, failure(DownloadTotalExceeded)),
            (50, failure(DownloadTotalExceeded)),
        ] {
            let registration = site
                .manager()
                .fetch("id", ["a"], download_total(total))
                .await
                .unwrap();
            assert_eq!(site.settled(&registration).await, settled, "{total}");
            assert!(registration.downloaded() <= total);
        }
        site.world.service_workers.release();
    });
}

#[test]
fn the_download_total_is_shared_by_the_records() {
    tell(async |site| {
        for path in ["a", "b", "c"] {
            site.serve_pattern(path, 1000);
        }
        site.world.service_workers.hold();
        let urls = ["a", "b", "c"];
        let enough = site
            .manager()
            .fetch("enough", urls, download_total(3000))
            .await
            .unwrap();
        assert_eq!(site.settled(&enough).await, SUCCESS);
        let short = site
            .manager()
            .fetch("short", urls, download_total(2999))
            .await
            .unwrap();
        assert_eq!(site.settled(&short).await, failure(DownloadTotalExceeded));
        assert!(short.downloaded() <= 2999);
        site.world.service_workers.release();
    });
}

#[test]
fn the_fetch_goes_on_when_its_page_is_closed() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        site.on_event(async |event| {
            let record = event
                .registration()
                .r#match("a", Default::default())
                .await
                .unwrap();
            assert_eq!(body_of(&record.unwrap()).await.unwrap().len(), 1000);
        });
        let page = site.open_page(SITE);
        let manager = page.realm.background_fetch(&site.registration);
        manager.fetch("id", ["a"], Default::default()).await.unwrap();
        page.event_loop.close();
        drop((page, manager));
        site.world.network.release("https://site.example/a");
        site.pass(Duration::from_secs(10)).await;
        assert_eq!(site.world.service_workers.names(), [Success]);
        assert_eq!(site.usage().await, 0);
    });
}

#[test]
fn records_go_whatever_the_handler_does() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        for handled in [true, false] {
            if handled {
                site.on_event(async |_| {});
            } else {
                site.world.service_workers.end_at_once();
            }
            let registration = site.fetch("id", &["a"]).await.unwrap();
            site.over(&registration).await;
            site.pass(Duration::from_secs(1)).await;
            assert_eq!(site.usage().await, 0);
        }
    });
}

#[test]
fn fetches_of_one_registration_do_not_wait_for_each_other() {
    tell(async |site| {
        site.serve_hanging("hanging");
        site.serve_pattern("good", 10);
        let hanging = site.fetch("hanging", &["hanging"]).await.unwrap();
        let good = site.fetch("good", &["good"]).await.unwrap();
        let bad = site.fetch("bad", &["missing", "hanging"]).await.unwrap();
        assert_eq!(site.settled(&good).await, SUCCESS);
        bad.abort().await.unwrap();
        assert_eq!(site.settled(&bad).await, failure(Aborted));
        hanging.abort().await.unwrap();
        assert_eq!(site.settled(&hanging).await, failure(Aborted));
    });
}

#[test]
fn one_bad_record_fails_the_fetch_and_the_good_ones_stay_readable() {
    tell(async |site| {
        site.serve_pattern("good", 10);
        site.serve("missing", Resource::bytes("not here").with_status(404));
        site.on_event(async |event| {
            assert_eq!(event.name(), Fail);
            let registration = event.registration();
            let good = registration
                .r#match("good", Default::default())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(body_of(&good).await.unwrap().len(), 10);
            let missing = registration
                .r#match("missing", Default::default())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(body_of(&missing).await.unwrap(), b"not here");
        });
        let registration = site.fetch("id", &["good", "missing"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(BadStatus));
        assert_eq!(registration.downloaded(), 18);
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [Fail]);
    });
}

#[test]
fn a_hundred_requests_are_a_hundred_records_in_order() {
    tell(async |site| {
        let paths: Vec<_> = (0..100).map(|index| format!("{index}")).collect();
        for (index, path) in paths.iter().enumerate() {
            site.serve_pattern(path, index as u64);
        }
        site.world.service_workers.hold();
        let urls: Vec<_> = paths.iter().map(String::as_str).collect();
        let registration = site.fetch("id", &urls).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(registration.downloaded(), (0..100).sum::<u64>());
        let records = registration.match_all(None, Default::default()).await.unwrap();
        for (index, record) in records.iter().enumerate() {
            assert_eq!(body_of(record).await.unwrap().len(), index);
        }
        drop(records);
        site.world.service_workers.release();
    });
}
