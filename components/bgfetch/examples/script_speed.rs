//! How long a script's background fetch takes, from `fetch()` to the success event that its worker sees, against
//! `bgfetch get` of the same files: 1,000 of 10 KiB from a server on the loopback, by turns.
//!
//! ```text
//! cargo run --release -p bgfetch --example script_speed
//! ```

use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bgfetch::loopback::{Resource, Server};
use bgfetch::trial::check_or_program;

const FILES: usize = 1_000;
const LENGTH: u64 = 10 * 1024;
const ROUNDS: usize = 5;
/// How much longer a script may take.
const AT_MOST: f64 = 1.5;

const WORKER: &str = "
addEventListener('install', event => event.waitUntil(skipWaiting()));
addEventListener('backgroundfetchsuccess', event => event.waitUntil((async () => {
  for (const client of await clients.matchAll({ includeUncontrolled: true })) client.postMessage(Date.now());
})()));
";

fn page(urls: &[String]) -> String {
    let urls = serde_json::Value::from(urls.to_vec());
    format!(
        "await navigator.serviceWorker.register('worker.js');
         const {{ backgroundFetch }} = await navigator.serviceWorker.ready;
         const seen = new Promise(resolve => navigator.serviceWorker.onmessage = event => resolve(event.data));
         const begun = Date.now();
         await backgroundFetch.fetch('all', {urls});
         console.log('milliseconds', await seen - begun);"
    )
}

fn main() -> ExitCode {
    check_or_program("SCRIPT_SPEED_IS_THE_PROGRAM", check)
}

fn program() -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env("SCRIPT_SPEED_IS_THE_PROGRAM", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

fn check() -> Result<Vec<String>, Box<dyn Error>> {
    let server = Server::start()?;
    let mut urls = Vec::new();
    for index in 0..FILES {
        let path = format!("/file-{index}");
        let resource = Resource::pattern(index as u64, LENGTH);
        server.serve(&path, resource.header("access-control-allow-origin", "*"));
        urls.push(server.url(&path));
    }
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    std::fs::create_dir(&site)?;
    std::fs::write(site.join("worker.js"), WORKER)?;
    std::fs::write(site.join("page.js"), page(&urls))?;
    let (mut gets, mut scripts) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let profile = |what: &str| folder.path().join(format!("{what}-{round}"));
        let begun = Instant::now();
        let status = program()?
            .args(["get", "--json", "--output"])
            .arg(profile("files"))
            .arg("--profile")
            .arg(profile("get"))
            .args(&urls)
            .stdout(Stdio::null())
            .status()?;
        let get = begun.elapsed();
        if !status.success() {
            return Err("bgfetch get failed".into());
        }
        let output = program()?
            .arg("run")
            .arg(site.join("page.js"))
            .args(["--url", "https://site.example/", "--serve"])
            .arg(&site)
            .arg("--profile")
            .arg(profile("run"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let script = said
            .lines()
            .find_map(|line| line.strip_prefix("milliseconds ")?.parse().ok());
        let script = Duration::from_millis(script.ok_or_else(|| format!("the script said {said:?}"))?);
        println!("round {}: get {get:.2?}, script {script:.2?}", round + 1);
        gets.push(get);
        scripts.push(script);
    }
    let (get, script) = (median(&mut gets), median(&mut scripts));
    let ratio = script.as_secs_f64() / get.as_secs_f64();
    println!(
        "{FILES} files of {LENGTH} bytes, medians of {ROUNDS}: get {get:.2?}, script {script:.2?}, ratio {ratio:.2}"
    );
    let is_slow = ratio > AT_MOST;
    Ok(is_slow
        .then(|| format!("a script takes {ratio:.2} times what get takes, and {AT_MOST} is the most"))
        .into_iter()
        .collect())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
