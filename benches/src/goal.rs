//! [`Goal`]: what `bgfetch get` has to reach in a job, and whether it does.

use serde::{Deserialize, Serialize};

use crate::peer::Peer;
use crate::results::{JobResult, PeerResult, Results};
use crate::text;

/// What has to be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Goal {
    /// The wall time is within a factor of the fastest curl's.
    Wall {
        /// The factor.
        factor: f64,
    },
    /// The CPU time is within a factor of the fastest curl's.
    Cpu {
        /// The factor.
        factor: f64,
    },
    /// The peak memory is under a bound, in every run.
    Memory {
        /// The bound in MiB.
        mib: u64,
    },
    /// The wall time per file is within a factor of another job's.
    PerFile {
        /// The other job.
        job: String,
        /// The factor.
        factor: f64,
    },
}

/// What was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    /// A factor, or MiB.
    pub(crate) measured: f64,
    /// Whether that is enough.
    pub(crate) met: bool,
}

impl Goal {
    /// What was reached; none where not everything that it takes was measured.
    pub(crate) fn judge(&self, job: &JobResult, results: &Results) -> Option<Judged> {
        let ours = job.peer(Peer::Bgfetch)?;
        let (measured, limit) = match self {
            Self::Wall { factor } => (ours.wall()? / job.better_curl()?.wall()?, *factor),
            Self::Cpu { factor } => (ours.cpu()? / job.better_curl()?.cpu()?, *factor),
            Self::Memory { mib } => {
                let measured = text::mib(ours.peak_memory()?);
                return Some(Judged {
                    measured,
                    met: measured < *mib as f64,
                });
            }
            Self::PerFile { job: other, factor } => {
                let other = results.job(other)?;
                let per_file =
                    |of: &JobResult, peer: &PeerResult| Some(peer.wall()? / of.workload.files as f64);
                let theirs = per_file(other, other.peer(Peer::Bgfetch)?)?;
                (per_file(job, ours)? / theirs, *factor)
            }
        };
        Some(Judged {
            measured,
            met: measured <= limit,
        })
    }

    /// The goal in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Wall { factor: 1.0 } => "not slower than the better curl".to_owned(),
            Self::Wall { factor } => format!("wall time within {factor} of the better curl"),
            Self::Cpu { factor } => format!("CPU time within {factor} of the better curl"),
            Self::Memory { mib } => format!("peak memory under {mib} MiB"),
            Self::PerFile { job, factor } => format!("cost per file within {factor} of {job}"),
        }
    }

    /// What was reached, in words.
    pub(crate) fn measured(&self, judged: Judged) -> String {
        match self {
            Self::Memory { .. } => format!("{:.1} MiB", judged.measured),
            _ => format!("{:.2}", judged.measured),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::fixtures::{job, peer, results};

    const MIB: u64 = 1 << 20;

    #[test]
    fn wall_time_is_compared_with_the_fastest_curl_and_with_nobody_else() {
        let judge = |ours: f64, factor| {
            let job = job(
                "j",
                1,
                [
                    peer(Peer::Bgfetch, &[ours]),
                    peer(Peer::Curl2, &[4.0]),
                    peer(Peer::Curl50, &[1.0, 2.0, 9.0]),
                    peer(Peer::Aria2c, &[0.1]),
                ],
            );
            Goal::Wall { factor }.judge(&job, &results([])).unwrap()
        };
        assert_eq!(
            judge(2.5, 1.2),
            Judged {
                measured: 1.25,
                met: false
            }
        );
        assert_eq!(
            judge(2.5, 1.25),
            Judged {
                measured: 1.25,
                met: true
            }
        );
        assert_eq!(
            judge(2.0, 1.0),
            Judged {
                measured: 1.0,
                met: true
            }
        );
    }

    #[test]
    fn memory_is_the_most_of_all_runs() {
        let mut ours = peer(Peer::Bgfetch, &[1.0, 1.0]);
        ours.runs[0].peak_memory_bytes = 40 * MIB;
        ours.runs[1].peak_memory_bytes = 10 * MIB;
        let job = job("j", 1, [ours]);
        let judge = |mib| Goal::Memory { mib }.judge(&job, &results([])).unwrap();
        assert_eq!(
            judge(40),
            Judged {
                measured: 40.0,
                met: false
            }
        );
        assert!(judge(41).met);
    }

    #[test]
    fn cpu_is_user_and_system_time_together() {
        let mut ours = peer(Peer::Bgfetch, &[1.0]);
        (ours.runs[0].user_seconds, ours.runs[0].system_seconds) = (1.0, 2.0);
        let mut curl = peer(Peer::Curl, &[1.0]);
        (curl.runs[0].user_seconds, curl.runs[0].system_seconds) = (0.5, 0.5);
        let job = job("j", 1, [ours, curl]);
        let judged = Goal::Cpu { factor: 2.9 }.judge(&job, &results([])).unwrap();
        assert_eq!(
            judged,
            Judged {
                measured: 3.0,
                met: false
            }
        );
    }

    #[test]
    fn the_cost_of_a_file_is_compared_with_that_in_another_job() {
        let few = job("few", 10, [peer(Peer::Bgfetch, &[1.0])]);
        let many = job("many", 100, [peer(Peer::Bgfetch, &[12.0])]);
        let goal = Goal::PerFile {
            job: "few".to_owned(),
            factor: 1.3,
        };
        let judged = goal.judge(&many, &results([few])).unwrap();
        assert!((judged.measured - 1.2).abs() < 1e-9 && judged.met, "{judged:?}");
        assert_eq!(goal.judge(&many, &results([])), None);
    }

    #[test]
    fn nothing_is_said_of_what_was_not_measured() {
        let alone = job("j", 1, [peer(Peer::Bgfetch, &[1.0]), peer(Peer::Aria2c, &[1.0])]);
        assert_eq!(Goal::Wall { factor: 2.0 }.judge(&alone, &results([])), None);
        let failed = job("j", 1, [peer(Peer::Bgfetch, &[]), peer(Peer::Curl, &[1.0])]);
        assert_eq!(Goal::Wall { factor: 2.0 }.judge(&failed, &results([])), None);
        assert_eq!(Goal::Memory { mib: 1 }.judge(&failed, &results([])), None);
    }
}
