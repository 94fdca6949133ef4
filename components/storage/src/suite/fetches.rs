//! Cases: background fetches and their records.

use background_fetch::embedder::{BodyKey, FetchState, PauseReasons, RecordState, StorageErrorKind};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchResult, DomString, FetchKey, ImageResource, RecordKey,
    RegistrationKey, ResponseResult,
};
use futures::executor::block_on;

use super::world::{World, first, kind, new_fetch, response, settlement, shop, url};

super::declare_cases! {
    a_new_storage_is_empty,
    what_was_created_is_loaded_as_it_was,
    keys_increase_and_are_never_used_again,
    ids_that_differ_in_lone_surrogates_alone_stay_different,
    the_progress_of_records_is_loaded,
    the_first_failure_is_the_one_that_was_settled_first,
    an_upload_resource_survives_a_crash_once_it_is_set,
    states_and_user_interface_survive_a_crash_once_they_are_set,
    removing_leaves_nothing_and_may_be_repeated,
    clearing_a_registration_removes_its_fetches_and_no_others,
    what_is_not_there_is_not_found,
    a_response_cannot_go_back_to_an_earlier_one,
    creation_takes_staged_bodies_all_or_none,
}

fn a_new_storage_is_empty(world: &mut World<'_>) {
    assert_eq!(world.load(), []);
    assert_eq!(world.usage(&shop()), 0);
}

fn what_was_created_is_loaded_as_it_was(world: &mut World<'_>) {
    let new = new_fetch("https://shop.example/app/", "id", 3);
    let empty = new_fetch("https://shop.example/app/", "", 0);
    let keys = [world.create(&new), world.create(&empty)];
    world.reopen_without_flush();

    let loaded = world.load();
    assert_eq!(loaded.len(), 2, "creation is durable when it returns");
    for ((key, new), stored) in keys.into_iter().zip([new, empty]).zip(loaded) {
        assert_eq!(stored.key, key, "oldest first");
        assert_eq!(stored.registration, new.registration);
        assert_eq!(
            (stored.id, stored.title, stored.icons),
            (new.id, new.title, new.icons)
        );
        assert_eq!(
            (stored.download_total, stored.upload_total),
            (new.download_total, new.upload_total)
        );
        assert_eq!((stored.client, stored.paused), (new.client, new.paused));
        assert_eq!(stored.state, FetchState::Active);
        assert_eq!(stored.first_failure, BackgroundFetchFailureReason::Empty);
        assert_eq!(stored.records.len(), new.records.len());
        for (stored, new) in stored.records.iter().zip(new.records) {
            assert_eq!(stored.request, new.request);
            assert_eq!(stored.state, RecordState::default());
        }
    }
}

fn keys_increase_and_are_never_used_again(world: &mut World<'_>) {
    let one = world.create_with(1);
    let two = world.create_with(1);
    block_on(world.storage().remove(two)).unwrap();
    world.reopen();
    let three = world.create_with(1);
    assert!(one < two && two < three, "{one} < {two} < {three}");
}

fn ids_that_differ_in_lone_surrogates_alone_stay_different(world: &mut World<'_>) {
    let ids = [
        &[0xD800u16][..],
        &[0xDC00],
        &[0xFFFD],
        &[0xDC00, 0xD800],
        &[0, 0x61, 0],
        &[],
    ];
    let ids = ids.map(DomString::from_code_units);
    for id in &ids {
        world.create(&new_fetch("https://shop.example/", id.clone(), 1));
    }
    world.reopen_without_flush();
    let loaded: Vec<_> = world.load().into_iter().map(|fetch| fetch.id).collect();
    assert_eq!(loaded, ids);
}

fn the_progress_of_records_is_loaded(world: &mut World<'_>) {
    let fetch = world.create_with(2);
    let [one, two] = [first(fetch), RecordKey { fetch, index: 1 }];
    let body = world.respond(one, 1);
    world.append(body, 0, b"part").unwrap();
    world.respond(two, u64::MAX);
    block_on(world.storage().mark_sent(two)).unwrap();
    world.settle(two, &settlement(ResponseResult::Success));
    world.reopen();

    let state = world.load_record(one);
    assert_eq!((state.generation, state.length, state.sent), (1, 4, false));
    assert_eq!(*state.response.unwrap(), response("v1"));
    assert_eq!(state.settlement, None);
    let state = world.load_record(two);
    assert_eq!((state.generation, state.length, state.sent), (u64::MAX, 0, true));
    assert_eq!(state.settlement, Some(settlement(ResponseResult::Success)));
}

fn the_first_failure_is_the_one_that_was_settled_first(world: &mut World<'_>) {
    let fetch = world.create_with(3);
    let results = [
        ResponseResult::Success,
        ResponseResult::QuotaExceeded,
        ResponseResult::BadStatus,
    ];
    for (index, result) in results.into_iter().enumerate().rev() {
        world.settle(RecordKey { fetch, index }, &settlement(result));
    }
    world.reopen();
    assert_eq!(
        world.load()[0].first_failure,
        BackgroundFetchFailureReason::BadStatus
    );
}

fn an_upload_resource_survives_a_crash_once_it_is_set(world: &mut World<'_>) {
    let fetch = world.create_with(2);
    let record = RecordKey { fetch, index: 1 };
    block_on(world.storage().mark_sent(record)).unwrap();
    for upload in ["https://shop.example/uploads/1", "http://[::1]:8080/?a=%20b"] {
        let upload = url(upload);
        block_on(world.storage().set_upload(record, &upload)).unwrap();
        world.reopen_without_flush();
        let state = world.load_record(record);
        assert_eq!((state.sent, state.upload), (true, Some(upload)));
        assert_eq!(world.load_record(first(fetch)).upload, None);
    }
}

fn states_and_user_interface_survive_a_crash_once_they_are_set(world: &mut World<'_>) {
    let fetch = world.create_with(1);
    let icons = [ImageResource {
        src: "other".to_owned(),
        ..ImageResource::default()
    }];
    let settled = FetchState::Settled {
        result: BackgroundFetchResult::Failure,
        failure_reason: BackgroundFetchFailureReason::DownloadTotalExceeded,
    };
    let metered = PauseReasons {
        user: true,
        permission: false,
        metered: true,
    };
    for state in [FetchState::Aborted, settled, FetchState::Delivered] {
        block_on(world.storage().set_state(fetch, state)).unwrap();
        world.reopen_without_flush();
        assert_eq!(world.load()[0].state, state);
    }
    block_on(world.storage().set_paused(fetch, metered)).unwrap();
    world.reopen_without_flush();
    assert_eq!(world.load()[0].paused, metered);
    let title = DomString::from_code_units([0xD800]);
    block_on(world.storage().set_ui(fetch, &title, &icons)).unwrap();
    block_on(world.storage().mark_sent(first(fetch))).unwrap();
    world.reopen_without_flush();
    let loaded = world.load().remove(0);
    assert_eq!((loaded.title, loaded.icons), (title, icons.to_vec()));
    assert!(loaded.records[0].state.sent);
}

fn removing_leaves_nothing_and_may_be_repeated(world: &mut World<'_>) {
    let fetch = world.create_with(1);
    let body = world.respond(first(fetch), 1);
    world.append(body, 0, b"bytes").unwrap();
    block_on(world.storage().remove(fetch)).unwrap();
    block_on(world.storage().remove(fetch)).expect("removing what is gone is no error");
    assert_eq!(kind(world.read(body, 0, 10)), StorageErrorKind::NotFound);
    assert_eq!(kind(world.append(body, 5, b"more")), StorageErrorKind::NotFound);
    assert_eq!(world.usage(&shop()), 0);
    world.reopen_without_flush();
    assert_eq!(world.load(), []);
}

fn clearing_a_registration_removes_its_fetches_and_no_others(world: &mut World<'_>) {
    let [app, other] = ["https://shop.example/app/", "https://shop.example/other/"];
    let cleared = [app, app].map(|scope| world.create(&new_fetch(scope, "id", 2)));
    let kept = world.create(&new_fetch(other, "id", 1));
    let body = world.respond(first(cleared[0]), 1);
    world.append(body, 0, b"bytes").unwrap();
    block_on(world.storage().clear(&RegistrationKey::of(url(app)))).unwrap();
    assert_eq!(world.usage(&shop()), 0);
    world.reopen_without_flush();
    let loaded: Vec<_> = world.load().iter().map(|fetch| fetch.key).collect();
    assert_eq!(loaded, [kept]);
}

fn what_is_not_there_is_not_found(world: &mut World<'_>) {
    let fetch = world.create_with(1);
    let storage = world.storage();
    let past_the_end = RecordKey {
        fetch,
        index: usize::MAX,
    };
    for gone in [FetchKey(0), FetchKey(u64::MAX), FetchKey(fetch.0 + 1)] {
        let calls = [
            storage.set_state(gone, FetchState::Aborted),
            storage.set_paused(gone, PauseReasons::default()),
            storage.mark_sent(first(gone)),
            storage.mark_sent(past_the_end),
        ];
        for call in calls {
            assert_eq!(kind(block_on(call)), StorageErrorKind::NotFound);
        }
    }
    let head = response("v1");
    assert_eq!(
        kind(block_on(storage.set_response(past_the_end, 1, &head))),
        StorageErrorKind::NotFound
    );
    assert_eq!(
        kind(block_on(
            storage.set_upload(past_the_end, &url("https://a.example/"))
        )),
        StorageErrorKind::NotFound
    );
    let settled = settlement(ResponseResult::Success);
    assert_eq!(
        kind(block_on(storage.settle_record(past_the_end, &settled))),
        StorageErrorKind::NotFound
    );
    let record = first(fetch);
    for generation in [0, 1] {
        let body = BodyKey::Response { record, generation };
        assert_eq!(kind(world.read(body, 0, 1)), StorageErrorKind::NotFound);
        assert_eq!(kind(world.append(body, 0, b"x")), StorageErrorKind::NotFound);
    }
    assert_eq!(
        kind(world.read(BodyKey::Request(record), 0, 1)),
        StorageErrorKind::NotFound
    );
}

fn a_response_cannot_go_back_to_an_earlier_one(world: &mut World<'_>) {
    let record = first(world.create_with(1));
    let head = response("v0");
    assert_eq!(
        kind(block_on(world.storage().set_response(record, 0, &head))),
        StorageErrorKind::NotFound
    );
    world.respond(record, 5);
    assert_eq!(
        kind(block_on(world.storage().set_response(record, 4, &head))),
        StorageErrorKind::NotFound
    );
    assert_eq!(world.load_record(record).generation, 5);
}

fn creation_takes_staged_bodies_all_or_none(world: &mut World<'_>) {
    let upload = world.stage(&shop(), &[b"an ", b"upload"]);
    let mut new = new_fetch("https://shop.example/", "id", 2);
    new.records[1].body = Some(upload);

    // The same body twice, and a body of somebody else's.
    new.records[0].body = Some(upload);
    assert_eq!(
        kind(block_on(world.storage().create(&new))),
        StorageErrorKind::NotFound
    );
    let foreign = world.stage(&background_fetch::fetch::StorageKey::new("other"), &[b"other"]);
    new.records[0].body = Some(foreign);
    assert_eq!(
        kind(block_on(world.storage().create(&new))),
        StorageErrorKind::NotFound
    );
    assert_eq!(
        world.read_all(BodyKey::Staged(upload)),
        b"an upload",
        "it is still staged"
    );

    new.records[0].body = None;
    let fetch = world.create(&new);
    assert_eq!(
        kind(world.read(BodyKey::Staged(upload), 0, 1)),
        StorageErrorKind::NotFound
    );
    let request = BodyKey::Request(RecordKey { fetch, index: 1 });
    assert_eq!(
        kind(world.append(request, 9, b"x")),
        StorageErrorKind::NotFound,
        "it is whole"
    );
    world.reopen_without_flush();
    assert_eq!(world.load().len(), 1);
    assert_eq!(
        world.read_all(BodyKey::Request(RecordKey { fetch, index: 1 })),
        b"an upload"
    );
}
