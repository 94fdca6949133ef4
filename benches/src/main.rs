//! `cargo xtask`: the project's own commands. There is one, `bench`: `bgfetch get` beside other downloaders.
//!
//! What is measured, and against what, is in `job`; who is measured in `peer`; how in `session` and `measure`.
//! `report` writes what came out into `docs/performance.md`.

mod certificate;
mod cli;
mod content;
mod failure;
mod goal;
mod interrupt;
mod job;
mod machine;
mod measure;
mod nginx;
mod peer;
mod plot;
mod program;
mod report;
mod results;
mod session;
mod statistics;
mod table;
mod text;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}
