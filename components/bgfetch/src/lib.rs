//! `bgfetch`: fetches files, and goes on after an interruption, a crash or a kill. The Background Fetch API, put to work
//! on a command line, and an example of how to embed it.
//!
//! | module | what lives there |
//! |---|---|
//! | `cli`, `requests` | commands, options and what they mean |
//! | `embedding` | what an embedder lends: tasks, clock, permissions, user interface, the worker; and the loop that a realm lives on |
//! | `profile` | the options of each fetch, the history, beside the component's storage |
//! | `session` | runs background fetches until they are over or interrupted |
//! | `worker` | handles the functional events: exports what arrived |
//! | `naming` | names for files, which never lead out of the output folder |
//! | `output` | bars, plain lines, JSON lines |
//! | `commands` | one file each |
//! | `host` | runs pages and service workers |
//! | `wpt` | runs tests of the web platform |
//! | `demo` | shows it all |
//! | [`loopback`] | a server that throttles, drops and counts: for the demo and the tests |
//! | [`trial`] | the program as a child process: for the demo and the tests |
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod demo;
mod embedding;
mod failure;
mod folders;
mod host;
mod keys;
#[doc(hidden)]
pub mod loopback;
mod naming;
mod output;
mod profile;
mod requests;
mod session;
mod signals;
#[doc(hidden)]
pub mod trial;
mod worker;
mod wpt;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::{Failure, Status};
/// For the fuzzer.
#[doc(hidden)]
pub use naming::file_name;

/// The program: does what the arguments say, the first being the program's name, and gives its exit status.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and the version are no errors; clap says which is which.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = command.is_json();
    let status = match run(command) {
        Ok(status) => status,
        Err(failure) => {
            output::error(json, &failure.message);
            failure.status
        }
    };
    status.into()
}

fn run(command: Command) -> Result<Status, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the program's loop: {error}")))?;
    let done = tokio::task::LocalSet::new().block_on(&runtime, commands::run(command));
    // What still blocks is not waited for: everything that matters is stored.
    runtime.shutdown_background();
    done
}
