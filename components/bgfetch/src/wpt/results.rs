//! The results of tests, as the harness tells them.

use serde::{Deserialize, Serialize};

/// What became of the whole of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum HarnessStatus {
    /// It came to its end.
    #[default]
    Ok,
    /// Something outside of its subtests failed.
    Error,
    /// It did not end in time.
    Timeout,
    /// A precondition is not met.
    #[serde(rename = "PRECONDITION_FAILED")]
    PreconditionFailed,
}

/// What became of a subtest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SubtestStatus {
    /// It passed.
    #[default]
    Pass,
    /// It failed.
    Fail,
    /// It did not end in time.
    Timeout,
    /// It did not run.
    NotRun,
    /// A precondition is not met.
    #[serde(rename = "PRECONDITION_FAILED")]
    PreconditionFailed,
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TestResult {
    /// Its path, with its variant.
    pub(crate) test: String,
    pub(crate) status: HarnessStatus,
    pub(crate) message: Option<String>,
    pub(crate) subtests: Vec<Subtest>,
}

/// The result of a subtest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Subtest {
    pub(crate) name: String,
    pub(crate) status: SubtestStatus,
    pub(crate) message: Option<String>,
}

/// What `testharnessreport.js` tells: the numbers are testharness.js's.
#[derive(Deserialize)]
struct Told {
    status: u8,
    message: Option<String>,
    tests: Vec<ToldSubtest>,
}

#[derive(Deserialize)]
struct ToldSubtest {
    name: String,
    status: u8,
    message: Option<String>,
}

impl TestResult {
    /// The result that the harness told in JSON.
    pub(crate) fn told(test: &str, json: &str) -> Self {
        let Ok(told) = serde_json::from_str::<Told>(json) else {
            return Self::without_result(
                test,
                HarnessStatus::Error,
                "the harness told something else than results",
            );
        };
        let subtests = told.tests.into_iter().map(|subtest| Subtest {
            name: subtest.name,
            status: match subtest.status {
                0 => SubtestStatus::Pass,
                2 => SubtestStatus::Timeout,
                3 => SubtestStatus::NotRun,
                4 => SubtestStatus::PreconditionFailed,
                _ => SubtestStatus::Fail,
            },
            message: subtest.message,
        });
        Self {
            test: test.to_owned(),
            status: match told.status {
                0 => HarnessStatus::Ok,
                2 => HarnessStatus::Timeout,
                3 => HarnessStatus::PreconditionFailed,
                _ => HarnessStatus::Error,
            },
            message: told.message,
            subtests: subtests.collect(),
        }
    }

    /// That of a test whose harness told nothing.
    pub(crate) fn without_result(test: &str, status: HarnessStatus, message: &str) -> Self {
        Self {
            test: test.to_owned(),
            status,
            message: Some(message.to_owned()),
            subtests: Vec::new(),
        }
    }
}
