//! Cases: the quota of a storage key.

use background_fetch::embedder::{BodyKey, StorageErrorKind};
use background_fetch::fetch::StorageKey;
use futures::executor::block_on;

use super::QUOTA;
use super::world::{World, first, kind, new_fetch, shop};

super::declare_cases! {
    usage_counts_bodies_of_requests_and_responses,
    a_write_over_the_quota_stores_nothing,
    what_is_removed_may_be_used_again,
    each_storage_key_has_a_quota_of_its_own,
}

fn usage_counts_bodies_of_requests_and_responses(world: &mut World<'_>) {
    let upload = world.stage(&shop(), &[&[1; 100]]);
    assert_eq!(world.usage(&shop()), 100, "staged");
    let mut new = new_fetch("https://shop.example/", "id", 1);
    new.records[0].body = Some(upload);
    let record = first(world.create(&new));
    let body = world.respond(record, 1);
    world.append(body, 0, &[2; 70_000]).unwrap();
    assert_eq!(world.usage(&shop()), 70_100);
    world.reopen();
    assert_eq!(world.usage(&shop()), 70_100, "opened again");
    let estimate = block_on(world.storage().estimate(&shop())).unwrap();
    assert_eq!((estimate.quota, estimate.free()), (QUOTA, QUOTA - 70_100));
}

fn a_write_over_the_quota_stores_nothing(world: &mut World<'_>) {
    let record = first(world.create_with(1));
    let body = world.respond(record, 1);
    world.append(body, 0, &vec![1; QUOTA as usize - 10]).unwrap();
    let refused = world.append(body, QUOTA - 10, &[2; 11]);
    assert_eq!(kind(refused), StorageErrorKind::QuotaExceeded);
    assert_eq!(world.usage(&shop()), QUOTA - 10);
    assert_eq!(world.load_record(record).length, QUOTA - 10);
    let staged = world.stage(&shop(), &[]);
    assert_eq!(
        kind(world.append(BodyKey::Staged(staged), 0, &[3; 11])),
        StorageErrorKind::QuotaExceeded
    );
    world
        .append(body, QUOTA - 10, &[2; 10])
        .expect("to the last byte");
    assert_eq!(
        kind(world.append(body, QUOTA, b"x")),
        StorageErrorKind::QuotaExceeded
    );
    world
        .append(body, QUOTA, b"")
        .expect("no bytes are no more bytes");
}

fn what_is_removed_may_be_used_again(world: &mut World<'_>) {
    for _ in 0..3 {
        let fetch = world.create_with(1);
        let body = world.respond(first(fetch), 1);
        world.append(body, 0, &vec![1; QUOTA as usize]).unwrap();
        block_on(world.storage().remove(fetch)).unwrap();
    }
    assert_eq!(world.usage(&shop()), 0);
}

fn each_storage_key_has_a_quota_of_its_own(world: &mut World<'_>) {
    let keys = [
        shop(),
        StorageKey::new("https://other.example^partition"),
        StorageKey::new(""),
    ];
    for key in &keys {
        world.stage(key, &[&vec![1; QUOTA as usize]]);
    }
    for key in &keys {
        assert_eq!(world.usage(key), QUOTA);
    }
}
