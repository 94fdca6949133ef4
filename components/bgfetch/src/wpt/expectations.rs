//! What is known not to pass: a file that may only get shorter.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::results::{HarnessStatus, SubtestStatus, TestResult};
use crate::failure::Failure;

/// What is expected of tests; what is not named passes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectations {
    /// By the path of the test, with its variant.
    #[serde(default)]
    tests: BTreeMap<String, Expected>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<HarnessStatus>,
    /// By name; those that are not named pass.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    subtests: BTreeMap<String, SubtestStatus>,
}

impl Expectations {
    /// Those of a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is none.
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::new(format!(
                "cannot read the expectations {}: {error}",
                file.display()
            ))
        })?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{} is no file of expectations: {error}", file.display())))
    }

    /// What is other than expected, a line each.
    pub(crate) fn differences(&self, result: &TestResult) -> Vec<String> {
        let expected = self.tests.get(&result.test).cloned().unwrap_or_default();
        let mut differences = Vec::new();
        let status = expected.status.unwrap_or_default();
        if result.status != status {
            differences.push(format!(
                "{}: {:?}, and {status:?} was expected",
                result.test, result.status
            ));
        }
        for subtest in &result.subtests {
            let status = expected.subtests.get(&subtest.name).copied().unwrap_or_default();
            if subtest.status != status {
                differences.push(format!(
                    "{} | {}: {:?}, and {status:?} was expected",
                    result.test, subtest.name, subtest.status
                ));
            }
        }
        let is_there = |name: &String| result.subtests.iter().any(|subtest| subtest.name == *name);
        for name in expected.subtests.keys().filter(|name| !is_there(name)) {
            differences.push(format!("{} | {name}: did not run, and was expected", result.test));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::Subtest;
    use super::*;

    fn result(status: SubtestStatus) -> TestResult {
        TestResult {
            test: "/a.html".into(),
            status: HarnessStatus::Ok,
            message: None,
            subtests: vec![Subtest {
                name: "one".into(),
                status,
                message: None,
            }],
        }
    }

    #[test]
    fn what_is_not_named_passes_and_what_is_named_must_fail() {
        let nothing = Expectations::default();
        assert!(nothing.differences(&result(SubtestStatus::Pass)).is_empty());
        assert_eq!(nothing.differences(&result(SubtestStatus::Fail)).len(), 1);
        let text =
            r#"{"tests": {"/a.html": {"why": "not here", "subtests": {"one": "FAIL", "two": "TIMEOUT"}}}}"#;
        let known: Expectations = serde_json::from_str(text).unwrap();
        let differences = known.differences(&result(SubtestStatus::Fail));
        assert_eq!(differences, ["/a.html | two: did not run, and was expected"]);
        assert_eq!(
            known.differences(&result(SubtestStatus::Pass)).len(),
            2,
            "better is other, too"
        );
    }
}
