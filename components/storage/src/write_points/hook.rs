//! The hook, and the points that it is told of.

use std::fmt;
use std::sync::OnceLock;

use super::{Moment, Step};

/// A moment of a step: `before-commit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The step.
    pub step: Step,
    /// The moment.
    pub moment: Moment,
}

impl Point {
    /// Every point.
    pub fn all() -> impl Iterator<Item = Self> {
        Step::ALL.iter().flat_map(|&step| {
            let moments = [Moment::Before, Moment::Halfway, Moment::After];
            let writes = matches!(step, Step::FirstBytes | Step::Append | Step::ExportWrite);
            let here = moments
                .into_iter()
                .filter(move |moment| writes || *moment != Moment::Halfway);
            here.map(move |moment| Self { step, moment })
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::Halfway => "halfway",
            Moment::After => "after",
        };
        write!(f, "{moment}-{}", self.step.name())
    }
}

type Hook = Box<dyn Fn(Point) + Send + Sync>;

static HOOK: OnceLock<Hook> = OnceLock::new();

/// Sets what is told of each point, for the rest of the process. Whether there was none before.
pub fn set_hook(hook: impl Fn(Point) + Send + Sync + 'static) -> bool {
    HOOK.set(Box::new(hook)).is_ok()
}

pub(super) fn reached(step: Step, moment: Moment) {
    if let Some(hook) = HOOK.get() {
        hook(Point { step, moment });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let mut names: Vec<String> = Point::all().map(|point| point.to_string()).collect();
        assert!(names.contains(&"halfway-append".to_owned()));
        assert!(!names.contains(&"halfway-commit".to_owned()));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
