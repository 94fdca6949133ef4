//! The `order` trial: what is told was made durable before. `strace` writes down every write and every sync of a life,
//! and the moments at which something is told; then the order is checked.
//!
//! The check is checked too: of each trace the syncs are taken out, one kind after the other, and each time it must
//! complain; and where a file is closed before it is synced.
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
const CALLS: &str = "trace=openat,close,mkdir,lseek,write,pwrite64,writev,fdatasync,fsync,syncfs,ftruncate,unlink,\
                     linkat,renameat2";

/// The stories, each with what is synced in it.
const STORIES: [(&str, &[&str]); 4] = [
    ("plain", &["/bodies/", "/bodies>", WAL, PROFILE, COPY, EXPORTS]),
    ("posting", &["/bodies/", "/bodies>", WAL, PROFILE, COPY, EXPORTS]),
    ("aborted", &["/bodies/", "/bodies>", WAL, PROFILE]),
    // Many copies are made durable with one call.
    ("many", &[WAL, PROFILE, "syncfs(", EXPORTS]),
];

const WAL: &str = "database.sqlite3-wal>";
const PROFILE: &str = "/profile>";
const EXPORTS: &str = "/profile.exports>";
/// An exported file that has not got its name.
const COPY: &str = "/.background-fetch-";

/// The `order` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    super::syscalls::needs_strace()?;
    let folder = kill::folder(arguments.text("--folder"))?;
    for (name, kinds) in STORIES {
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
        for kind in kinds {
            check_the_check(&trace, &profile, kind)?;
        }
        if kinds.contains(&"/bodies/") {
            check_that_it_minds_another_descriptor(&trace, &profile)?;
        }
    }
    println!("Everything holds.");
    Ok(())
}

/// Without the syncs of this kind, the check complains.
fn check_the_check(trace: &str, profile: &std::path::Path, kind: &str) -> Result<(), Trouble> {
    let is_sync = |line: &&str| SYNCS.iter().any(|call| line.contains(call)) && line.contains(kind);
    let without: Vec<&str> = trace.lines().filter(|line| !is_sync(line)).collect();
    match check::check(&without.join("\n"), profile) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("the check does not miss the syncs of {kind}").into()),
    }
}

const SYNCS: [&str; 3] = ["fsync(", "fdatasync(", "syncfs("];

/// With a body file that is closed and opened again before it is synced, the check complains.
fn check_that_it_minds_another_descriptor(trace: &str, profile: &std::path::Path) -> Result<(), Trouble> {
    let lines: Vec<&str> = trace.lines().collect();
    let is_sync = |line: &&str| line.contains("fdatasync(") && line.contains("/bodies/");
    let at = lines.iter().position(is_sync);
    let at = at.ok_or("no body is synced")?;
    let (call, _) = lines[at].split_once('>').unwrap_or((lines[at], ""));
    let close = format!("{}>) = 0", call.replace("fdatasync", "close"));
    let mut closed = lines;
    closed.insert(at, &close);
    match check::check(&closed.join("\n"), profile) {
        Err(_) => Ok(()),
        Ok(_) => Err("the check does not mind that a body is synced through another descriptor".into()),
    }
}
