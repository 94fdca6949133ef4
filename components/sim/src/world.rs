//! [`World`]: everything that is simulated, in one place.

use std::sync::Arc;

use background_fetch::embedder::{Embedder, Storage};

use crate::{
    Executor, FaultyStorage, Random, ScriptedNetwork, TestDisplay, TestEventLoop, TestPermissions,
    TestServiceWorkers, VirtualClock,
};

/// A simulated world around the component: one seed, one thread, one clock.
///
/// Its parts are handles that a test scripts and reads. When a test fails, the world says its seed.
///
/// ```
/// use background_fetch::embedder::{Clock, Storage};
/// use background_fetch_sim::{Resource, World};
/// use std::{sync::Arc, time::Duration};
///
/// fn test(storage: Arc<dyn Storage>) {
///     let world = World::new(7, storage);
///     let registration = world.service_workers.register("https://a.example/");
///     world.network.serve("https://a.example/f", Resource::bytes("body").etag("v1").drop_after(2));
///     let embedder = world.embedder();
///     world.run(async {
///         // … start the component with `embedder`, fetch, and look at what came of it.
///         world.clock.sleep(Duration::from_secs(60)).await;
///     });
///     assert_eq!(world.executor.live_spawned_tasks(), 0);
/// }
/// ```
pub struct World {
    /// The seed.
    pub seed: u64,
    /// Runs the tasks.
    pub executor: Executor,
    /// The executor's clock.
    pub clock: VirtualClock,
    /// The servers, and the network between.
    pub network: ScriptedNetwork,
    /// The storage, with faults.
    pub storage: Arc<FaultyStorage>,
    /// The registrations and their workers.
    pub service_workers: TestServiceWorkers,
    /// The permissions.
    pub permissions: TestPermissions,
    /// The user interface.
    pub display: TestDisplay,
    /// Chance for the test's own story; it does not move the schedule.
    pub random: Random,
}

impl World {
    /// A world with this seed and storage: online, without servers and registrations, everything permitted. Seed
    /// 0 runs ready tasks in order.
    pub fn new(seed: u64, storage: Arc<dyn Storage>) -> Self {
        let executor = Executor::new(seed);
        let clock = executor.clock();
        Self {
            seed,
            network: ScriptedNetwork::new(clock.clone()),
            storage: Arc::new(FaultyStorage::new(storage, clock.clone())),
            service_workers: TestServiceWorkers::new(clock.clone()),
            permissions: TestPermissions::new(),
            display: TestDisplay::new(clock.clone()),
            random: Random::new(!seed),
            clock,
            executor,
        }
    }

    /// What the component is started with.
    pub fn embedder(&self) -> Embedder {
        Embedder {
            network: Arc::new(self.network.clone()),
            storage: self.storage.clone(),
            service_workers: Arc::new(self.service_workers.clone()),
            permissions: Arc::new(self.permissions.clone()),
            display: Arc::new(self.display.clone()),
            spawner: self.executor.spawner(),
            clock: Arc::new(self.clock.clone()),
        }
    }

    /// The event loop of a new realm; the test pumps it.
    pub fn event_loop(&self) -> TestEventLoop {
        TestEventLoop::new()
    }

    /// Runs a story to its end, with everything beside it: [`Executor::run_until`].
    pub fn run<F: Future>(&self, story: F) -> F::Output {
        self.executor.run_until(story)
    }

    /// Resolves when everything else waits, before the time moves: [`Executor::stalled`].
    pub async fn stalled(&self) {
        self.executor.stalled().await;
    }

    /// Drops every task where it stands, as when the process is killed; what is in flight ends with them. The
    /// servers, what the storage holds, the registrations and the logs stay; local pumps and handlers are to
    /// be started anew.
    pub fn crash(&self) {
        self.executor.drop_tasks();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of this world is {}", self.seed);
            return;
        }
        // Tasks may hold the executor that holds them.
        self.executor.drop_tasks();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_body::OneBody;
    use crate::{Ending, Resource, pattern};
    use background_fetch::embedder::{BodyKey, Clock, FetchEvent, NetworkRequest, StagedBody};
    use background_fetch::fetch::{Client, Request};
    use futures::StreamExt;
    use std::time::Duration;
    use url::Url;

    fn request(url: &str) -> NetworkRequest {
        let url = Url::parse(url).unwrap();
        NetworkRequest {
            client: Arc::new(Client::page(url.clone())),
            request: Request::new(url),
            range: None,
            body: None,
        }
    }

    /// Fetches five files at once; gives the order of what arrived, and the number of the schedule.
    fn story(seed: u64) -> (Vec<(u64, usize)>, u64) {
        let world = World::new(seed, Arc::new(OneBody::default()));
        let embedder = world.embedder();
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        for file in 0..5 {
            let url = format!("https://a.example/{file}");
            let resource = Resource::pattern(file, 3000)
                .chunks(1000)
                .latency(Duration::from_millis(5));
            world.network.serve(&url, resource);
            let (network, sender) = (embedder.network.clone(), sender.clone());
            embedder.spawner.spawn(Box::pin(async move {
                let mut stream = network.fetch(request(&url));
                let mut length = 0;
                while let Some(event) = stream.next().await {
                    if let FetchEvent::Body(bytes) = event.unwrap() {
                        assert_eq!(bytes, pattern(file, length as u64, bytes.len()));
                        length += bytes.len();
                        sender.unbounded_send((file, length)).unwrap();
                        crate::yield_now().await;
                    }
                }
            }));
        }
        drop(sender);
        let arrived = world.run(receiver.collect());
        (arrived, world.executor.fingerprint())
    }

    #[test]
    fn a_seed_tells_one_story() {
        assert_eq!(story(21), story(21));
        assert_ne!(story(21), story(22));
        let schedules: std::collections::BTreeSet<_> = (1..100).map(|seed| story(seed).1).collect();
        assert!(schedules.len() > 95, "{} schedules of 99 seeds", schedules.len());
    }

    #[test]
    fn a_crash_ends_what_is_in_flight_and_leaves_what_is_stored() {
        let world = World::new(1, Arc::new(OneBody::default()));
        let url = "https://a.example/f";
        world.network.serve(url, Resource::bytes("0123456789").hold_at(4));
        let body = BodyKey::Staged(StagedBody(1));
        let embedder = world.embedder();
        let running = embedder.clone();
        embedder.spawner.spawn(Box::pin(async move {
            let mut stream = running.network.fetch(request(url));
            let mut offset = 0;
            while let Some(event) = stream.next().await {
                if let FetchEvent::Body(bytes) = event.unwrap() {
                    let length = bytes.len() as u64;
                    running.storage.append(body, offset, bytes).await.unwrap();
                    offset += length;
                }
            }
        }));
        world.run(world.network.until_held(url));
        assert_eq!(world.executor.live_spawned_tasks(), 1);
        world.crash();
        assert_eq!(
            (world.executor.live_tasks(), world.clock.pending_timers()),
            (0, 0)
        );
        assert_eq!(world.network.log()[0].ending, Some(Ending::Terminated));
        assert_eq!(world.run(world.storage.read(body, 0, 10)).unwrap(), "0123");
        assert_eq!(world.event_loop().pending(), 0);
        assert_eq!(world.clock.now(), Duration::ZERO);
    }
}
