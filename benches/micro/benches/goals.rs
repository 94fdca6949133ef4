//! The figures that have a goal, in one table: `cargo bench -p micro-benchmarks --bench goals`.
//!
//! `MICRO_MIB` is how much is written to the disk in each run (256), `MICRO_RUNS` how often (5). A goal that is not met is
//! said, and fails nothing: how fast a machine is right now is its own business.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch_storage::{Options, ProfileStorage};
use futures::executor::block_on;
use micro_benchmarks::World;
use micro_benchmarks::profile::{Load, append_to_profile, append_to_raw_files};
use micro_benchmarks::start::{Owners, start};
use micro_benchmarks::stored::create_all;
use micro_benchmarks::world::url;

fn main() {
    let runs = number("MICRO_RUNS", 5).max(1);
    println!("{:<62} {:>12} {:>12}", "figure", "measured", "goal");
    appending(number("MICRO_MIB", 256), runs);
    starting(runs);
    matching();
}

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    given.unwrap_or(otherwise)
}

fn line(figure: &str, measured: &str, goal: &str, met: bool) {
    let met = if met { "met" } else { "NOT MET" };
    println!("{figure:<62} {measured:>12} {goal:>12}  {met}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("there is a folder")
}

/// Raw files and the profile by turns, in one run: how fast the disk is cancels out.
fn appending(mib: u64, runs: u64) {
    for threads in [true, false] {
        let bodies = 8;
        let load = Load {
            bodies,
            length: (mib << 20) / bodies as u64,
            chunk: 64 << 10,
            threads,
        };
        let (mut raw, mut profile) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            raw.push(append_to_raw_files(folder().path(), load).expect("the disk takes it"));
            profile.push(append_to_profile(folder().path(), load));
        }
        let (raw, profile) = (median(raw), median(profile));
        let ratio = raw.as_secs_f64() / profile.as_secs_f64();
        let how = if threads { "a thread each" } else { "by turns" };
        line(
            &format!("speed of 8 bodies in a profile over raw files, {how}"),
            &format!("{ratio:.2}"),
            "0.9",
            ratio >= 0.9,
        );
        let rate = |time: Duration| mib as f64 / time.as_secs_f64();
        println!("    {:.0} MiB/s over {:.0} MiB/s", rate(profile), rate(raw));
    }
}

fn starting(runs: u64) {
    for owners in Owners::ALL {
        let folder = folder();
        let open = || ProfileStorage::open(folder.path(), Options::default()).expect("the profile opens");
        {
            let storage = open();
            block_on(create_all(&storage, &owners.fetches(1_000, 10))).expect("they are created");
        }
        let times = (0..runs).map(|_| {
            let (time, world) = start(|| Arc::new(open()));
            let sent = std::iter::from_fn(|| world.network.take()).count();
            assert_eq!(sent, owners.requests_at_once(), "{}", owners.words());
            time
        });
        let time = median(times.collect());
        line(
            &format!("start with 1,000 fetches of 10 records, {}", owners.words()),
            &format!("{:.0} ms", time.as_secs_f64() * 1000.0),
            "1000 ms",
            time < Duration::from_secs(1),
        );
    }
}

/// `match` of one URL among few and among many records.
fn matching() {
    let times = [100, 10_000, 100_000].map(|records| {
        let world = World::default();
        let registration = world.fetch_files("f", records);
        let look = |index| {
            let begun = Instant::now();
            let found = world.run(registration.r#match(url(index), Default::default()));
            assert!(found.expect("it answers").is_some());
            begun.elapsed()
        };
        let first = look(0);
        let later = median((0..records).step_by(records / 100).map(look).collect());
        println!("    match among {records:>6}: the first {first:.1?}, the others {later:.1?}");
        later
    });
    let ratio = times[2].as_secs_f64() / times[0].as_secs_f64();
    line(
        "match among 100,000 records over match among 100",
        &format!("{ratio:.1}"),
        "2",
        ratio <= 2.0,
    );
}
