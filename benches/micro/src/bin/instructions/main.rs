//! Counts the instructions of the hot paths, and compares them with those in the tree:
//! `cargo instructions`.
//!
//! The program runs itself under callgrind, once for each path.

mod callgrind;
mod counts;
mod table;

use std::process::ExitCode;

use counts::Counts;
use micro_benchmarks::paths::{HotPath, PATHS};
use table::Comparison;

const USAGE: &str = "usage: instructions            counts, and compares with benches/micro/instructions.json
       instructions --accept   counts, and writes that file
       instructions --only TEXT   the paths that have this in their name
       instructions --run NAME    does a path once, uncounted: for valgrind and perf";

/// By how much a path may grow, in percent.
const ALLOWED_PERCENT: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => compare(""),
        ["--only", text] => compare(text),
        ["--accept"] => accept(),
        ["--run", name] => run(name),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(2)
        }
    }
}

/// Does a path: what callgrind runs.
fn run(name: &str) -> Result<bool, String> {
    let path = PATHS.iter().find(|path| path.name == name);
    let path = path.ok_or_else(|| format!("there is no path {name:?}"))?;
    (path.run)(path.times);
    Ok(true)
}

fn count<'a>(paths: impl Iterator<Item = &'a HotPath>) -> Result<Counts, String> {
    let mut counts = Counts::of_this_machine(callgrind::version()?);
    for path in paths {
        eprintln!("counting {}", path.name);
        counts.set(path.name, callgrind::count(path)?);
    }
    Ok(counts)
}

/// Whether no path with `text` in its name grew by more than what is allowed.
fn compare(text: &str) -> Result<bool, String> {
    let before = Counts::read()?;
    let now = count(PATHS.iter().filter(|path| path.name.contains(text)))?;
    let comparison = Comparison::new(&before, &now, ALLOWED_PERCENT);
    print!("{comparison}");
    if before.tools() != now.tools() {
        println!(
            "\nThe counts in the tree are those of {}; here is {}.",
            before.tools(),
            now.tools()
        );
    }
    let grown = comparison.grown();
    if !grown.is_empty() {
        println!(
            "\nGrown by more than {ALLOWED_PERCENT} %: {}. Where that is meant:\n  \
             cargo instructions --accept\n\
             and commit benches/micro/instructions.json, with why in the commit.",
            grown.join(", ")
        );
    }
    if !comparison.is_known() {
        println!("\nPaths without a count in the tree: --accept adds them.");
    }
    Ok(grown.is_empty() && comparison.is_known())
}

fn accept() -> Result<bool, String> {
    let now = count(PATHS.iter())?;
    let before = Counts::read().unwrap_or_default();
    print!("{}", Comparison::new(&before, &now, ALLOWED_PERCENT));
    now.write()?;
    println!("\nwritten to benches/micro/instructions.json");
    Ok(true)
}
