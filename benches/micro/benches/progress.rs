//! What happens while bytes arrive: a chunk's way, reading it, and progress in many realms.

use background_fetch::BackgroundFetchOptions;
use background_fetch::fetch::Client;
use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use futures::StreamExt;
use micro_benchmarks::network::Exchange;
use micro_benchmarks::{Page, World};

const CHUNK: usize = 16 << 10;

fn main() {
    divan::main();
}

/// A response that arrives.
fn arriving(world: &World) -> Exchange {
    let exchange = world.network.take().expect("the request is sent");
    exchange.respond(1 << 40);
    world.pass_progress_interval();
    exchange
}

/// From the network into storage.
#[divan::bench(sample_count = 100, sample_size = 50)]
fn chunk(bencher: Bencher<'_, '_>) {
    let world = World::default();
    let _registration = world.fetch_files("f", 1);
    let exchange = arriving(&world);
    let bytes = Bytes::from(vec![7; CHUNK]);
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        exchange.send_bytes(bytes.clone());
        world.settle_down();
    });
}

/// From the network through storage to a script that reads the body while it grows.
#[divan::bench(sample_count = 100, sample_size = 50)]
fn read_while_it_grows(bencher: Bencher<'_, '_>) {
    let world = World::default();
    let registration = world.fetch_files("f", 1);
    let exchange = arriving(&world);
    let records = world.run(registration.match_all(None, Default::default()));
    let record = records.expect("they are available").remove(0);
    let response = world.run(record.response_ready()).expect("there is a response");
    let mut body = response.take_body().expect("it has a body");
    let bytes = Bytes::from(vec![7; CHUNK]);
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        exchange.send_bytes(bytes.clone());
        let read = world.run(body.next()).expect("it goes on").expect("it is there");
        assert_eq!(read.len(), CHUNK);
    });
}

/// Progress in realms that watch: each has an instance and a listener.
#[divan::bench(args = [1, 10, 100])]
fn update(bencher: Bencher<'_, '_>, realms: usize) {
    let world = World::default();
    let registration = world.fetch_files("f", 1);
    registration.on_progress(|_| {});
    let others: Vec<Page> = (1..realms).map(|_| world.open_page()).collect();
    for page in &others {
        let found = world.run(world.manager_in(page).get("f")).expect("it answers");
        found.expect("it is active").on_progress(|_| {});
    }
    update_once(bencher, &world);
}

/// Progress in one realm that watches, with so many realms of other sites beside it.
#[divan::bench(args = [0, 100, 1_000])]
fn update_beside_others(bencher: Bencher<'_, '_>, realms: usize) {
    let world = World::default();
    let options = BackgroundFetchOptions::default();
    let promise = world.manager().fetch("f", ["file.bin"], options);
    let registration = world.run(promise).expect("it starts");
    registration.on_progress(|_| {});
    let _others: Vec<Page> = (0..realms)
        .map(|number| {
            let site = format!("https://other-{number}.example/");
            world.open_page_of(Client::page(site.parse().expect("a URL")))
        })
        .collect();
    world.settle_down();
    update_once(bencher, &world);
}

fn update_once(bencher: Bencher<'_, '_>, world: &World) {
    let exchange = arriving(world);
    let bytes = Bytes::from_static(&[7; 64]);
    bencher.bench_local(|| {
        exchange.send_bytes(bytes.clone());
        world.pass_progress_interval();
    });
}
