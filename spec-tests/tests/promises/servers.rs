//! Servers that behave at random.

use std::time::Duration;

use background_fetch::embedder::NetworkError;
use background_fetch_sim::{Random, Ranges, Resource};

/// The versions of a resource, as seed and length of its pattern.
pub(crate) type Versions = Vec<(u64, u64)>;

/// A server at random: some versions, one after the other, and trouble with each.
pub(crate) fn random_resource(random: &mut Random, path: u64) -> (Resource, Versions) {
    let mut versions = Versions::new();
    let mut next = None;
    let usual_length = random.below(3000);
    for age in 0..1 + random.below(3) {
        let seed = path * 10 + age;
        // Versions of one length are told apart by their validators alone.
        let length = match random.chance(1, 2) {
            true => usual_length,
            false => random.below(3000),
        };
        let resource = random_habits(random, seed, length);
        let mut resource = random_trouble(random, resource);
        if let Some(next) = next {
            resource = resource.after_requests(1 + random.below(4), next);
        }
        versions.push((seed, length));
        next = Some(resource);
    }
    (next.expect("there is a version"), versions)
}

fn random_habits(random: &mut Random, seed: u64, length: u64) -> Resource {
    let mut resource = Resource::pattern(seed, length);
    resource = match random.below(8) {
        0 => resource,
        1 => resource.weak_etag(&seed.to_string()),
        2 => resource.last_modified(&format!("Sun, {:02} Nov 1994 08:49:37 GMT", 1 + seed % 10)),
        _ => resource.etag(&seed.to_string()),
    };
    resource = resource.ranges(match random.below(28) {
        0 => Ranges::Ignored,
        1 | 2 | 24..=27 => Ranges::IgnoresValidator,
        3 => Ranges::WrongFirst(random.below(3000)),
        4 => Ranges::WrongTotal(random.below(4000)),
        5 | 6 => Ranges::UnknownTotal,
        7 => Ranges::Overshoot(1 + random.below(100)),
        8 => Ranges::NoProgress,
        9 => Ranges::NoContentRange,
        10 => Ranges::ContentRange(format!("bytes {}-*/?", random.below(9))),
        11 => Ranges::NotSatisfiable,
        _ => Ranges::Honoured,
    });
    if random.chance(1, 4) {
        resource = resource.range_cap(1 + random.below(1000));
    }
    if random.chance(1, 4) {
        resource = resource.without_length();
    }
    if random.chance(1, 10) {
        resource = resource.content_decoded();
    }
    let delay = Duration::from_millis(random.below(30));
    resource
        .chunks(1 + random.below(900) as usize)
        .chunk_delay(delay)
        .latency(Duration::from_millis(random.below(100)))
}

fn random_trouble(random: &mut Random, mut resource: Resource) -> Resource {
    for _ in 0..random.below(5) {
        let bytes = random.below(2500);
        resource = match random.below(10) {
            0 => resource.unreachable(),
            1 => resource.stall_at(bytes, Duration::from_secs(random.below(30))),
            2 => resource.stall_for_ever_at(bytes),
            3 if random.chance(1, 4) => resource.answers(503),
            4 if random.chance(1, 4) => resource.break_after(bytes, NetworkError::fatal("garbage")),
            5 => resource.goes_well(),
            _ => resource.drop_after(bytes),
        };
    }
    resource
}
