//! The jobs: what is transferred, how, by whom, and what `bgfetch get` has to reach.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::goal::Goal;
use crate::peer::Peer;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Files of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workload {
    /// How many files.
    pub(crate) files: u64,
    /// The bytes of each.
    pub(crate) bytes: u64,
}

impl Workload {
    /// The bytes of all files.
    pub(crate) fn total(self) -> u64 {
        self.files * self.bytes
    }

    /// Something like it that takes this part of the time: one file is smaller, of many there are fewer, but ten.
    fn scaled(self, scale: f64) -> Self {
        let part = |of: u64| (of as f64 * scale).round() as u64;
        match self.files {
            1 => Self {
                bytes: part(self.bytes).max(KIB).min(self.bytes),
                ..self
            },
            files => Self {
                files: part(files).max(10).min(files),
                ..self
            },
        }
    }
}

/// Which way the files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    /// From the server to here.
    Download,
    /// From here to the server.
    Upload,
}

/// How the files travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    /// HTTP/1.1 without TLS.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 over TLS.
    Http2,
}

/// Something to measure.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// What it is called, on the command line too.
    pub(crate) name: String,
    /// What is transferred.
    pub(crate) workload: Workload,
    /// Which way.
    pub(crate) direction: Direction,
    /// How.
    pub(crate) transport: Transport,
    /// By whom.
    pub(crate) peers: Vec<Peer>,
    /// What `bgfetch get` has to reach.
    pub(crate) goals: Vec<Goal>,
    /// The series that it is a point of.
    pub(crate) series: Option<Series>,
}

/// How the cost grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Series {
    /// With the number of files.
    Files,
    /// With the size of one file.
    Size,
}

impl Series {
    /// What it is called, on the command line too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "growth-files",
            Self::Size => "growth-size",
        }
    }
}

/// One file: where nothing can be parallel, curl is measured once.
const ONE: &[Peer] = &[Peer::Bgfetch, Peer::Curl, Peer::Aria2c];
const MANY: &[Peer] = &[Peer::Bgfetch, Peer::Curl2, Peer::Curl50, Peer::Curl, Peer::Aria2c];

/// All jobs, in the order in which they run.
pub(crate) fn all() -> Vec<Job> {
    use Transport::{Http, Http2, Https};
    let job = |name: &str, (files, bytes), transport, peers: &[Peer], goals: &[Goal]| Job {
        name: name.to_owned(),
        workload: Workload { files, bytes },
        direction: Direction::Download,
        transport,
        peers: peers.to_vec(),
        goals: goals.to_vec(),
        series: None,
    };
    // aria2c sends nothing.
    let upload = |name: &str, transport| Job {
        direction: Direction::Upload,
        ..job(
            name,
            (1, 512 * MIB),
            transport,
            &[Peer::Bgfetch, Peer::Curl],
            &[within(1.25)],
        )
    };
    let mut jobs = vec![
        job(
            "1x512MiB",
            (1, 512 * MIB),
            Http,
            ONE,
            &[within(1.15), Goal::Cpu { factor: 1.5 }, memory(40)],
        ),
        job("1x8GiB", (1, 8 * GIB), Http, &[Peer::Bgfetch], &[memory(40)]),
        job("100x1MiB", (100, MIB), Http, MANY, &[within(1.2)]),
        job("1000x10KiB", (1_000, 10 * KIB), Http, MANY, &[within(1.0)]),
        // "As at 1,000": a tenth is what two measurements of the same differ by.
        job(
            "10000x1KiB",
            (10_000, KIB),
            Http,
            MANY,
            &[within(1.0), cost("1000x10KiB", 1.1)],
        ),
        job(
            "100000x100B",
            (100_000, 100),
            Http,
            MANY,
            &[cost("10000x1KiB", 1.3), memory(400)],
        ),
        upload("upload-1x512MiB", Http),
    ];
    for (prefix, transport) in [("https", Https), ("http2", Http2)] {
        for (name, workload) in [
            ("1x512MiB", (1, 512 * MIB)),
            ("100x1MiB", (100, MIB)),
            ("1000x10KiB", (1_000, 10 * KIB)),
            ("10000x1KiB", (10_000, KIB)),
        ] {
            let mut peers = if workload.0 == 1 { ONE } else { MANY }.to_vec();
            // It has no HTTP/2.
            peers.retain(|peer| transport != Http2 || *peer != Peer::Aria2c);
            let name = format!("{prefix}-{name}");
            jobs.push(job(&name, workload, transport, &peers, &[within(1.25)]));
        }
        jobs.push(upload(&format!("{prefix}-upload-1x512MiB"), transport));
    }
    let point = |series: Series, name: String, (files, bytes), peers: &[Peer]| Job {
        series: Some(series),
        ..job(&name, (files, bytes), Http, peers, &[])
    };
    for files in [100, 1_000, 10_000, 100_000] {
        let name = format!("{}-{files}", Series::Files.name());
        let peers = [Peer::Bgfetch, Peer::Curl50];
        jobs.push(point(Series::Files, name, (files, 100), &peers));
    }
    for mib in [1, 8, 64, 512, 2_048] {
        let name = format!("{}-{mib}MiB", Series::Size.name());
        let peers = [Peer::Bgfetch, Peer::Curl];
        jobs.push(point(Series::Size, name, (1, mib * MIB), &peers));
    }
    jobs
}

fn within(factor: f64) -> Goal {
    Goal::Wall { factor }
}

fn memory(mib: u64) -> Goal {
    Goal::Memory { mib }
}

fn cost(job: &str, factor: f64) -> Goal {
    Goal::PerFile {
        job: job.to_owned(),
        factor,
    }
}

/// The jobs of these names, or all; a series' name stands for its points.
///
/// # Errors
///
/// A name that no job has, and those that there are.
pub(crate) fn chosen(names: &[String], scale: f64) -> Result<Vec<Job>, Failure> {
    let mut jobs = all();
    let answers_to =
        |job: &Job, name: &str| job.name == name || job.series.is_some_and(|series| series.name() == name);
    if let Some(unknown) = names
        .iter()
        .find(|name| !jobs.iter().any(|job| answers_to(job, name)))
    {
        let known: Vec<String> = jobs.into_iter().map(|job| job.name).collect();
        return Err(Failure::usage(format!(
            "there is no job {unknown:?}; there are {}, {} and {}",
            known.join(", "),
            Series::Files.name(),
            Series::Size.name()
        )));
    }
    jobs.retain(|job| names.is_empty() || names.iter().any(|name| answers_to(job, name)));
    for job in &mut jobs {
        job.workload = job.workload.scaled(scale);
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_goals_speak_of_jobs_that_run_before() {
        let jobs = all();
        for (at, job) in jobs.iter().enumerate() {
            assert!(jobs[..at].iter().all(|before| before.name != job.name));
            assert!(job.peers.contains(&Peer::Bgfetch), "{}", job.name);
            for goal in &job.goals {
                if let Goal::PerFile { job: other, .. } = goal {
                    assert!(
                        jobs[..at].iter().any(|before| before.name == *other),
                        "{}",
                        job.name
                    );
                }
            }
        }
    }

    #[test]
    fn names_choose_jobs_and_series_in_their_order() {
        let names = |of: &[&str]| -> Vec<String> {
            let of: Vec<String> = of.iter().map(|&name| name.to_owned()).collect();
            let jobs = chosen(&of, 1.0).unwrap();
            jobs.into_iter().map(|job| job.name).collect()
        };
        assert_eq!(names(&["100x1MiB", "1x512MiB"]), ["1x512MiB", "100x1MiB"]);
        assert_eq!(names(&["growth-files"]).len(), 4);
        assert_eq!(names(&["growth-files-100"]), ["growth-files-100"]);
        assert_eq!(names(&[]).len(), all().len());
        let unknown = chosen(&["1x1B".to_owned()], 1.0).unwrap_err();
        assert_eq!(unknown.status, 2);
        assert!(
            unknown.message.contains("\"1x1B\"") && unknown.message.contains("100x1MiB"),
            "{}",
            unknown.message
        );
    }

    #[test]
    fn a_scale_leaves_less_of_everything_but_not_nothing() {
        let scaled = |files, bytes, scale| {
            let Workload { files, bytes } = Workload { files, bytes }.scaled(scale);
            (files, bytes)
        };
        assert_eq!(scaled(1, 512 * MIB, 0.25), (1, 128 * MIB));
        assert_eq!(scaled(1, MIB, 0.000_001), (1, KIB));
        assert_eq!(scaled(10_000, KIB, 0.01), (100, KIB));
        assert_eq!(scaled(100, MIB, 0.01), (10, MIB));
        for job in all() {
            assert_eq!(job.workload.scaled(1.0), job.workload, "{}", job.name);
        }
    }
}
