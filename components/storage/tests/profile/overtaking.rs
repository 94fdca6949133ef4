//! What is asked for while the writer is busy with something older.

use background_fetch::RecordKey;
use background_fetch::embedder::{PauseReasons, Storage};
use futures::FutureExt;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern};

#[test]
fn a_pause_does_not_vouch_for_a_response_that_came_after_it() {
    for generation in [1, 2] {
        // Given a database that another program keeps locked
        let mut profile = Profile::new();
        let storage = profile.open();
        let fetch = storage.create_with(2);
        let record = RecordKey { fetch, index: 1 };
        if generation == 2 {
            let replaced = storage.respond(record, 1);
            storage.append_at(replaced, 0, &pattern(100)).unwrap();
        }
        block_on(storage.flush()).unwrap();
        let mut database = profile.database();
        let locked = database
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .unwrap();
        // and a pause that waits for it,
        let mut pause = storage.set_paused(fetch, PauseReasons::default());
        assert!((&mut pause).now_or_never().is_none());
        // when the response of a record comes
        let body = storage.respond(record, generation);
        storage.append_at(body, 0, &pattern(1000)).unwrap();
        locked.rollback().unwrap();
        block_on(pause).unwrap();
        // and the record is settled,
        storage.settle(record);
        block_on(storage.set_paused(fetch, PauseReasons::default())).unwrap();
        // then it is there, now
        assert_eq!(storage.read_all(body), pattern(1000));
        // and after the machine went down.
        drop(storage);
        profile.reboot();
        let storage = profile.open();
        assert_eq!(storage.load_record(record).length, 1000);
        assert_eq!(storage.read_all(body), pattern(1000));
    }
}
