//! Valgrind's callgrind, which counts.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use micro_benchmarks::paths::{COUNTED, HotPath};

const MISSING: &str = "valgrind is not installed, so no instructions can be counted; install it: apt-get install valgrind (Debian \
     and Ubuntu; the package is called valgrind elsewhere too)";

/// The version of valgrind; or a sentence that says that there is none.
pub(crate) fn version() -> Result<String, String> {
    let output = output(Command::new("valgrind").arg("--version"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The instructions of a path, one time.
pub(crate) fn count(path: &HotPath) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for callgrind's file: {error}"))?;
    let file = folder.path().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect=*{COUNTED}*"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(&program)
        .args(["--run", path.name])
        // What the shell exports moves the stack, and with it what is aligned how.
        .env_clear();
    for kept in ["PATH", "HOME", "TMPDIR"] {
        command.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    output(&mut command)?;
    let counted = total(&file)?;
    if counted == 0 {
        return Err(format!(
            "callgrind counted nothing in {}: it found no function {COUNTED}",
            path.name
        ));
    }
    Ok(counted / path.times)
}

fn output(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => MISSING.to_owned(),
        _ => format!("valgrind does not start: {error}"),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("valgrind failed with {}:\n{said}", output.status))
}

/// The line `totals: N` of callgrind's file.
fn total(file: &Path) -> Result<u64, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("callgrind's file cannot be read: {error}"))?;
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    totals
        .map(|total| total.trim().parse::<u64>())
        .sum::<Result<u64, _>>()
        .map_err(|error| format!("callgrind's file has a total that is no number: {error}"))
}
