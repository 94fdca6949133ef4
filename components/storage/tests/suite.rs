//! Every storage of this crate keeps the contract.

use std::sync::Arc;

use background_fetch_storage::{MemoryStorage, Options, ProfileStorage, Quota, suite};

#[test]
fn the_memory_storage_keeps_the_contract() {
    suite::run(|quota| {
        let storage = MemoryStorage::new(quota);
        Box::new(move || Arc::new(storage.clone()))
    });
}

#[test]
fn the_profile_storage_keeps_the_contract() {
    keeps_the_contract(Options::default());
}

#[test]
fn the_profile_storage_keeps_the_contract_where_the_machine_does_not_tell_its_boot_id() {
    let boot_id = Some(String::new());
    keeps_the_contract(Options {
        boot_id,
        ..Options::default()
    });
}

#[test]
fn the_profile_storage_keeps_the_contract_with_a_file_for_each_body_and_many_checkpoints() {
    keeps_the_contract(Options {
        inline_bytes: 0,
        checkpoint_bytes: 1,
        ..Options::default()
    });
}

#[test]
fn the_profile_storage_keeps_the_contract_with_hardly_any_memory() {
    keeps_the_contract(Options {
        buffer_bytes: 1,
        ..Options::default()
    });
}

fn keeps_the_contract(options: Options) {
    suite::run(|quota| {
        let folder = tempfile::tempdir().unwrap();
        let quota = Quota::Bytes(quota);
        let options = Options {
            quota,
            ..options.clone()
        };
        Box::new(move || Arc::new(ProfileStorage::open(folder.path(), options.clone()).unwrap()))
    });
}
