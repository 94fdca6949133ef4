//! Perform a background fetch.

use background_fetch::embedder::FunctionalEventName;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult};
use background_fetch_sim::{Resource, pattern};
use spec_tests::{body_of, tell};

#[test]
fn every_record_succeeds_and_the_worker_reads_the_bodies() {
    tell(async |site| {
        for name in ["a", "b", "c"] {
            let length = 3000 + name.len() as u64;
            site.world.network.serve(
                format!("https://site.example/{name}"),
                Resource::pattern(1, length),
            );
        }
        site.on_event(async |event| {
            let records = event
                .registration()
                .match_all(None, Default::default())
                .await
                .unwrap();
            assert_eq!(records.len(), 3);
            for record in records {
                assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 3001));
            }
        });
        let registration = site.fetch("id", &["a", "b", "c"]).await.unwrap();
        let settled = site.settled(&registration).await;
        assert_eq!(
            settled,
            (
                BackgroundFetchResult::Success,
                BackgroundFetchFailureReason::Empty
            )
        );
        assert_eq!(registration.downloaded(), 9003);
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Success]);
    });
}
