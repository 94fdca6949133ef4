//! The suite finds every storage that is wrong in one way, and no case of it is without use.

mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use background_fetch_storage::suite::{self, World};

use storage::{Broken, Wrong};

/// The cases that fail with a storage that is wrong so.
fn found_by(wrong: Wrong) -> BTreeSet<&'static str> {
    let fails = |case: &suite::Case| {
        let storage = Broken::new(wrong, suite::QUOTA);
        let open = Box::new(move || {
            storage.open();
            Arc::new(storage.clone()) as Arc<dyn background_fetch::embedder::Storage>
        });
        catch_unwind(AssertUnwindSafe(|| (case.run)(&mut World::new(open)))).is_err()
    };
    // What is wrong with threads may show another time.
    let tries = (0..5).map(|_| suite::cases().filter(fails).map(|case| case.name).collect());
    let mut found = BTreeSet::new();
    for names in tries {
        found = names;
        if !found.is_empty() || wrong == Wrong::Nothing {
            break;
        }
    }
    found
}

#[test]
fn a_storage_that_is_wrong_in_one_way_is_found() {
    // Each failure that is expected would print a page.
    std::panic::set_hook(Box::new(|_| {}));
    let found: BTreeMap<_, _> = Wrong::ALL
        .iter()
        .map(|wrong| (*wrong, found_by(*wrong)))
        .collect();
    let right = found_by(Wrong::Nothing);
    let _ = std::panic::take_hook();
    assert_eq!(right, BTreeSet::new(), "it is not the wrapper that is wrong");
    for (wrong, cases) in &found {
        assert!(!cases.is_empty(), "nothing finds {wrong:?}");
    }
    // What nearly every case trips over says nothing about one.
    let telling = found.values().filter(|cases| cases.len() < 8);
    let useful: BTreeSet<_> = telling.flatten().copied().collect();
    let all: BTreeSet<_> = suite::cases().map(|case| case.name).collect();
    let idle: Vec<_> = all.difference(&useful).collect();
    assert_eq!(idle, [&""; 0], "these cases find none of them");
}
