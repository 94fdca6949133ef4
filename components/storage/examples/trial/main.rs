//! Trials of the whole component on its real storage: killed, refused by the system, and watched by it.
//!
//! ```text
//! cargo run -p background-fetch-storage --features write-points --example trial -- kill [--kills 5000] [--seed 1]
//! ```
//!
//! | command | what it does |
//! |---|---|
//! | `kill` | kills a process at random moments and at every named write point, again and again on the same profile |
//! | `full` | fills a real disk of many sizes; needs `unshare` |
//! | `order` | checks in a trace of system calls that what is told was made durable before; needs `strace` |
//! | `look` | says what is in a profile, and what of it belongs to nobody |
//! | `syscalls` | lets every system call of the storage fail, with every error; needs `strace` |
//!
//! The process under trial is this program itself, with the command `life`: the engine with real threads on a
//! `ProfileStorage`, with scripted servers. It says on standard output what was promised to a script; what it said is
//! kept outside of it, and compared with what the next life finds.
#![forbid(unsafe_code)]

mod arguments;
mod full;
mod kill;
mod leaks;
mod life;
mod oracle;
mod order;
mod power_cut;
mod process;
mod story;
mod syscalls;

use std::process::ExitCode;

use arguments::Arguments;

/// Anything that went wrong, in a sentence.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::of_this_process();
    let done = match arguments.command() {
        Some("life") => return life::main(&arguments),
        Some("kill") => kill::main(&arguments),
        Some("syscalls") => syscalls::main(&arguments),
        Some("full") => full::main(&arguments),
        Some("look") => leaks::main(&arguments),
        Some("order") => order::main(&arguments),
        _ => Err("say which trial: kill, syscalls, full or order; or look".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("{trouble}");
            ExitCode::FAILURE
        }
    }
}
