//! Calls whose turn comes when what they were for is over.

use std::time::Duration;

use background_fetch::ControlError;
use background_fetch::embedder::{MeteredPolicy, Policies};
use background_fetch::inspect::EventKind;
use background_fetch_sim::{Resource, StorageOperation};
use futures::future::join4;
use spec_tests::{exact, tell_with};

#[test]
fn a_pause_whose_turn_comes_after_the_end_finds_nothing_and_is_no_trouble() {
    let policies = Policies {
        metered: MeteredPolicy::Pause,
        ..exact()
    };
    tell_with(&policies, async |site| {
        // Given a background fetch in flight, and others that take their time to be stored
        site.serve("a", Resource::bytes("body").hold_at(1));
        let a = site.fetch("a", &["a"]).await.expect("it starts");
        site.until_held("a").await;
        site.world
            .storage
            .delay(StorageOperation::Create, Duration::from_secs(10));
        let b = site.manager().fetch("b", ["a"], Default::default());
        site.sleep(Duration::from_secs(1)).await;
        // when it is to be settled behind the first of them, and paused behind the second,
        site.release("a");
        site.sleep(Duration::from_secs(1)).await;
        let c = site.manager().fetch("c", ["a"], Default::default());
        let engine = site.engine();
        let (pause, metered) = (engine.pause(a.key()), engine.set_metered(true));
        let (b, c, paused, ()) = join4(b, c, pause, metered).await;
        // then it is over by then, which is what the user hears,
        assert_eq!(paused, Err(ControlError::NotFound));
        assert!(!a.records_available());
        // and the storage has no trouble.
        let trouble = |event: &EventKind| matches!(event, EventKind::StorageTrouble { .. });
        assert!(!site.events().iter().any(trouble));
        engine.set_metered(false).await;
        for started in [b, c] {
            site.outcome(&started.expect("it starts")).await;
        }
    });
}
