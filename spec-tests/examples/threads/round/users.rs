//! Users who click everything, and the weather: connections that break, servers that change.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use background_fetch::Engine;
use background_fetch::embedder::PermissionState;
use background_fetch_sim::{Random, ScriptedNetwork, TestPermissions};
use futures::executor::block_on;

use super::Shared;

/// Does to any background fetch what a user can, until all must come to an end.
pub(super) fn click_around(number: usize, engine: &Engine, shared: &Shared, random: &mut Random) {
    while !shared.calm.load(Ordering::Relaxed) {
        let shown = engine.inspect();
        if let Some(wrong) = shown
            .iter()
            .find(|fetch| fetch.download_total > 0 && fetch.downloaded > fetch.download_total)
        {
            shared.ledger.fault(format!("too much was downloaded: {wrong:?}"));
        }
        for _ in 0..10 {
            if shown.is_empty() {
                break;
            }
            let fetch = shown[random.below(shown.len() as u64) as usize].key;
            let action = random.below(100);
            let _wait = shared
                .board
                .wait(format!("user {number}: action {action} on {fetch}"));
            match action {
                0..25 => drop(block_on(engine.pause(fetch))),
                25..55 => drop(block_on(engine.resume(fetch))),
                55..65 => drop(block_on(engine.allow(fetch))),
                65 => {
                    if block_on(engine.refuse(fetch)) {
                        shared.ledger.aborted(fetch);
                    }
                }
                66 => {
                    if block_on(engine.abort(fetch)) {
                        shared.ledger.aborted(fetch);
                    }
                }
                67..75 => drop(engine.click(fetch)),
                75..80 => drop(engine.dismiss(fetch)),
                80..82 => block_on(engine.set_metered(random.chance(1, 2))),
                // A reader that never reads.
                82 => drop(engine.events(1)),
                83 if random.chance(1, 12) => {
                    let registrations = &shared.sites.registrations;
                    let registration = &registrations[random.below(registrations.len() as u64) as usize];
                    if let Err(error) = block_on(engine.clear_registration(registration)) {
                        shared.ledger.fault(format!("not cleared: {error}"));
                    }
                }
                _ => drop(engine.inspect_one(fetch)),
            }
        }
        std::thread::sleep(Duration::from_millis(random.below(4)));
    }
}

/// Makes trouble, until all must come to an end; then none is left.
pub(super) fn weather(
    network: &ScriptedNetwork,
    permissions: &TestPermissions,
    shared: &Arc<Shared>,
    random: &mut Random,
) {
    while !shared.calm.load(Ordering::Relaxed) {
        match random.below(20) {
            0 => network.offline(),
            1..4 => network.online(),
            4 => network.drop_connections(),
            5 => permissions.set(PermissionState::Prompt),
            6..8 => permissions.set(PermissionState::Granted),
            8 => permissions.set(PermissionState::Denied),
            9 => network.hold(shared.sites.any_file(random)),
            10..14 => network.release_all(shared.sites.any_file(random)),
            _ => shared.sites.serve_any(network, random),
        }
        std::thread::sleep(Duration::from_millis(random.below(12)));
    }
    shared.sites.serve(network, random, false);
    for file in shared.sites.all_files() {
        network.release_all(file);
    }
    network.online();
    permissions.set(PermissionState::Granted);
}
