//! Contains background fetch: the map holds this very background fetch, not another of its id.

use background_fetch::BackgroundFetchFailureReason::Aborted;
use background_fetch::embedder::FunctionalEventName::{Abort, Success};
use spec_tests::{SUCCESS, failure, tell};

#[test]
fn an_aborted_fetch_does_not_take_away_its_successor() {
    tell(async |site| {
        site.serve_hanging("hanging");
        site.serve_pattern("good", 10);
        let first = site.fetch("id", &["hanging"]).await.unwrap();
        assert!(first.abort().await.unwrap());
        let second = site.fetch("id", &["hanging"]).await.unwrap();
        assert_eq!(first.abort().await, Ok(false), "the id stands for another one");
        assert_eq!(site.settled(&first).await, failure(Aborted));
        site.over(&first).await;
        let found = site.manager().get("id").await.unwrap();
        assert_eq!(found, Some(second.clone()), "settling the first left it");
        assert_eq!(second.abort().await, Ok(true));
        assert_eq!(site.settled(&second).await, failure(Aborted));
    });
}

#[test]
fn a_finished_fetch_does_not_take_away_its_successor() {
    tell(async |site| {
        site.serve_hanging("hanging");
        site.serve_pattern("good", 10);
        site.world.service_workers.hold();
        let first = site.fetch("id", &["good"]).await.unwrap();
        assert_eq!(site.settled(&first).await, SUCCESS);
        let second = site.fetch("id", &["hanging"]).await.unwrap();
        assert_eq!(first.abort().await, Ok(false));
        site.world.service_workers.release();
        site.over(&first).await;
        assert_eq!(site.manager().get("id").await.unwrap(), Some(second.clone()));
        second.abort().await.unwrap();
        site.over(&second).await;
        assert_eq!(site.world.service_workers.names(), [Success, Abort]);
    });
}

#[test]
fn after_a_restart_too() {
    tell(async |site| {
        site.serve_hanging("hanging");
        site.world.service_workers.hold();
        let first = site.fetch("id", &["hanging"]).await.unwrap();
        first.abort().await.unwrap();
        let second = site.fetch("id", &["hanging"]).await.unwrap().key();
        site.crash_and_restart().await;
        let found = site.manager().get("id").await.unwrap().unwrap();
        assert_eq!(found.key(), second);
        assert!(found.abort().await.unwrap());
        site.world.service_workers.release();
        site.over(&found).await;
    });
}
