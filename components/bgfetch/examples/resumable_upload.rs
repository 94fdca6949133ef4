//! A check of resumable uploads that anybody can run again: a file goes up to a reference server on loopback, which cuts the
//! connection five times; in the middle `bgfetch get` is killed with SIGKILL, and resumed.
//!
//! It holds when the last run ends with exit status 0, the server has the file whole (SHA-256), it was created once,
//! and the bytes that were sent in all are less than 5 % more than the file has. What was in flight when a connection
//! was cut is counted too; for a small file that alone may be more than 5 %.
//!
//! ```text
//! cargo run --release -p bgfetch --example resumable_upload [-- --mib 64]
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use bgfetch::loopback::{UploadServer, fill, sha256};
use bgfetch::trial::{Trial, check_or_program};

const MIB: u64 = 1 << 20;

/// Where the connection is cut: at so many thousandths of the file.
const CUTS: [u64; 5] = [40, 230, 410, 700, 930];

/// Where the program is killed.
const KILL: u64 = 550;

/// What one interruption may cost, in bytes, where that is more than its share of 5 %: the buffers of two sockets.
const IN_FLIGHT: u64 = 8 * MIB;

/// The seed of the file.
const SEED: u64 = 1;

/// With this variable set, the check is the program: so what is checked is what was built with it.
const CHILD: &str = "BGFETCH_RESUMABLE_UPLOAD_CHILD";

fn main() -> ExitCode {
    check_or_program(CHILD, check)
}

fn check() -> Result<Vec<String>, Box<dyn Error>> {
    let length = mib()? * MIB;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("up.bin");
    write(&file, length)?;
    let server = UploadServer::start()?;
    for cut in CUTS {
        server.cut_at(length / 1000 * cut);
    }
    server.hold_at(length / 1000 * KILL);
    println!(
        "a file of {} MiB, {} cuts, a kill in the middle",
        length / MIB,
        CUTS.len()
    );

    let began = Instant::now();
    let url = server.url();
    let data = format!("@{}", file.display());
    let first = [
        "get",
        &url,
        "--id",
        "upload",
        "--resumable",
        "-X",
        "PUT",
        "--data",
        &data,
    ];
    let mut run = start(folder.path(), &first)?;
    server.wait_until_held();
    run.kill()?;
    report(began, &run, "killed in the middle");
    server.release();
    let mut run = start(folder.path(), &["resume", "upload"])?;
    while run.next_blocking().is_some() {}
    let status = run.wait()?;
    report(began, &run, &format!("ended with {status}"));

    let mut troubles = Vec::new();
    if !status.success() {
        troubles.push(format!("the last run ended with {status}"));
    }
    table(&server);
    judge(&server, length, &mut troubles);
    let answer = std::fs::read_to_string(folder.path().join("up")).unwrap_or_default();
    if answer != sha256(SEED, length) {
        troubles.push("the response is not the targeted resource's".to_owned());
    }
    Ok(troubles)
}

fn write(path: &Path, length: u64) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut bytes = vec![0; MIB as usize];
    for offset in (0..length).step_by(MIB as usize) {
        fill(SEED, offset, &mut bytes);
        file.write_all(&bytes)?;
    }
    Ok(file.flush()?)
}

fn start(folder: &Path, arguments: &[&str]) -> Result<Trial, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).arg("--json");
    command.arg("--profile").arg(folder.join("profile"));
    command.current_dir(folder).env(CHILD, "1");
    Ok(Trial::start(&mut command)?)
}

fn report(began: Instant, run: &Trial, how: &str) {
    let memory = run.peak_memory() as f64 / MIB as f64;
    let elapsed = began.elapsed().as_secs_f64();
    println!("{elapsed:>6.1} s  {how}; peak memory {memory:.1} MiB");
}

fn table(server: &UploadServer) {
    println!(
        "\n{:<7} {:<12} {:>13} {:>13}  answer",
        "method", "path", "offset", "bytes sent"
    );
    for exchange in server.exchanges() {
        let status = match exchange.status {
            Some(status) => status.to_string(),
            None => "cut".to_owned(),
        };
        println!(
            "{:<7} {:<12} {:>13} {:>13}  {status}",
            exchange.method, exchange.path, exchange.offset, exchange.received
        );
    }
}

fn judge(server: &UploadServer, length: u64, troubles: &mut Vec<String>) {
    let received = server.received();
    let more = received.saturating_sub(length);
    println!(
        "\n{length} bytes in the file, {received} sent: {:.2} % more",
        more as f64 / length as f64 * 100.0
    );
    let is_right = server.completed() == [sha256(SEED, length)];
    println!("SHA-256 {}", if is_right { "ok" } else { "WRONG" });
    if !is_right {
        troubles.push("the server does not have the file".to_owned());
    }
    let exchanges = server.exchanges();
    let creations = exchanges
        .iter()
        .filter(|exchange| exchange.method == "PUT")
        .count();
    if creations != 1 {
        troubles.push(format!("the upload was created {creations} times"));
    }
    let interruptions = CUTS.len() as u64 + 1;
    if more > (length / 20).max(interruptions * IN_FLIGHT) || received < length {
        troubles.push(format!("{more} bytes more than the file has were sent"));
    }
}

fn mib() -> Result<u64, Box<dyn Error>> {
    let mut arguments = std::env::args()
        .skip_while(|argument| argument != "--mib")
        .skip(1);
    match arguments.next() {
        Some(number) => Ok(number.parse().map_err(|_| "--mib takes a number")?),
        None => Ok(1024),
    }
}
