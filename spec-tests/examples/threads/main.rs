//! The component under threads: hundreds of background fetches at a time on a pool of threads, pages and workers on
//! threads of their own, and users, servers and connections that do what they like. Round after round, until the time
//! is over; after each everything must have come to its one end, and nothing may be left.
//!
//! ```text
//! cargo run -p spec-tests --example threads -- [--seconds N] [--seed S] [--storage memory|profile]
//! ```
//!
//! A minute by default, on both storages by turns. The seed decides what is done, not in which order threads do it: a
//! seed that failed may need some runs to fail again.

mod round;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use round::{Figures, Kind, Scale};

/// How long a round goes wild, before all must come to an end.
const WILD: Duration = Duration::from_secs(4);

struct Arguments {
    seconds: u64,
    seed: u64,
    /// None for both by turns.
    storage: Option<Kind>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let mut total = Figures::default();
    for number in 0.. {
        let elapsed = began.elapsed().as_secs();
        if elapsed >= arguments.seconds {
            break;
        }
        let seed = arguments.seed.wrapping_add(number);
        let storage = arguments.storage.unwrap_or(match number % 2 {
            0 => Kind::Memory,
            _ => Kind::Profile,
        });
        let wild = WILD.min(Duration::from_secs(arguments.seconds - elapsed));
        let (figures, faults) = round::run(seed, storage, wild, &Scale::LARGE);
        println!("seed {seed}, {storage:?}: {figures}");
        if !faults.is_empty() {
            faults.iter().for_each(|fault| println!("  {fault}"));
            return ExitCode::FAILURE;
        }
        total += figures;
    }
    println!("in all, {} s: {total}", began.elapsed().as_secs());
    ExitCode::SUCCESS
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        seconds: 60,
        seed: 1,
        storage: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} {value}: not a number"));
        match name.as_str() {
            "--seconds" => parsed.seconds = number()?,
            "--seed" => parsed.seed = number()?,
            "--storage" => {
                parsed.storage = Some(match value.as_str() {
                    "memory" => Kind::Memory,
                    "profile" => Kind::Profile,
                    _ => return Err(format!("--storage is memory or profile, not {value}")),
                });
            }
            _ => return Err(format!("{name}: there are --seconds, --seed and --storage")),
        }
    }
    Ok(parsed)
}
