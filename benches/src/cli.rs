//! The command line, and what its commands do.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::certificate::Certificate;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::job::{self, Direction, Job, Series};
use crate::machine::{self, Environment};
use crate::measure;
use crate::nginx::Nginx;
use crate::program;
use crate::report::{Places, root};
use crate::results::Results;
use crate::session::Session;
use crate::table;

/// The project's own commands
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure `bgfetch get` beside curl and aria2c, on a server of nginx on the loopback
    ///
    /// Prints tables, and writes benches/results and docs/performance.md.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Exit status: 0 measured; 1 something failed, or a goal is not met with --check; 2 a program is \
                      missing, or the command does not make sense; 130 interrupted."
    )]
    Bench(BenchArguments),
    /// Run a program and print what it took, as JSON
    #[command(hide = true)]
    Measure {
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    },
}

#[derive(Args, Debug)]
struct BenchArguments {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    /// What to measure; everything by default, which takes a while. What is known of other jobs stays in the results
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// How often each program runs
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How much of every job, as in 0.01: fewer files, or a smaller one, to see that it works. The results of less than
    /// 1 stay in the folder
    #[arg(long, value_name = "FRACTION", default_value = "1", value_parser = scale, conflicts_with = "check")]
    scale: f64,
    /// Say which jobs there are
    #[arg(long)]
    list: bool,
    /// Exit with status 1 where a goal is not met
    #[arg(long)]
    check: bool,
    /// Measure this program instead of building one
    #[arg(long, value_name = "FILE")]
    bgfetch: Option<PathBuf>,
    /// Where files are made and saved, on the disk to measure; target/bench by default
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The longest that one run may take
    #[arg(long, value_name = "SECONDS", default_value = "900")]
    time_out: u64,
    /// The date to keep with the results, as in 2026-01-31T12:00:00Z; the clock's by default
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Write docs/performance.md and the plots again, from benches/results/latest.json
    Report,
}

/// A scale: more than nothing, and not more than everything.
fn scale(text: &str) -> Result<f64, String> {
    let scale = text.parse().ok().filter(|scale| *scale > 0.0 && *scale <= 1.0);
    scale.ok_or_else(|| "it is no number over 0, and up to 1".to_owned())
}

/// Does what the command line says.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    match Cli::parse().command {
        Command::Measure { command } => {
            measure::measure(&command)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(arguments) => match arguments.command {
            Some(BenchCommand::Report) => report(),
            None => bench(&arguments),
        },
    }
}

fn report() -> Result<ExitCode, Failure> {
    let places = Places::of_the_repository();
    let results = Results::read(&places.json())?
        .ok_or_else(|| Failure::usage("there are no results yet; run `cargo xtask bench`"))?;
    places.publish(&results)?;
    Ok(ExitCode::SUCCESS)
}

fn bench(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    let mut jobs = job::chosen(&arguments.jobs, arguments.scale)?;
    if arguments.list {
        print!("{}", table::list(&jobs));
        return Ok(ExitCode::SUCCESS);
    }
    let mut programs = vec![program::version("nginx")?, program::version("curl")?];
    let aria2c = program::version("aria2c");
    match &aria2c {
        Ok(version) => programs.push(version.clone()),
        Err(missing) => say(&format!("{}; going on without it", missing.message)),
    }
    let stores = program::nginx_stores_uploads();
    if !stores {
        say("this nginx has no WebDAV module, so that it stores no uploads; going on without them");
        jobs.retain(|job| job.direction != Direction::Upload);
    }
    let commit = match &arguments.bgfetch {
        Some(_) => "unknown".to_owned(),
        None => machine::commit(),
    };
    let bgfetch = match &arguments.bgfetch {
        Some(bgfetch) => std::path::absolute(bgfetch)
            .map_err(|error| Failure::usage(format!("{}: {error}", bgfetch.display())))?,
        None => program::build_bgfetch()?,
    };
    let base = arguments
        .folder
        .clone()
        .unwrap_or_else(|| root().join("target/bench"));
    fs::create_dir_all(&base).map_err(|error| Failure::file("make the folder", &base, error))?;
    let base = base
        .canonicalize()
        .map_err(|error| Failure::file("find the folder", &base, error))?;
    let scaled = arguments.scale < 1.0;
    let places = match scaled {
        true => Places::aside(&base.join("scaled")),
        false => Places::of_the_repository(),
    };
    let environment = Environment::here(&base, programs);
    let mut results = kept(&places, environment, scaled)?;
    // Before there is anything to clean up.
    let interrupt = Interrupt::listen()?;
    let folder = tempfile::Builder::new()
        .prefix("session-")
        .tempdir_in(&base)
        .map_err(|error| Failure::file("make a folder in", &base, error))?;
    let certificate = Certificate::make(folder.path())?;
    let session = Session {
        nginx: Nginx::start(folder.path(), &certificate, stores)?,
        folder: folder.path(),
        bgfetch,
        commit,
        aria2c: aria2c.is_ok(),
        certificate,
        runs: arguments.runs,
        longest: Duration::from_secs(arguments.time_out),
        date: arguments.date.clone(),
        interrupt,
    };
    let failures = measure_all(&session, &jobs, &mut results, &places)?;
    print(&results, scaled);
    say(&format!("written: {}", places.json().display()));
    for failure in &failures {
        say(failure);
    }
    let missed = table::missed(&results);
    let bad = !failures.is_empty() || arguments.check && !missed.is_empty();
    if arguments.check {
        for missed in missed {
            say(&format!("not met: {missed}"));
        }
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The results so far that these are added to: what was measured in the same place.
fn kept(places: &Places, environment: Environment, scaled: bool) -> Result<Results, Failure> {
    let kept = if scaled {
        None
    } else {
        Results::read(&places.json())?
    };
    Ok(match kept {
        Some(kept) if kept.environment == environment => kept,
        Some(_) => {
            say("the results so far are from another place or other programs, and are replaced");
            Results::new(environment)
        }
        None => Results::new(environment),
    })
}

/// Runs the jobs, and writes what came out after each; which programs failed.
fn measure_all(
    session: &Session<'_>,
    jobs: &[Job],
    results: &mut Results,
    places: &Places,
) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = job::all().into_iter().map(|job| job.name).collect();
    let mut failures = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        let progress = |message: &str| say(&format!("[{}/{}] {message}", number + 1, jobs.len()));
        let result = session.run(job, &progress)?;
        for peer in &result.peers {
            if let Some(failure) = &peer.failure {
                failures.push(format!("{}: {} {failure}", job.name, peer.peer.name()));
            }
        }
        results.put(result, &names);
        places.publish(results)?;
    }
    Ok(failures)
}

fn print(results: &Results, scaled: bool) {
    println!("\n{}\n{}", table::machine(results), table::jobs(results));
    for series in [Series::Files, Series::Size] {
        if results.series(series).next().is_some() {
            println!("{}", table::growth(results, series));
        }
    }
    println!("{}", table::goals(results));
    if scaled {
        println!("Everything was scaled down, so that this says nothing about the goals.");
    }
}

/// Tells the user something.
fn say(message: &str) {
    eprintln!("{message}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for wrong in [
            "bench --scale 0.5 --check",
            "bench --scale 0",
            "bench --scale 1.1",
            "bench --scale half",
            "bench --runs 0",
            "bench report 1x512MiB",
        ] {
            let words = ["cargo xtask"].into_iter().chain(wrong.split(' '));
            Cli::try_parse_from(words).unwrap_err();
        }
        let words = ["cargo xtask", "measure", "--", "curl", "--fail"];
        let Command::Measure { command } = Cli::try_parse_from(words).unwrap().command else {
            panic!("it is another command");
        };
        assert_eq!(command, ["curl", "--fail"]);
    }
}
