//! What happens while bytes arrive.

use bytes::Bytes;
use futures::StreamExt;

use super::{HotPath, counted};
use crate::World;

pub(super) const CHUNK: HotPath = HotPath {
    name: "chunk",
    what: "a chunk's way from the network into storage, and into progress",
    times: 1_000,
    run: chunk,
};

pub(super) const READ: HotPath = HotPath {
    name: "read",
    what: "a chunk's way to a script that reads the body while it grows",
    times: 1_000,
    run: read,
};

pub(super) const RECORD: HotPath = HotPath {
    name: "record",
    what: "a record of one chunk, from its turn to its settlement",
    times: 100,
    run: record,
};

pub(super) const UPDATE_INSTANCES: HotPath = HotPath {
    name: "update-instances",
    what: "a progress update of 100 realms",
    times: 10,
    run: update_instances,
};

const CHUNK_BYTES: Bytes = Bytes::from_static(&[7; 64]);

fn chunk(times: u64) {
    let world = World::default();
    let _registration = world.fetch_files("f", 1);
    let exchange = world.network.take().expect("the request is sent");
    exchange.respond(1 << 40);
    world.settle_down();
    counted(&mut || {
        for _ in 0..times {
            exchange.send_bytes(CHUNK_BYTES);
            world.settle_down();
        }
    });
}

fn read(times: u64) {
    let world = World::default();
    let registration = world.fetch_files("f", 1);
    let exchange = world.network.take().expect("the request is sent");
    exchange.respond(1 << 40);
    world.settle_down();
    let records = world.run(registration.match_all(None, Default::default()));
    let record = records.expect("they are available").remove(0);
    let response = world.run(record.response_ready()).expect("there is a response");
    let mut body = response.take_body().expect("it has a body");
    counted(&mut || {
        for _ in 0..times {
            exchange.send_bytes(CHUNK_BYTES);
            let read = world.run(body.next()).expect("it goes on").expect("it is there");
            assert_eq!(read.len(), CHUNK_BYTES.len());
        }
    });
}

fn record(times: u64) {
    let world = World::default();
    // More, so that the background fetch itself is not settled.
    let _registration = world.fetch_files("f", times as usize + 20);
    counted(&mut || {
        for _ in 0..times {
            let exchange = world.network.take().expect("the request is sent");
            exchange.respond(CHUNK_BYTES.len() as u64);
            exchange.send_bytes(CHUNK_BYTES);
            drop(exchange);
            world.settle_down();
        }
    });
}

fn update_instances(times: u64) {
    let world = World::default();
    let _registration = world.fetch_files("f", 1);
    let pages: Vec<_> = (0..99).map(|_| world.open_page()).collect();
    for page in &pages {
        let found = world.run(world.manager_in(page).get("f"));
        found.expect("it is looked for").expect("it is active");
    }
    let exchange = world.network.take().expect("the request is sent");
    exchange.respond(1 << 40);
    world.pass_progress_interval();
    counted(&mut || {
        for _ in 0..times {
            exchange.send_bytes(CHUNK_BYTES);
            world.pass_progress_interval();
        }
    });
}
