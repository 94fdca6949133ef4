//! Every storage of this crate keeps the contract.

use std::sync::Arc;

use background_fetch_storage::{MemoryStorage, suite};

#[test]
fn the_memory_storage_keeps_the_contract() {
    suite::run(|quota| {
        let storage = MemoryStorage::new(quota);
        Box::new(move || Arc::new(storage.clone()))
    });
}
