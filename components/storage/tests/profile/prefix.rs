//! Whatever is done and whenever it crashes: what is read back is a prefix of what was appended.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, Storage};
use background_fetch_storage::ProfileStorage;
use bytes::Bytes;
use futures::executor::block_on;
use proptest::prelude::*;

use crate::support::{Blocking, Profile, response, success};

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    AnotherResponse,
    Settle,
    Pause,
    /// The process ends.
    Crash,
    /// The machine goes down: what was not made durable is garbage.
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..600usize).prop_map(Step::Append),
        2 => Just(Step::AnotherResponse),
        1 => Just(Step::Settle),
        2 => Just(Step::Pause),
        1 => Just(Step::Crash),
        1 => Just(Step::PowerCut),
    ]
}

/// The bytes of each response are its own.
fn bytes_of(generation: u64, start: u64, length: usize) -> Vec<u8> {
    let byte = |index: u64| {
        (index
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(generation << 56)
            >> 56) as u8
    };
    (start..start + length as u64).map(byte).collect()
}

/// What the record is, and what it must be at least after a crash.
#[derive(Default)]
struct Model {
    generation: u64,
    length: u64,
    settled: bool,
    durable: (u64, u64),
}

impl Model {
    fn play(
        &mut self,
        profile: &mut Profile,
        storage: &mut Option<ProfileStorage>,
        record: RecordKey,
        step: Step,
    ) {
        let open = storage.as_ref().unwrap();
        let body = BodyKey::Response {
            record,
            generation: self.generation,
        };
        match step {
            Step::Append(length) => {
                let bytes = Bytes::from(bytes_of(self.generation, self.length, length));
                let appended = block_on(open.append(body, self.length, bytes));
                assert_eq!(appended.is_ok(), self.generation > 0 && !self.settled);
                self.length += if appended.is_ok() { length as u64 } else { 0 };
            }
            Step::AnotherResponse => {
                let set = block_on(open.set_response(record, self.generation + 1, &response()));
                assert_eq!(set.is_ok(), !self.settled);
                if set.is_ok() {
                    (self.generation, self.length) = (self.generation + 1, 0);
                }
            }
            Step::Settle => {
                block_on(open.settle_record(record, &success())).unwrap();
                self.settled = true;
            }
            Step::Pause => {
                open.pause(record.fetch).unwrap();
                self.durable = (self.generation, self.length);
            }
            Step::Crash | Step::PowerCut => {
                *storage = None;
                if let Step::PowerCut = step {
                    garble(profile);
                    let boot = profile.options.boot_id.as_mut().unwrap();
                    boot.push('+');
                }
                self.look(storage.insert(profile.open()), record);
            }
        }
    }

    /// Looks at what the crash left, and goes on from there.
    fn look(&mut self, storage: &ProfileStorage, record: RecordKey) {
        let state = storage.load_record(record);
        let found = (state.generation, state.length);
        assert!(found >= self.durable, "{found:?} of {:?}", self.durable);
        assert!(found <= (self.generation, self.length), "{found:?}");
        if state.settlement.is_some() {
            assert!(self.settled);
            assert_eq!(
                found,
                (self.generation, self.length),
                "settled with all of its bytes"
            );
        }
        (self.generation, self.length) = found;
        self.settled = state.settlement.is_some();
        if state.response.is_some() {
            let body = BodyKey::Response {
                record,
                generation: state.generation,
            };
            assert_eq!(
                storage.read_all(body),
                bytes_of(state.generation, 0, state.length as usize)
            );
        }
    }
}

/// Overwrites what the database does not vouch for.
fn garble(profile: &Profile) {
    let database = profile.database();
    let mut rows = database
        .prepare("SELECT id, length FROM body WHERE in_file")
        .unwrap();
    let rows = rows
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .unwrap();
    for (id, length) in rows.map(Result::unwrap) {
        let path = profile.path().join("bodies").join(id.to_string());
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(length as u64)).unwrap();
        file.write_all(&[0xFF; 777]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_crash_leaves_is_a_prefix(steps in prop::collection::vec(step(), 1..30)) {
        let mut profile = Profile::new();
        profile.options.inline_bytes = 700;
        profile.options.checkpoint_bytes = 1000;
        let mut storage = Some(profile.open());
        let record = RecordKey { fetch: storage.as_ref().unwrap().create_with(1), index: 0 };
        let mut model = Model::default();
        for step in steps {
            model.play(&mut profile, &mut storage, record, step);
        }
    }
}
