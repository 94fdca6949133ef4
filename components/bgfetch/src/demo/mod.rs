//! `bgfetch demo`: a fetch of several files through dropped connections and a `kill -9`, without internet.
//!
//! The demo is the server, and runs the program itself as a child process: what is killed is really killed.

mod files;
mod story;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Status};
use crate::loopback::Server;
use crate::output::bytes;
use crate::signals::Interruptions;
use crate::trial::Trial;
use files::{FILES, File};
use story::Story;

/// The kill comes when so much of it all has arrived, in percent.
const KILL_AT: u64 = 45;

/// What may be sent twice of each file, in bytes.
const SENT_TWICE: u64 = 1 << 20;

/// Shows it all; a success only if everything holds.
pub(crate) async fn run() -> Result<Status, Failure> {
    let mut interruptions = Interruptions::listen()?;
    let folder = tempfile::Builder::new()
        .prefix("bgfetch-demo-")
        .tempdir()
        .map_err(|error| Failure::new(format!("cannot make a folder for the demo: {error}")))?;
    tokio::select! {
        biased;
        () = interruptions.next() => Ok(Status::Interrupted),
        shown = show(folder.path()) => shown,
    }
}

async fn show(folder: &Path) -> Result<Status, Failure> {
    let server =
        Server::start().map_err(|error| Failure::new(format!("cannot start the demo's server: {error}")))?;
    let mut story = Story::new();
    story.say("bgfetch demo: five files, a server that drops connections, and a kill -9 in the middle.");
    story.heading("A server on this machine");
    for file in FILES {
        server.serve(file.path, file.resource());
        story.say(&format!(
            "  {:<28} {:>10}  {:>10}/s{}",
            server.url(file.path).trim_start_matches("http://"),
            bytes(file.length),
            bytes(file.rate),
            file.trouble()
        ));
    }

    let get = |command: &mut Command| {
        command
            .arg("get")
            .args(FILES.iter().map(|file| server.url(file.path)));
        command
            .args(["--id", "demo", "--title", "Five files", "--output"])
            .arg(folder.join("files"));
    };
    story.heading("$ bgfetch get … --id demo");
    let mut first = child(folder, get)?;
    let mut killed = false;
    while let Some(line) = first.next().await {
        story.event(&line);
        if story.percent() >= KILL_AT && !killed {
            killed = true;
            first
                .kill()
                .map_err(|error| Failure::new(format!("cannot kill the child process: {error}")))?;
            break;
        }
    }
    story.pause();
    if !killed {
        return failed("the first process ended before it could be killed");
    }
    story.heading(&format!("$ kill -9 {}", first.id()));
    story.say(&format!(
        "  The process is gone, with {} stored. Nothing could be written down at the last moment.",
        bytes(story.downloaded())
    ));

    story.heading("$ bgfetch resume demo");
    let mut second = child(folder, |command| {
        command.args(["resume", "demo"]);
    })?;
    while let Some(line) = second.next().await {
        story.event(&line);
    }
    story.end();
    let status = second
        .wait()
        .map_err(|error| Failure::new(format!("cannot wait for the child process: {error}")))?;
    if !status.success() {
        return failed(&format!("the second process ended with {status}"));
    }
    verify(&mut story, &server, &folder.join("files"))
}

fn child(folder: &Path, arguments: impl FnOnce(&mut Command)) -> Result<Trial, Failure> {
    let cannot = |error| Failure::new(format!("cannot start bgfetch as a child process: {error}"));
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    arguments(&mut command);
    command
        .arg("--json")
        .arg("--profile")
        .arg(folder.join("profile"))
        .stderr(Stdio::null());
    Trial::start(&mut command).map_err(cannot)
}

/// Compares every byte, and what the server had to send.
fn verify(story: &mut Story, server: &Server, files: &Path) -> Result<Status, Failure> {
    story.heading("What arrived, and what the server sent for it");
    story.say(&format!(
        "  {:<16} {:>10}  {:<20} {:>8} {:>6}  {:>10}",
        "file", "bytes", "SHA-256", "requests", "ranges", "sent twice"
    ));
    let mut troubles = Vec::new();
    for file in FILES {
        let tally = server.tally(file.path);
        let sound = file.is_sound(files);
        story.say(&format!(
            "  {:<16} {:>10}  {:<20} {:>8} {:>6}  {:>10}",
            file.name,
            file.length,
            match &sound {
                Ok(digest) => format!("{}… ok", &digest[..16]),
                Err(_) => "WRONG".to_owned(),
            },
            tally.requests,
            tally.ranges,
            bytes(tally.sent_again)
        ));
        troubles.extend(sound.err());
        if tally.sent_again > SENT_TWICE {
            troubles.push(format!(
                "more than {} of {} were sent twice",
                bytes(SENT_TWICE),
                file.name
            ));
        }
        if tally.ranges == 0 {
            troubles.push(format!("{} was never resumed", file.name));
        }
    }
    if !troubles.is_empty() {
        return failed(&troubles.join("; "));
    }
    story.say("");
    story.say(&format!(
        "Every byte is right, after {} dropped connections and a kill, in {:.1} s. Now yours: bgfetch get URL",
        FILES.iter().map(|file| file.drops.len()).sum::<usize>(),
        story.elapsed().as_secs_f64()
    ));
    Ok(Status::Success)
}

fn failed(why: &str) -> Result<Status, Failure> {
    Err(Failure::new(format!("the demo failed: {why}")))
}

impl File {
    fn is_sound(&self, folder: &Path) -> Result<String, String> {
        let path = folder.join(self.name);
        let found =
            files::sha256_of(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if found == self.sha256() {
            Ok(found)
        } else {
            Err(format!("{} has wrong bytes", self.name))
        }
    }
}
