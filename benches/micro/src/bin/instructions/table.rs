//! [`Comparison`]: what became of the counts, as a table.

use std::fmt;

use micro_benchmarks::paths::PATHS;

use crate::counts::Counts;

pub(crate) struct Comparison {
    rows: Vec<Row>,
    allowed_percent: u64,
}

struct Row {
    name: &'static str,
    what: &'static str,
    before: Option<u64>,
    now: u64,
}

impl Comparison {
    /// Compares the paths that were counted now.
    pub(crate) fn new(before: &Counts, now: &Counts, allowed_percent: u64) -> Self {
        let row = |path: &'static micro_benchmarks::paths::HotPath| {
            Some(Row {
                name: path.name,
                what: path.what,
                before: before.get(path.name),
                now: now.get(path.name)?,
            })
        };
        Self {
            rows: PATHS.iter().filter_map(row).collect(),
            allowed_percent,
        }
    }

    /// The paths that grew by more than what is allowed.
    pub(crate) fn grown(&self) -> Vec<&'static str> {
        let grown = |row: &&Row| row.grew_by_more_than(self.allowed_percent);
        self.rows.iter().filter(grown).map(|row| row.name).collect()
    }

    /// Whether every path has a count in the tree.
    pub(crate) fn is_known(&self) -> bool {
        self.rows.iter().all(|row| row.before.is_some())
    }
}

impl Row {
    /// In whole numbers: exactly what is allowed is not more.
    fn grew_by_more_than(&self, percent: u64) -> bool {
        let grew = |before: u64| u128::from(self.now) * 100 > u128::from(before) * u128::from(100 + percent);
        self.before.is_some_and(grew)
    }

    /// In percent.
    fn change(&self) -> Option<f64> {
        let before = self.before?;
        Some((self.now as f64 / before.max(1) as f64 - 1.0) * 100.0)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12} {:>12} {:>8}  path", "in the tree", "now", "change")?;
        for row in &self.rows {
            let before = row.before.map_or("none".to_owned(), |before| before.to_string());
            let change = row
                .change()
                .map_or(String::new(), |change| format!("{change:+.1} %"));
            writeln!(
                f,
                "{before:>12} {:>12} {change:>8}  {}: {}",
                row.now, row.name, row.what
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(number: u64) -> Counts {
        let mut counts = Counts::default();
        counts.set("chunk", number);
        counts
    }

    #[test]
    fn only_what_grew_by_more_than_is_allowed_is_named() {
        let grown = |now| Comparison::new(&counts(1000), &counts(now), 10).grown().len();
        assert_eq!([500, 1000, 1100, 1101].map(grown), [0, 0, 0, 1]);
    }

    #[test]
    fn a_path_without_a_count_in_the_tree_is_not_known() {
        let known = |before: &Counts| Comparison::new(before, &counts(1), 10).is_known();
        assert!(known(&counts(1)) && !known(&Counts::default()));
    }
}
