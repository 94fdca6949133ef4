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

/// Mounts `$1` with so many KiB, lives there, makes room, and lives again.
const SCRIPT: &str = r#"
    mount -t tmpfs -o size="$2"k tmpfs "$1" || exit 77
    "$3" life --profile "$1/profile" --stories "$4" --life 1 --boot 1
    mount -o remount,size=64m "$1" && echo room
    "$3" life --profile "$1/profile" --stories none --drain yes --life 2 --boot 1 || exit 1
    echo files $(ls "$1/profile/bodies" | wc -l)
"#;

/// The `full` command.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    let folder = kill::folder(arguments)?;
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
        let mut left = None;
        let end = Process::start(&mut command)?.watch(None, |line| match line.strip_prefix("files ") {
            Some(count) => left = Some(count.to_owned()),
            None if line == "room" => oracle.new_life(2, "with room"),
            None => oracle.hear(line),
        })?;
        if !oracle.said_something() && left.is_none() {
            return Err("this needs unshare, and to be allowed to mount a file system".into());
        }
        oracle.end();
        let wrong = oracle.wrongs().first().cloned();
        let wrong = wrong.or_else(|| (end != End::Done).then(|| format!("{end:?}")));
        let wrong =
            wrong.or_else(|| (left.as_deref() != Some("0")).then(|| format!("{left:?} files are left")));
        if let Some(wrong) = wrong {
            return Err(format!("{}\n\nWRONG with {size} KiB: {wrong}", oracle.log().join("\n")).into());
        }
        sizes += 1;
    }
    println!("{sizes} sizes of a disk that became full.\nEverything holds.");
    Ok(())
}
