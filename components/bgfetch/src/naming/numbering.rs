//! Numbers for names that are taken: `name (1).ext`.

use std::collections::{HashMap, HashSet};

use super::clean::split_extension;

/// The names that are taken in a folder by one background fetch. Names that differ in case alone count as one, as
/// they do on many file systems.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    taken: HashSet<String>,
    /// The last number that was tried for a name.
    last: HashMap<String, u64>,
}

impl Numbering {
    /// Takes a name that is known to be taken.
    pub(crate) fn take(&mut self, name: &str) {
        self.taken.insert(folded(name));
    }

    /// Takes `name`, or with the first number that makes it free; `exists` says whether a file of a name is there.
    pub(crate) fn choose(&mut self, name: &str, exists: impl Fn(&str) -> bool) -> String {
        let last = self.last.entry(folded(name)).or_insert(0);
        let mut candidate = match *last {
            0 => name.to_owned(),
            number => numbered(name, number),
        };
        while self.taken.contains(&folded(&candidate)) || exists(&candidate) {
            *last += 1;
            candidate = numbered(name, *last);
        }
        self.taken.insert(folded(&candidate));
        candidate
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}

fn numbered(name: &str, number: u64) -> String {
    let (stem, extension) = split_extension(name);
    format!("{stem} ({number}){extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_get_numbers() {
        let mut names = Numbering::default();
        names.take("b.txt");
        let mut choose = |name: &str| names.choose(name, |name| name == "a (1).txt");
        assert_eq!(choose("a.txt"), "a.txt");
        assert_eq!(choose("A.TXT"), "A (1).TXT");
        assert_eq!(choose("a.txt"), "a (2).txt");
        assert_eq!(choose("B.txt"), "B (1).txt");
        assert_eq!(choose("noext"), "noext");
        assert_eq!(choose("noext"), "noext (1)");
        assert_eq!(choose("noext (1)"), "noext (1) (1)");
    }
}
