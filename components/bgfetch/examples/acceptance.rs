//! An acceptance check that anybody can run again: eight files, one of them large, from a throttled server on
//! loopback; `bgfetch get` is killed with SIGKILL five times at different moments, and resumed.
//!
//! It holds when the last run ends with exit status 0, every checksum is right, no more than one MiB of each file was
//! sent twice, and no process had more than 64 MiB resident.
//!
//! ```text
//! cargo run --release -p bgfetch --example acceptance [-- --big-mib 64] [--rate-mib 50]
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Instant;

use bgfetch::loopback::{Resource, Server, sha256};
use bgfetch::trial::{Trial, check_or_program};
use sha2::{Digest, Sha256};

const MIB: u64 = 1 << 20;

/// What may be sent twice of each file, in bytes.
const SENT_TWICE: u64 = MIB;

/// What a process may have resident, in bytes.
const MEMORY: u64 = 64 * MIB;

/// When the kills come: at so many thousandths of all bytes.
const KILLS: [u64; 5] = [3, 150, 333, 610, 905];

/// With this variable set, the check is the program: so what is checked is what was built with it.
const CHILD: &str = "BGFETCH_ACCEPTANCE_CHILD";

struct File {
    path: String,
    seed: u64,
    length: u64,
    rate: u64,
}

fn main() -> ExitCode {
    check_or_program(CHILD, check)
}

fn check() -> Result<Vec<String>, Box<dyn Error>> {
    let (big, rate) = (option("--big-mib", 1024)? * MIB, option("--rate-mib", 50)? * MIB);
    let server = Server::start()?;
    let files = files(big, rate);
    for file in &files {
        server.serve(
            &file.path,
            Resource::pattern(file.seed, file.length).rate(file.rate),
        );
    }
    let total: u64 = files.iter().map(|file| file.length).sum();
    let folder = tempfile::tempdir()?;
    println!(
        "{} files, {} MiB in all; {} kills",
        files.len(),
        total / MIB,
        KILLS.len()
    );

    let began = Instant::now();
    let mut troubles = Vec::new();
    for (number, kill) in KILLS.into_iter().enumerate() {
        let at = total / 1000 * kill;
        let mut run = start(folder.path(), &server, &files, number == 0)?;
        let mut downloaded = 0;
        while downloaded < at {
            let Some(line) = run.next_blocking() else {
                return Err(format!("run {} ended before it could be killed", number + 1).into());
            };
            downloaded = line["downloaded"].as_u64().unwrap_or(downloaded);
        }
        run.kill()?;
        report(
            number + 1,
            &run,
            began,
            &format!("killed at {} MiB", downloaded / MIB),
            &mut troubles,
        );
    }
    let mut last = start(folder.path(), &server, &files, false)?;
    while last.next_blocking().is_some() {}
    let status: ExitStatus = last.wait()?;
    report(
        KILLS.len() + 1,
        &last,
        began,
        &format!("ended with {status}"),
        &mut troubles,
    );
    if !status.success() {
        troubles.push(format!("the last run ended with {status}"));
    }
    compare(&server, &files, &folder.path().join("files"), &mut troubles)?;
    Ok(troubles)
}

fn files(big: u64, rate: u64) -> Vec<File> {
    // One that takes as long as all the others together.
    let lengths = [
        big,
        big / 16,
        big / 20,
        big / 32,
        big / 64,
        big / 100 + 1,
        70_000,
        1,
    ];
    lengths
        .into_iter()
        .enumerate()
        .map(|(index, length)| File {
            path: format!("/file-{index}.bin"),
            seed: index as u64 + 1,
            length,
            rate: (rate * length / big).max(64 << 10),
        })
        .collect()
}

fn start(folder: &Path, server: &Server, files: &[File], first: bool) -> Result<Trial, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    if first {
        command
            .arg("get")
            .args(files.iter().map(|file| server.url(&file.path)));
        command
            .args(["--id", "acceptance", "--output"])
            .arg(folder.join("files"));
    } else {
        command.args(["resume", "acceptance"]);
    }
    command.arg("--json").arg("--profile").arg(folder.join("profile"));
    command.env(CHILD, "1");
    Ok(Trial::start(&mut command)?)
}

fn report(number: usize, run: &Trial, began: Instant, how: &str, troubles: &mut Vec<String>) {
    let memory = run.peak_memory();
    println!(
        "{:>6.1} s  run {number}: {how}; peak memory {:.1} MiB",
        began.elapsed().as_secs_f64(),
        memory as f64 / MIB as f64
    );
    if memory == 0 {
        println!("          (this system does not say how much memory a process had)");
    }
    if memory > MEMORY {
        troubles.push(format!(
            "run {number} had {} MiB of memory resident",
            memory / MIB
        ));
    }
}

fn compare(
    server: &Server,
    files: &[File],
    folder: &Path,
    troubles: &mut Vec<String>,
) -> Result<(), Box<dyn Error>> {
    println!(
        "\n{:<12} {:>12} {:>12} {:>10} {:>8} {:>6}  SHA-256",
        "file", "bytes", "bytes sent", "twice", "requests", "ranges"
    );
    for file in files {
        let tally = server.tally(&file.path);
        let name = file.path.trim_start_matches('/');
        let is_right = digest(&folder.join(name))? == sha256(file.seed, file.length);
        println!(
            "{name:<12} {:>12} {:>12} {:>10} {:>8} {:>6}  {}",
            file.length,
            tally.sent,
            tally.sent_again,
            tally.requests,
            tally.ranges,
            if is_right { "ok" } else { "WRONG" }
        );
        if !is_right {
            troubles.push(format!("{name} has wrong bytes"));
        }
        if tally.sent_again > SENT_TWICE {
            troubles.push(format!("{} bytes of {name} were sent twice", tally.sent_again));
        }
    }
    let ranges: u64 = files.iter().map(|file| server.tally(&file.path).ranges).sum();
    if ranges == 0 {
        troubles.push("no range was asked for".to_owned());
    }
    Ok(())
}

fn digest(path: &PathBuf) -> Result<String, Box<dyn Error>> {
    let mut digest = Sha256::new();
    let mut file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    std::io::copy(&mut file, &mut digest)?;
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The number after an option.
fn option(name: &str, default: u64) -> Result<u64, Box<dyn Error>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    match arguments.next() {
        Some(number) => Ok(number.parse().map_err(|_| format!("{name} takes a number"))?),
        None => Ok(default),
    }
}
