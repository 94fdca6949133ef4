//! The sites, what their servers have, and whether what arrived is that.

use std::time::Duration;

use background_fetch::RegistrationKey;
use background_fetch::embedder::NetworkError;
use background_fetch_sim::{Random, Resource, ScriptedNetwork, pattern};
use bytes::Bytes;
use url::Url;

/// Where the files are that every site fetches.
const FILES: &str = "https://files.example/";

/// What the servers have: files of which each has two versions, and places to post to.
pub(super) struct Sites {
    pub(super) registrations: Vec<RegistrationKey>,
    files: Vec<[Bytes; 2]>,
}

const LENGTHS: [usize; 8] = [0, 1, 700, 5_000, 20_000, 65_536, 120_000, 300_000];

impl Sites {
    /// So many sites, with two registrations each, and so many files.
    pub(super) fn new(sites: usize, files: usize, random: &mut Random) -> Self {
        let scopes = |site| ["", "app/"].map(|path| format!("https://site-{site}.example/{path}"));
        let registration = |scope: String| RegistrationKey::of(Url::parse(&scope).expect("a URL"));
        let mut file = |number: usize| {
            let mut version = |version: usize| {
                let length = LENGTHS[random.below(LENGTHS.len() as u64) as usize];
                pattern((2 * number + version) as u64, 0, length)
            };
            [version(0), version(1)]
        };
        Self {
            registrations: (0..sites).flat_map(scopes).map(registration).collect(),
            files: (0..files).map(&mut file).collect(),
        }
    }

    /// A file's URL.
    pub(super) fn any_file(&self, random: &mut Random) -> String {
        format!("{FILES}{}", random.below(self.files.len() as u64))
    }

    /// The URL of every file.
    pub(super) fn all_files(&self) -> impl Iterator<Item = String> {
        (0..self.files.len()).map(|number| format!("{FILES}{number}"))
    }

    /// Where bodies are posted to.
    pub(super) fn any_post(&self, random: &mut Random) -> Url {
        let place = random.below(3);
        Url::parse(&format!("{FILES}post/{place}")).expect("a URL")
    }

    /// Serves everything; where `wild`, with trouble on the way.
    pub(super) fn serve(&self, network: &ScriptedNetwork, random: &mut Random, wild: bool) {
        for number in 0..self.files.len() {
            self.serve_file(network, number, random, wild);
        }
        for place in 0..3 {
            let mut resource = Resource::bytes("thank you").upload_steps(3_000, millis(random, 20));
            if wild {
                resource = resource.drop_upload_after(random.below(20_000)).goes_well();
                resource = resource.answers(503).times(2);
            }
            network.serve(format!("{FILES}post/{place}"), resource);
        }
    }

    /// Serves one file anew, whatever it was.
    pub(super) fn serve_any(&self, network: &ScriptedNetwork, random: &mut Random) {
        let number = random.below(self.files.len() as u64) as usize;
        self.serve_file(network, number, random, true);
    }

    fn serve_file(&self, network: &ScriptedNetwork, number: usize, random: &mut Random, wild: bool) {
        // Some never come, in good times as in bad.
        let resource = match number % 12 {
            10 => Resource::status(404),
            11 => Resource::bytes("")
                .fails(NetworkError::fatal("no such host"))
                .always(),
            _ => self.file(number, random, wild),
        };
        network.serve(format!("{FILES}{number}"), resource);
    }

    fn file(&self, number: usize, random: &mut Random, wild: bool) -> Resource {
        let version = |version: usize, random: &mut Random| {
            let resource = Resource::bytes(self.files[number][version].clone());
            let mut resource = resource
                .chunks(512 << random.below(6))
                .chunk_delay(millis(random, 15))
                .latency(millis(random, 40));
            // Some without a validator: they start again. Some without a length.
            if !number.is_multiple_of(5) {
                resource = resource.etag(&format!("v{version}"));
            }
            if number.is_multiple_of(7) {
                resource = resource.without_length();
            }
            for _ in 0..random.below(if wild { 12 } else { 1 }) {
                resource = trouble(resource, random);
            }
            resource
        };
        let first = version(0, random);
        let second = version(1, random);
        first.after_requests(1 + random.below(60), second)
    }

    /// Whether these are bytes of the file; where `whole`, all of one version.
    pub(super) fn check(&self, url: &Url, bytes: &[u8], whole: bool) -> Result<(), String> {
        let number = url.as_str().strip_prefix(FILES);
        let file = number.and_then(|number| self.files.get(number.parse::<usize>().ok()?));
        let Some(versions) = file else { return Ok(()) };
        let right = |version: &Bytes| match whole {
            true => version == bytes,
            false => version.starts_with(bytes),
        };
        if versions.iter().any(right) {
            return Ok(());
        }
        Err(format!(
            "{} bytes of {url} are of no version (whole: {whole})",
            bytes.len()
        ))
    }
}

fn trouble(resource: Resource, random: &mut Random) -> Resource {
    let at = random.below(100_000);
    let resource = match random.below(7) {
        0 | 1 => resource.drop_after(at),
        2 => resource.unreachable(),
        3 => resource.answers(503),
        4 => resource.stall_at(at, Duration::from_secs(random.below(20))),
        _ => resource.goes_well(),
    };
    resource.times(1 + random.below(3) as u32)
}

/// Up to so many milliseconds; often none.
pub(super) fn millis(random: &mut Random, most: u64) -> Duration {
    match random.chance(1, 3) {
        true => Duration::ZERO,
        false => Duration::from_millis(random.below(most + 1)),
    }
}
