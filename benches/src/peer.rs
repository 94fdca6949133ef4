//! The programs that are measured, and their command lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::content;
use crate::failure::Failure;
use crate::job::{Direction, Workload};

/// A program with its way to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    /// `bgfetch get`, as it is without options.
    Bgfetch,
    /// `curl --parallel` with 2 transfers at once.
    #[serde(rename = "curl-2")]
    Curl2,
    /// `curl --parallel` with 50 transfers at once.
    #[serde(rename = "curl-50")]
    Curl50,
    /// `curl`: one after the other.
    Curl,
    /// `aria2c`.
    Aria2c,
}

/// What a program is asked to do.
#[derive(Debug)]
pub(crate) struct Errand<'a> {
    /// The program `bgfetch`.
    pub(crate) bgfetch: &'a Path,
    /// The start of every URL.
    pub(crate) base: &'a str,
    /// Which way files go.
    pub(crate) direction: Direction,
    /// Which files.
    pub(crate) workload: Workload,
    /// Where the files to send are.
    pub(crate) source: &'a Path,
    /// Where files are to be saved. It exists and is empty.
    pub(crate) output: &'a Path,
    /// A folder for anything else. It exists and is empty.
    pub(crate) scratch: &'a Path,
    /// The certificate to trust.
    pub(crate) certificate: &'a Path,
}

impl Peer {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Bgfetch, Self::Curl2, Self::Curl50, Self::Curl, Self::Aria2c];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bgfetch => "bgfetch",
            Self::Curl2 => "curl, 2 at once",
            Self::Curl50 => "curl, 50 at once",
            Self::Curl => "curl",
            Self::Aria2c => "aria2c",
        }
    }

    /// Whether it is curl.
    pub(crate) fn is_curl(self) -> bool {
        matches!(self, Self::Curl2 | Self::Curl50 | Self::Curl)
    }

    /// The command for an errand; writes the list of URLs first.
    pub(crate) fn command(self, errand: &Errand<'_>) -> Result<Command, Failure> {
        let mut command = match self {
            Self::Bgfetch => bgfetch(errand)?,
            Self::Curl2 => curl(errand, Some("2"))?,
            Self::Curl50 => curl(errand, Some("50"))?,
            Self::Curl => curl(errand, None)?,
            Self::Aria2c => aria2c(errand)?,
        };
        // Nothing is between the programs and the server.
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_ascii_uppercase());
        }
        Ok(command)
    }
}

fn bgfetch(errand: &Errand<'_>) -> Result<Command, Failure> {
    let mut command = Command::new(errand.bgfetch);
    command
        .arg("get")
        .arg("--profile")
        .arg(errand.scratch.join("profile"))
        .arg("--output")
        .arg(errand.output)
        .env("SSL_CERT_FILE", errand.certificate)
        .env_remove("SSL_CERT_DIR");
    if errand.direction == Direction::Upload {
        let mut data = std::ffi::OsString::from("@");
        data.push(errand.source.join(content::name(0)));
        command.args(["--method", "PUT", "--data"]).arg(data);
        command.arg(errand.url(0));
    } else {
        command.arg("--input");
        command.arg(errand.list(|list, _, url| writeln!(list, "{url}"))?);
    }
    Ok(command)
}

fn curl(errand: &Errand<'_>, at_once: Option<&str>) -> Result<Command, Failure> {
    let mut command = Command::new("curl");
    // Nobody's ~/.curlrc; this has to come first.
    command.args(["--disable", "--silent", "--show-error", "--fail", "--cacert"]);
    command.arg(errand.certificate);
    if let Some(at_once) = at_once {
        command.args(["--parallel", "--parallel-max", at_once]);
    }
    if errand.direction == Direction::Upload {
        command
            .arg("--upload-file")
            .arg(errand.source.join(content::name(0)));
        command.arg(errand.url(0));
    } else {
        let list = errand.list(|list, name, url| {
            let output = errand.output.join(name);
            writeln!(list, "url = \"{url}\"\noutput = \"{}\"", output.display())
        })?;
        command.arg("--config").arg(list);
    }
    Ok(command)
}

fn aria2c(errand: &Errand<'_>) -> Result<Command, Failure> {
    let mut command = Command::new("aria2c");
    // Up to 50 files at once as curl, a large one in up to four parts, and no more output than curl's.
    command.args([
        "--no-conf",
        "--quiet",
        "--file-allocation=none",
        "--max-concurrent-downloads=50",
        "--max-connection-per-server=4",
        "--split=4",
        "--max-tries=1",
    ]);
    command.arg("--ca-certificate").arg(errand.certificate);
    command.arg("--dir").arg(errand.output);
    let list = errand.list(|list, name, url| writeln!(list, "{url}\n  out={name}"))?;
    command.arg("--input-file").arg(list);
    Ok(command)
}

impl Errand<'_> {
    fn url(&self, file: u64) -> String {
        format!("{}/{}", self.base, content::name(file))
    }

    /// A list of all files: `entry` writes one.
    fn list(&self, entry: impl Fn(&mut dyn Write, &str, &str) -> io::Result<()>) -> Result<PathBuf, Failure> {
        let path = self.scratch.join("list");
        let write = || {
            let mut list = BufWriter::new(File::create_new(&path)?);
            for file in 0..self.workload.files {
                entry(&mut list, &content::name(file), &self.url(file))?;
            }
            list.flush()
        };
        write().map_err(|error| Failure::file("write", &path, error))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A program's arguments and its list.
    fn command(peer: Peer, direction: Direction) -> (String, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let errand = Errand {
            bgfetch: Path::new("bgfetch"),
            base: "http://127.0.0.1:1/files",
            direction,
            workload: Workload { files: 2, bytes: 1 },
            source: Path::new("source"),
            output: Path::new("output"),
            scratch: folder.path(),
            certificate: Path::new("root.pem"),
        };
        let command = peer.command(&errand).unwrap();
        let arguments: Vec<_> = command
            .get_args()
            .map(|argument| argument.to_string_lossy())
            .collect();
        (
            arguments.join(" "),
            fs::read_to_string(folder.path().join("list")).ok(),
        )
    }

    #[test]
    fn every_program_gets_a_list_in_its_format() {
        let (get, list) = command(Peer::Bgfetch, Direction::Download);
        assert!(
            get.starts_with("get --profile") && get.contains("--output output --input"),
            "{get}"
        );
        assert_eq!(
            list.unwrap(),
            "http://127.0.0.1:1/files/000000.bin\nhttp://127.0.0.1:1/files/000001.bin\n"
        );
        let (curl, list) = command(Peer::Curl50, Direction::Download);
        assert!(
            curl.contains("--cacert root.pem --parallel --parallel-max 50 --config"),
            "{curl}"
        );
        assert!(
            list.unwrap().starts_with(
                "url = \"http://127.0.0.1:1/files/000000.bin\"\noutput = \"output/000000.bin\"\n"
            )
        );
        assert!(!command(Peer::Curl, Direction::Download).0.contains("parallel"));
        let (aria2c, list) = command(Peer::Aria2c, Direction::Download);
        assert!(aria2c.contains("--dir output --input-file"), "{aria2c}");
        assert!(
            list.unwrap()
                .starts_with("http://127.0.0.1:1/files/000000.bin\n  out=000000.bin\n")
        );
    }

    #[test]
    fn an_upload_sends_the_file() {
        let (get, list) = command(Peer::Bgfetch, Direction::Upload);
        assert!(
            get.ends_with("--method PUT --data @source/000000.bin http://127.0.0.1:1/files/000000.bin"),
            "{get}"
        );
        assert_eq!(list, None);
        let (curl, _) = command(Peer::Curl, Direction::Upload);
        assert!(
            curl.ends_with("--upload-file source/000000.bin http://127.0.0.1:1/files/000000.bin"),
            "{curl}"
        );
    }
}
