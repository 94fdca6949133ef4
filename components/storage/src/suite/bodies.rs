//! Cases: the bytes of bodies.

use background_fetch::ResponseResult;
use background_fetch::embedder::{BodyKey, FetchState, PauseReasons, StorageErrorKind};
use futures::executor::block_on;

use super::world::{World, first, kind, new_fetch, response, settlement, shop};

super::declare_cases! {
    a_body_reads_back_as_it_was_appended,
    a_body_is_read_while_it_is_appended_to,
    a_gap_or_an_overlap_is_refused,
    a_new_response_begins_without_bytes,
    the_same_response_with_another_head_keeps_its_bytes,
    a_settled_record_takes_no_more,
    staged_bodies_are_gone_after_a_restart,
    a_discarded_body_is_gone,
    bytes_appended_before_a_durable_call_survive_a_crash,
    what_a_crash_leaves_is_a_prefix_that_can_be_continued,
}

/// Bytes of which no two stretches are alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|index| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect()
}

/// Below, at and above what a storage may want to keep together in one place.
const LENGTHS: [usize; 6] = [0, 1, 1000, 65_536, 65_537, 300_000];

fn a_body_reads_back_as_it_was_appended(world: &mut World<'_>) {
    for length in LENGTHS {
        let (fetch, bytes) = (world.create_with(1), pattern(length));
        let body = world.respond(first(fetch), 1);
        for (index, part) in bytes.chunks(7000).enumerate() {
            world.append(body, 7000 * index as u64, part).unwrap();
        }
        world.append(body, length as u64, b"").expect("no bytes are fine");
        assert_eq!(world.read_all(body), bytes);
        world.settle(first(fetch), &settlement(ResponseResult::Success));
        assert_eq!(world.read_all(body), bytes, "settled");
        world.reopen();
        let state = world.load_record(first(fetch));
        assert_eq!(state.length, length as u64);
        assert_eq!(world.read_all(body), bytes, "opened again");
        assert_eq!(
            world.read(body, u64::MAX, 1).unwrap(),
            "",
            "nothing is beyond the end"
        );
        assert_eq!(world.read(body, 0, 0).unwrap(), "");
        assert_eq!(world.read(body, length as u64, usize::MAX).unwrap(), "");
        block_on(world.storage().remove(fetch)).unwrap();
    }
}

fn a_body_is_read_while_it_is_appended_to(world: &mut World<'_>) {
    let bytes = pattern(200_000);
    let body = world.respond(first(world.create_with(1)), 1);
    let mut read = 0;
    for (index, part) in bytes.chunks(10_000).enumerate() {
        world.append(body, 10_000 * index as u64, part).unwrap();
        let slice = world.read(body, read as u64, 20_000).unwrap();
        assert_eq!(slice, bytes[read..read + slice.len()]);
        assert!(!slice.is_empty(), "there is always more to read here");
        read += slice.len();
    }
}

fn a_gap_or_an_overlap_is_refused(world: &mut World<'_>) {
    let body = world.respond(first(world.create_with(1)), 1);
    world.append(body, 0, b"abc").unwrap();
    for offset in [0, 2, 4, u64::MAX] {
        world.append(body, offset, b"x").expect_err("the end is at 3");
    }
    world.append(body, 3, b"d").unwrap();
    assert_eq!(world.read_all(body), b"abcd");
}

fn a_new_response_begins_without_bytes(world: &mut World<'_>) {
    for length in LENGTHS {
        let record = first(world.create_with(1));
        let old = world.respond(record, 1);
        world.append(old, 0, &pattern(length)).unwrap();
        let new = world.respond(record, 2);
        assert_eq!(kind(world.read(old, 0, 1)), StorageErrorKind::NotFound);
        assert_eq!(
            kind(world.append(old, length as u64, b"late")),
            StorageErrorKind::NotFound
        );
        assert_eq!(world.read_all(new), b"");
        assert_eq!(world.usage(&shop()), 0);
        world.append(new, 0, b"new").unwrap();
        world.reopen();
        assert_eq!(world.load_record(record).length, 3);
        assert_eq!(*world.load_record(record).response.unwrap(), response("v2"));
        assert_eq!(world.read_all(new), b"new");
        block_on(world.storage().remove(record.fetch)).unwrap();
    }
}

fn the_same_response_with_another_head_keeps_its_bytes(world: &mut World<'_>) {
    let record = first(world.create_with(1));
    let body = world.respond(record, 1);
    world.append(body, 0, b"kept").unwrap();
    block_on(world.storage().set_response(record, 1, &response("other"))).unwrap();
    world.reopen();
    let state = world.load_record(record);
    assert_eq!((state.generation, state.length), (1, 4));
    assert_eq!(*state.response.unwrap(), response("other"));
    assert_eq!(world.read_all(body), b"kept");
}

fn a_settled_record_takes_no_more(world: &mut World<'_>) {
    let record = first(world.create_with(1));
    let body = world.respond(record, 1);
    world.append(body, 0, b"all").unwrap();
    world.settle(record, &settlement(ResponseResult::Success));
    world.append(body, 3, b"more").expect_err("it is settled");
    block_on(world.storage().set_response(record, 2, &response("v2"))).expect_err("it is settled");
    assert_eq!(world.read_all(body), b"all");
}

fn staged_bodies_are_gone_after_a_restart(world: &mut World<'_>) {
    let small = world.stage(&shop(), &[b"small"]);
    let large = world.stage(&shop(), &[&pattern(200_000)]);
    assert_eq!(world.usage(&shop()), 200_005);
    world.reopen();
    assert_eq!(world.load(), []);
    for body in [small, large] {
        assert_eq!(
            kind(world.read(BodyKey::Staged(body), 0, 1)),
            StorageErrorKind::NotFound
        );
    }
    assert_eq!(world.usage(&shop()), 0);
}

fn a_discarded_body_is_gone(world: &mut World<'_>) {
    for length in LENGTHS {
        let body = world.stage(&shop(), &[&pattern(length)]);
        block_on(world.storage().discard(body)).unwrap();
        block_on(world.storage().discard(body)).expect("discarding what is gone is no error");
        assert_eq!(
            kind(world.read(BodyKey::Staged(body), 0, 1)),
            StorageErrorKind::NotFound
        );
        assert_eq!(world.usage(&shop()), 0);
    }
}

fn bytes_appended_before_a_durable_call_survive_a_crash(world: &mut World<'_>) {
    for length in LENGTHS {
        let bytes = pattern(length);
        let upload = world.stage(&shop(), &[&bytes]);
        let mut new = new_fetch("https://shop.example/", "id", 1);
        new.records[0].body = Some(upload);
        let record = first(world.create(&new));
        let body = world.respond(record, 1);
        world.append(body, 0, &bytes).unwrap();
        block_on(world.storage().set_paused(record.fetch, PauseReasons::default())).unwrap();
        world.reopen_without_flush();
        assert_eq!(world.load_record(record).length, length as u64);
        assert_eq!(world.read_all(body), bytes);
        assert_eq!(world.read_all(BodyKey::Request(record)), bytes);

        world.append(body, length as u64, b"the end").unwrap();
        world.settle(record, &settlement(ResponseResult::Success));
        block_on(world.storage().set_state(record.fetch, FetchState::Delivered)).unwrap();
        world.reopen_without_flush();
        assert!(world.load_record(record).settlement.is_some());
        assert_eq!(world.read_all(body), [&bytes[..], b"the end"].concat());
        block_on(world.storage().remove(record.fetch)).unwrap();
    }
}

fn what_a_crash_leaves_is_a_prefix_that_can_be_continued(world: &mut World<'_>) {
    let bytes = pattern(250_000);
    let record = first(world.create_with(1));
    let mut body = world.respond(record, 1);
    while world.load_record(record).length < bytes.len() as u64 {
        let start = world.load_record(record).length as usize;
        for part in bytes[start..].chunks(20_000).take(5) {
            let offset = world.load_record(record).length;
            world.append(body, offset, part).unwrap();
        }
        // Once in the middle without a flush, which may lose something; then in good order, so that it ends.
        if start == 0 {
            world.reopen_without_flush()
        } else {
            world.reopen()
        }
        let state = world.load_record(record);
        assert_eq!(
            world.read_all_of(body, state.response.is_some()),
            bytes[..state.length as usize]
        );
        if state.response.is_none() {
            body = world.respond(record, 1);
        }
        world.reopen();
    }
    assert_eq!(world.read_all(body), bytes);
}

impl World<'_> {
    /// The bytes of a body, none where its response was lost.
    fn read_all_of(&self, body: BodyKey, exists: bool) -> Vec<u8> {
        if exists { self.read_all(body) } else { Vec::new() }
    }
}
