//! The `full` trial: a disk that is full, a real one: a file system in memory of many sizes, in a namespace of its own.
//! When it has room again, everything goes on, and nothing is lost or left.
//!
//! Options: `--from` (40), `--to` (600), `--step` (20): the sizes in KiB.

use std::process::Command;

use super::Trouble;
use super::arguments::Arguments;
use super::kill;
use super::oracle::Oracle;
use super::process::{End, Process, life};
use super::syscalls::story;

/// Mounts `$1` with so many KiB, lives there, makes room, and lives again. What each leaves is looked at before the
/// profile is opened again, which sweeps.
const SCRIPT: &str = r#"
    mount -t tmpfs -o size="$2"k tmpfs "$1" || exit 77
    "$3" life --profile "$1/profile" --stories "$4" --life 1 --boot 1 &&
        "$3" look --profile "$1/profile"
    mount -o remount,size=64m "$1" && echo room
    "$3" life --profile "$1/profile" --stories none --drain yes --life 2 --boot 1 || exit 1
    "$3" look --profile "$1/profile"
"#;

/// The `full` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    let folder = kill::folder(arguments.text("--folder"))?;
    let place = folder.path().display().to_string();
    let stories = ["plain", "posting", "aborted"].map(story).join(",");
    let program = life(folder.path())?.get_program().to_owned();
    let (from, to, step) = (
        arguments.value("--from", 40)?,
        arguments.value("--to", 600)?,
        arguments.value("--step", 20)?,
    );
    let mut sizes = 0;
    for size in (from..=to).step_by(step) {
        let size: u64 = size;
        let mut command = Command::new("unshare");
        command.args([
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            SCRIPT,
            "sh",
            &place,
            &size.to_string(),
        ]);
        command.arg(&program).arg(&stories);
        let mut oracle = Oracle::default();
        oracle.new_life(1, &format!("with {size} KiB"));
        // Where there was room for one more thing and not for another, both are right.
        oracle.expect_fault(format!("{place}/profile"), None);
        let (mut left, mut leak) = (None, None);
        let end = Process::start(&mut command)?.watch(None, |line| match line.split_once(' ') {
            Some(("left", all)) => left = Some(all.to_owned()),
            Some(("leak", _)) if oracle.heard_of_a_database_that_failed() => {}
            Some(("leak", what)) => leak = leak.take().or_else(|| Some(format!("a leak: {what}"))),
            None if line == "room" => oracle.new_life(2, "with room"),
            _ => oracle.hear(line),
        })?;
        if !oracle.said_something() && left.is_none() {
            return Err("this needs unshare, and to be allowed to mount a file system".into());
        }
        if leak.is_none() {
            // It forgets how it came where all is well.
            oracle.end();
        }
        let wrong = oracle.wrongs().first().cloned();
        let wrong = wrong.or_else(|| (end != End::Done).then(|| format!("{end:?}")));
        let wrong = wrong.or(leak);
        let nothing = Some("0 rows, 0 body files");
        let wrong = wrong.or_else(|| (left.as_deref() != nothing).then(|| format!("left over: {left:?}")));
        if let Some(wrong) = wrong {
            return Err(format!("{}\n\nWRONG with {size} KiB: {wrong}", oracle.log().join("\n")).into());
        }
        sizes += 1;
    }
    println!("{sizes} sizes of a disk that became full.\nEverything holds.");
    Ok(())
}
