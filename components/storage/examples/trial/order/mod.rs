//! The `order` trial: what is told was made durable before. `strace` writes down every write and every sync of a life,
//! and the moments at which something is told; then the order is checked.
//!
//! The check is checked too: of each trace the syncs are taken out, one kind after the other, and each time it must
//! complain.
//!
//! Options: `--folder` (as `kill`).

mod check;

use std::fs;
use std::process::Command;

use super::arguments::Arguments;
use super::process::{End, Process, life};
use super::syscalls::story;
use super::{Trouble, kill};

/// What is traced.
const CALLS: &str = "trace=openat,mkdir,lseek,write,pwrite64,writev,fdatasync,fsync,ftruncate,unlink,linkat";

/// The `order` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    super::syscalls::needs_strace()?;
    let folder = kill::folder(arguments)?;
    for name in ["plain", "posting", "aborted"] {
        let profile = folder.path().join(name).join("profile");
        fs::create_dir_all(folder.path().join(name))?;
        let output = folder.path().join(format!("{name}.trace"));
        let life = life(&profile)?;
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-y", "-s", "200", "-e", CALLS, "-o"])
            .arg(&output);
        command.arg("--").arg(life.get_program()).args(life.get_args());
        command.args(["--stories", &story(name), "--life", "1", "--boot", "1"]);
        let mut said = Vec::new();
        let end = Process::start(&mut command)?.watch(None, |line| said.push(line.to_owned()))?;
        if end != End::Done {
            return Err(format!("{name} ended so: {end:?}\n{}", said.join("\n")).into());
        }
        let trace = fs::read_to_string(&output)?;
        let told = check::check(&trace, &profile)?;
        println!("{name}: {told} promises were durable before they were told");
        for kind in ["/bodies/", "/bodies>", "database.sqlite3-wal>", "/profile>"] {
            check_the_check(&trace, &profile, kind)?;
        }
    }
    println!("Everything holds.");
    Ok(())
}

/// Without the syncs of this kind, the check complains.
fn check_the_check(trace: &str, profile: &std::path::Path, kind: &str) -> Result<(), Trouble> {
    let is_sync =
        |line: &&str| (line.contains("fsync(") || line.contains("fdatasync(")) && line.contains(kind);
    let without: Vec<&str> = trace.lines().filter(|line| !is_sync(line)).collect();
    match check::check(&without.join("\n"), profile) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("the check does not miss the syncs of {kind}").into()),
    }
}
