//! Where it is measured, and with what.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The machine and the programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Environment {
    /// The model of the processor.
    pub(crate) cpu: String,
    /// How many of its cores may be used.
    pub(crate) cores: usize,
    /// The memory in bytes.
    pub(crate) memory_bytes: u64,
    /// The kernel's name and release.
    pub(crate) kernel: String,
    /// The kind of file system that is written to.
    pub(crate) file_system: String,
    /// The versions of the other programs.
    pub(crate) programs: Vec<String>,
}

impl Environment {
    /// This machine, and the file system of a folder.
    pub(crate) fn here(folder: &Path, programs: Vec<String>) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name")
                .unwrap_or("unknown")
                .to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(|text| text.strip_suffix(" kB")?.parse().ok())
                .map_or(0, |kib: u64| kib * 1024),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            file_system: file_system(&read("/proc/self/mountinfo"), folder)
                .unwrap_or("unknown")
                .to_owned(),
            programs,
        }
    }
}

/// A value in lines of names and values with colons.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(found, _)| found.trim() == name)?;
    Some(value.trim())
}

/// The kind of the file system that a path is on.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let place = place.split(' ').nth(4)?;
        path.starts_with(place)
            .then_some((place.len(), kind.split(' ').next()?))
    });
    // Of two at one place the later one hides the other.
    let (_, kind) = mounts.max_by_key(|(length, _)| *length)?;
    Some(kind)
}

/// How many tasks wanted the processors in the last minute, on average.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|text| text.parse().ok());
    first.unwrap_or_default()
}

/// The commit of the working tree, and whether it has changes.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "components",
        "Cargo.lock",
    ]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit} with changes"),
    }
}

/// The time, in UTC.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0);
    let text = now.ok().and_then(|now| now.format(&Rfc3339).ok());
    text.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_nearest_mount() {
        let mounts = "\
            22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
            30 22 0:26 / /mnt rw - tmpfs tmpfs rw\n\
            31 30 0:27 /sub /mnt/disk rw,nosuid master:3 - xfs /dev/sdb rw\n\
            32 30 0:27 / /mnt/disk rw - btrfs /dev/sdc rw\n";
        let kind = |path| file_system(mounts, Path::new(path));
        assert_eq!(kind("/home/a"), Some("ext4"));
        assert_eq!(kind("/mnt/a"), Some("tmpfs"));
        assert_eq!(kind("/mnt/disk/a"), Some("btrfs"));
        assert_eq!(kind("/mnt/disks"), Some("tmpfs"));
        assert_eq!(file_system("", Path::new("/")), None);
    }

    #[test]
    fn a_field_is_the_first_of_its_name() {
        let text = "processor\t: 0\nmodel name\t: A CPU: fast\nmodel name\t: another\n";
        assert_eq!(field(text, "model name"), Some("A CPU: fast"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn a_date_is_one() {
        let now = now();
        assert!(
            now.len() == 20 && now.ends_with('Z') && now.starts_with("20"),
            "{now}"
        );
    }
}
