//! The programs that it takes: building ours, looking for the others.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// What to install where a program is missing.
const PACKAGES: [(&str, &str); 3] = [("nginx", "nginx-light"), ("curl", "curl"), ("aria2c", "aria2")];

/// Builds `bgfetch` in release, and says where it is.
pub(crate) fn build_bgfetch() -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", "bgfetch", "--bin", "bgfetch"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(format!("cannot run cargo to build bgfetch: {error}")))?;
    let found = String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(executable_of_bgfetch);
    match found {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(Failure::new("cargo could not build bgfetch; it says why above")),
    }
}

/// The path in the line of cargo's output that tells of the program.
fn executable_of_bgfetch(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    (message["target"]["name"] == "bgfetch").then_some(())?;
    Some(message["executable"].as_str()?.into())
}

/// The version of a program, as it says itself.
///
/// # Errors
///
/// That it is missing, and what to install.
pub(crate) fn version(program: &str) -> Result<String, Failure> {
    // nginx says it on standard error.
    let argument = if program == "nginx" { "-v" } else { "--version" };
    let Ok(output) = Command::new(program).arg(argument).output() else {
        return Err(Failure::usage(missing(program)));
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words = text.lines().next().unwrap_or_default();
    let words = words.strip_prefix("nginx version: ").unwrap_or(words);
    // curl goes on with the versions of everything in it.
    let words = words.split_once(" (").map_or(words, |(words, _)| words);
    Ok(words.to_owned())
}

/// What to say where a program is missing.
fn missing(program: &str) -> String {
    let package = PACKAGES.iter().find(|(name, _)| *name == program);
    let package = package.map_or(program, |(_, package)| package);
    format!("{program} is not installed; on Debian: apt-get install {package}")
}

/// Whether nginx can store what is sent to it.
pub(crate) fn nginx_stores_uploads() -> bool {
    Command::new("nginx")
        .arg("-V")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stderr).contains("http_dav_module"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_what_to_install() {
        assert_eq!(
            missing("aria2c"),
            "aria2c is not installed; on Debian: apt-get install aria2"
        );
        let failure = version("a-program-that-nobody-has").unwrap_err();
        assert_eq!(failure.status, 2);
        assert!(
            failure
                .message
                .contains("a-program-that-nobody-has is not installed")
        );
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"bgfetch"},"executable":"/t/bgfetch"}"#;
        assert_eq!(executable_of_bgfetch(line), Some("/t/bgfetch".into()));
        let library = r#"{"target":{"name":"bgfetch"},"executable":null}"#;
        let other = r#"{"target":{"name":"other"},"executable":"/t/other"}"#;
        for line in [library, other, r#"{"reason":"build-finished"}"#, "warning: x"] {
            assert_eq!(executable_of_bgfetch(line), None, "{line}");
        }
    }
}
