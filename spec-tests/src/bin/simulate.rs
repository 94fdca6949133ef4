//! Tells stories until one breaks a promise: `cargo run --profile simulation -p spec-tests --bin simulate -- 0..10000000`.

use std::io::Write as _;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use background_fetch_sim::story::Story;
use background_fetch_sim::{survey, tell_safely};
use background_fetch_storage::MemoryStorage;

const USAGE: &str = "usage: simulate FIRST..END [--threads N]   the stories of many seeds\n       \
     simulate SEED                       one, in words\n       \
     simulate FILE                       that of a fuzz target's input";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether every promise was kept.
fn run(arguments: &[String]) -> Result<bool, String> {
    let [what, rest @ ..] = arguments else {
        return Err("which seeds?".to_owned());
    };
    let threads = match rest {
        [] => std::thread::available_parallelism().map_or(1, usize::from),
        [option, threads] if option == "--threads" => number(threads)? as usize,
        _ => return Err(format!("what does {rest:?} mean?")),
    };
    match what.split_once("..") {
        Some((first, end)) => Ok(many(number(first)?..number(end)?, threads)),
        None if std::path::Path::new(what).is_file() => {
            let bytes = std::fs::read(what).map_err(|error| format!("{what} cannot be read: {error}"))?;
            Ok(one(None, &Story::of_bytes(&bytes)))
        }
        None => {
            let seed = number(what)?;
            Ok(one(Some(seed), &Story::of_seed(seed)))
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    plain.parse().map_err(|_| format!("{text:?} is no number"))
}

fn fresh(quota: u64) -> Arc<dyn background_fetch::embedder::Storage> {
    Arc::new(MemoryStorage::new(quota))
}

/// Tells one story in words.
fn one(seed: Option<u64>, story: &Story) -> bool {
    print!("{story}");
    match tell_safely(story, fresh) {
        Ok(telling) => println!("every promise was kept: {telling:?}"),
        Err(wrong) => {
            println!("{}", background_fetch_sim::in_short(seed, story, wrong, fresh));
            return false;
        }
    }
    true
}

fn many(seeds: Range<u64>, threads: usize) -> bool {
    let begun = Instant::now();
    let shown = Mutex::new(begun);
    let all = seeds.end.saturating_sub(seeds.start);
    println!("the stories of seeds {seeds:?} on {threads} threads");
    let told = survey(seeds, threads, fresh, |told| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.elapsed() > Duration::from_secs(1) {
            *shown = Instant::now();
            let rate = told as f64 / begun.elapsed().as_secs_f64();
            print!("\r{told} of {all}, {rate:.0} a second ");
            let _ = std::io::stdout().flush();
        }
        true
    });
    match told {
        Ok(tally) => {
            let telling = tally.telling;
            println!(
                "\r{} stories in {:.0} s kept every promise: {} background fetches, {} of them successful, {} kills, {} polls",
                tally.stories,
                begun.elapsed().as_secs_f64(),
                telling.fetches,
                telling.successes,
                telling.crashes,
                telling.polls
            );
            true
        }
        Err(failure) => {
            println!("\r{failure}");
            false
        }
    }
}
