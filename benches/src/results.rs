//! What was measured, as it is kept in `benches/results/latest.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::goal::Goal;
use crate::job::{Direction, Series, Transport, Workload};
use crate::machine::Environment;
use crate::peer::Peer;
use crate::statistics::median;

/// The format of the file. A file of another one is not read.
const FORMAT: u32 = 1;

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The format of the file.
    format: u32,
    /// Where.
    pub(crate) environment: Environment,
    /// What, in the order of the jobs.
    pub(crate) jobs: Vec<JobResult>,
}

/// What was measured of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobResult {
    /// The name of the job.
    pub(crate) name: String,
    /// When, in UTC.
    pub(crate) date: String,
    /// The commit that `bgfetch` was built from.
    pub(crate) commit: String,
    /// What was transferred.
    pub(crate) workload: Workload,
    /// Which way.
    pub(crate) direction: Direction,
    /// How.
    pub(crate) transport: Transport,
    /// What had to be reached.
    pub(crate) goals: Vec<Goal>,
    /// The series that it is a point of.
    pub(crate) series: Option<Series>,
    /// What is to be known of it: that a file was smaller than it should be, who was left out.
    pub(crate) notes: Vec<String>,
    /// By whom.
    pub(crate) peers: Vec<PeerResult>,
}

/// What was measured of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PeerResult {
    /// The program.
    pub(crate) peer: Peer,
    /// Every run.
    pub(crate) runs: Vec<Run>,
    /// Why it did not run to the end of all runs.
    pub(crate) failure: Option<String>,
}

/// One run of a program.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// From its start to its end.
    pub(crate) wall_seconds: f64,
    /// What it computed.
    pub(crate) user_seconds: f64,
    /// What the kernel did for it.
    pub(crate) system_seconds: f64,
    /// The most that it had in memory at once.
    pub(crate) peak_memory_bytes: u64,
    /// How long the file system then took to make durable what was not.
    pub(crate) sync_seconds: f64,
    /// How many tasks wanted the processors in the minute before: how busy the machine was.
    pub(crate) load_before: f64,
}

impl Results {
    /// Without any job yet.
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            format: FORMAT,
            environment,
            jobs: Vec::new(),
        }
    }

    /// What a file has; none where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
        let results: Self = serde_json::from_str(&text)
            .map_err(|error| Failure::file("understand", path, format!("{error}; remove it")))?;
        if results.format != FORMAT {
            let why = format!("it has format {}, not {FORMAT}; remove it", results.format);
            return Err(Failure::file("understand", path, why));
        }
        Ok(Some(results))
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::file("write", path, error))?;
        fs::write(path, text + "\n").map_err(|error| Failure::file("write", path, error))
    }

    /// Replaces what is there of a job, and keeps the order of `names`.
    pub(crate) fn put(&mut self, job: JobResult, names: &[String]) {
        self.jobs
            .retain(|other| other.name != job.name && names.contains(&other.name));
        self.jobs.push(job);
        self.jobs
            .sort_by_key(|job| names.iter().position(|name| *name == job.name));
    }

    /// A job that was measured.
    pub(crate) fn job(&self, name: &str) -> Option<&JobResult> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// The points of a series.
    pub(crate) fn series(&self, series: Series) -> impl Iterator<Item = &JobResult> {
        self.jobs.iter().filter(move |job| job.series == Some(series))
    }

    /// The jobs that are no points of a series.
    pub(crate) fn table(&self) -> impl Iterator<Item = &JobResult> {
        self.jobs.iter().filter(|job| job.series.is_none())
    }
}

impl JobResult {
    /// What was measured of a program.
    pub(crate) fn peer(&self, peer: Peer) -> Option<&PeerResult> {
        self.peers.iter().find(|result| result.peer == peer)
    }

    /// The curl with the least median of wall time.
    pub(crate) fn better_curl(&self) -> Option<&PeerResult> {
        let curls = self.peers.iter().filter(|result| result.peer.is_curl());
        let curls = curls.filter_map(|result| Some((result.wall()?, result)));
        let best = curls.min_by(|(left, _), (right, _)| left.total_cmp(right));
        best.map(|(_, result)| result)
    }
}

impl PeerResult {
    /// Without any run yet.
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            peer,
            runs: Vec::new(),
            failure: None,
        }
    }

    /// The median of wall time, in seconds.
    pub(crate) fn wall(&self) -> Option<f64> {
        median(self.runs.iter().map(|run| run.wall_seconds))
    }

    /// The median of CPU time, in seconds.
    pub(crate) fn cpu(&self) -> Option<f64> {
        median(self.runs.iter().map(|run| run.user_seconds + run.system_seconds))
    }

    /// The median of the time until everything is durable, in seconds.
    pub(crate) fn durable(&self) -> Option<f64> {
        median(self.runs.iter().map(|run| run.wall_seconds + run.sync_seconds))
    }

    /// The most memory of all runs, in bytes.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        self.runs.iter().map(|run| run.peak_memory_bytes).max()
    }
}

/// Results for tests.
#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;

    /// A program with these wall times.
    pub(crate) fn peer(peer: Peer, walls: &[f64]) -> PeerResult {
        let run = |&wall_seconds| Run {
            wall_seconds,
            user_seconds: 0.25,
            system_seconds: 0.5,
            peak_memory_bytes: 3 << 20,
            sync_seconds: 0.125,
            load_before: 0.0,
        };
        PeerResult {
            peer,
            runs: walls.iter().map(run).collect(),
            failure: None,
        }
    }

    /// A job of files of 10 bytes.
    pub(crate) fn job<const N: usize>(name: &str, files: u64, peers: [PeerResult; N]) -> JobResult {
        JobResult {
            name: name.to_owned(),
            date: "2025-01-02T03:04:05Z".to_owned(),
            commit: "abc".to_owned(),
            workload: Workload { files, bytes: 10 },
            direction: Direction::Download,
            transport: Transport::Http,
            goals: Vec::new(),
            series: None,
            notes: Vec::new(),
            peers: peers.into(),
        }
    }

    /// Results with these jobs.
    pub(crate) fn results<const N: usize>(jobs: [JobResult; N]) -> Results {
        Results {
            jobs: jobs.into(),
            ..Results::new(Environment::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{job, peer, results};
    use super::*;

    #[test]
    fn results_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        assert_eq!(Results::read(&path).unwrap(), None);
        let mut written = results([job("a", 3, [peer(Peer::Curl50, &[0.1, 2.0])])]);
        written.jobs[0].goals = vec![
            Goal::Wall { factor: 1.15 },
            Goal::Memory { mib: 40 },
            Goal::PerFile {
                job: "b".to_owned(),
                factor: 1.3,
            },
        ];
        written.jobs[0].series = Some(Series::Size);
        written.write(&path).unwrap();
        assert_eq!(Results::read(&path).unwrap(), Some(written));
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let other = Results {
            format: 2,
            ..results([])
        };
        other.write(&path).unwrap();
        let refused = Results::read(&path).unwrap_err().message;
        assert!(
            refused.contains("format 2") && refused.contains("remove it"),
            "{refused}"
        );
        fs::write(&path, "{}").unwrap();
        Results::read(&path).unwrap_err();
    }

    #[test]
    fn a_job_that_is_measured_again_takes_its_old_place() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let mut all = results([job("gone", 1, []), job("a", 1, []), job("c", 1, [])]);
        all.put(job("b", 1, []), &names);
        all.put(job("a", 7, []), &names);
        let found: Vec<_> = all.jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(found, names);
        assert_eq!(all.job("a").unwrap().workload.files, 7);
    }

    #[test]
    fn the_better_curl_is_the_one_with_the_least_median() {
        let all = job(
            "a",
            1,
            [
                peer(Peer::Bgfetch, &[0.1]),
                peer(Peer::Curl, &[]),
                peer(Peer::Curl2, &[0.5, 3.0, 4.0]),
                peer(Peer::Curl50, &[2.0, 2.0, 2.0]),
                peer(Peer::Aria2c, &[0.1]),
            ],
        );
        assert_eq!(all.better_curl().unwrap().peer, Peer::Curl50);
        assert_eq!(all.better_curl().unwrap().durable(), Some(2.125));
        assert!(job("a", 1, [peer(Peer::Bgfetch, &[1.0])]).better_curl().is_none());
    }
}
