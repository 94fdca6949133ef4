//! A process that is killed in the middle of its work.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, Storage};
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern, pattern_from, success};

/// Set for the process that is to be killed: its profile.
const VICTIM: &str = "BACKGROUND_FETCH_STORAGE_VICTIM";

const RECORDS: usize = 4;

/// What may be lost of a body: what waits in memory, and the append that was not answered.
const LOST: u64 = 64 << 10;

#[test]
fn a_killed_process_loses_almost_nothing_and_leaves_a_prefix() {
    let mut profile = Profile::new();
    // The machine's real boot id, as the killed process has it.
    profile.options.boot_id = None;
    for round in 0..3 {
        // Given a process that appends to four bodies, and says how far it is
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::victim", "--nocapture"])
            .env(VICTIM, profile.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; RECORDS];
        for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((index, length)) = line.strip_prefix("at ").and_then(|line| line.split_once(' ')) else {
                continue;
            };
            said[index.parse::<usize>().unwrap()] = length.parse().unwrap();
            // when it is killed
            if said.iter().sum::<u64>() > (round + 1) * 1_000_000 {
                victim.kill().unwrap();
                break;
            }
        }
        victim.wait().unwrap();
        assert!(round > 0 || said.iter().all(|said| *said > 0), "it was at work");
        // then what it said is there.
        let storage = profile.open();
        let fetch = storage.load_all().remove(0);
        for (index, (record, said)) in fetch.records.iter().zip(said).enumerate() {
            let record_key = RecordKey {
                fetch: fetch.key,
                index,
            };
            let body = BodyKey::Response {
                record: record_key,
                generation: 1,
            };
            let length = record.state.length;
            assert!(length + LOST >= said, "{length} of {said} bytes are left");
            if record.state.response.is_some() {
                assert_eq!(storage.read_all(body), pattern(length as usize));
            }
        }
    }
}

/// Not a test: what runs in the process that is killed.
#[test]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let storage = background_fetch_storage::ProfileStorage::open(path, Default::default()).unwrap();
    let mut fetches = storage.load_all();
    let fetch = match fetches.pop() {
        Some(fetch) => fetch,
        None => {
            storage.create_with(RECORDS);
            storage.load_all().remove(0)
        }
    };
    let mut lengths: Vec<u64> = Vec::new();
    for (index, record) in fetch.records.iter().enumerate() {
        if record.state.response.is_none() {
            storage.respond(
                RecordKey {
                    fetch: fetch.key,
                    index,
                },
                1,
            );
        }
        lengths.push(record.state.length);
    }
    loop {
        for (index, length) in lengths.iter_mut().enumerate() {
            let record = RecordKey {
                fetch: fetch.key,
                index,
            };
            // A small body, one of middling size, and two large ones.
            let most = [30_000, 500_000, u64::MAX, u64::MAX][index];
            if *length >= most {
                block_on(storage.settle_record(record, &success())).unwrap();
                continue;
            }
            let bytes = pattern_from(*length, 10_000);
            storage
                .append_at(
                    BodyKey::Response {
                        record,
                        generation: 1,
                    },
                    *length,
                    &bytes,
                )
                .ok();
            *length += 10_000;
            println!("at {index} {length}");
        }
        std::io::stdout().flush().unwrap();
    }
}
