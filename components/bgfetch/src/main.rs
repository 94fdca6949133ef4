//! The program `bgfetch`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bgfetch::main(std::env::args_os())
}
