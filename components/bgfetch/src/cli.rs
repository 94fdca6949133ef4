//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Fetches files, and goes on after an interruption, a crash or a kill
#[derive(Debug, Parser)]
#[command(
    name = "bgfetch",
    version,
    arg_required_else_help = true,
    after_help = "Exit status: 0 success; 1 something failed, and the output says what; 2 the command does not make \
                  sense, and nothing was stored; 3 `bgfetch run` can do no more now, and what it owes stays \
                  stored for the next; 130 interrupted, and `bgfetch resume` goes on."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch files into a folder
    ///
    /// Keys in a terminal: p pauses and goes on, a aborts, c clicks (tells the worker; shows a summary).
    ///
    /// A server that does not answer, or breaks off, is asked again up to 20 times, after 1 s, 2 s, 4 s and so on up to
    /// a minute: about 15 minutes without progress, and any progress begins them anew. `bgfetch get` again, where that
    /// was not enough.
    Get(GetArguments),
    /// List the background fetches that are not over
    List(ProfileArguments),
    /// Go on with a background fetch, or with all of them; paused ones too
    Resume(SomeArguments),
    /// Pause a background fetch, so that it waits for `resume`
    Pause(OneArguments),
    /// Abort a background fetch, and remove what it has stored
    Abort(OneArguments),
    /// Show one background fetch with its records; one that is over, too
    Show(OneArguments),
    /// Run a page's script with its service workers, until nothing is left to do
    ///
    /// The script is a module. Keys in a terminal: p pauses and goes on, a aborts, c clicks, g grants and d denies what
    /// waits for permission. Ctrl-C leaves everything resumable: run it again with the same profile.
    Run(RunArguments),
    /// Run tests of the web platform from a server of them, in pages and workers
    ///
    /// Prints a line for each subtest. The exit status is 1 where anything is other than expected.
    Wpt(WptArguments),
    /// See it work, without internet: a server that drops connections, a kill in the middle, and a resume
    Demo,
}

impl Command {
    /// Whether the answer is for a program.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Get(arguments) => arguments.profile.json,
            Self::List(profile) => profile.json,
            Self::Resume(arguments) => arguments.profile.json,
            Self::Pause(arguments) | Self::Abort(arguments) | Self::Show(arguments) => arguments.profile.json,
            Self::Run(arguments) => arguments.profile.json,
            Self::Wpt(_) | Self::Demo => false,
        }
    }
}

/// Where everything is kept, and for whom the output is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProfileArguments {
    /// The folder where background fetches are kept while they run; by default one of the platform's for the data of
    /// programs
    #[arg(long, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Print JSON, one object a line, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which background fetch.
#[derive(Args, Debug)]
pub(crate) struct OneArguments {
    /// The id of the background fetch
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) profile: ProfileArguments,
}

/// Which background fetch, or all of them.
#[derive(Args, Debug)]
pub(crate) struct SomeArguments {
    /// The id of the background fetch; without one, all of them
    pub(crate) id: Option<String>,
    /// Save the files into this folder instead of the one that `get` was given
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) profile: ProfileArguments,
}

/// What to fetch, and where to.
#[derive(Args, Debug)]
pub(crate) struct GetArguments {
    /// What to fetch: http and https
    #[arg(required_unless_present = "input", value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// A file with more of them, one a line; lines that are empty or begin with # are left out
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// The folder for the files; made where it does not exist
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,
    /// The name of this background fetch for `resume`, `pause`, `abort` and `show`; made from the first URL by default
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: Option<String>,
    /// A title to show
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// The most bytes that all files may have together, as in 700M (K, M and G: powers of 1024); one more, and the
    /// background fetch fails. 0 is no limit
    #[arg(long, value_name = "BYTES", default_value = "0", hide_default_value = true, value_parser = size)]
    pub(crate) download_total: u64,
    /// The method; GET by default, POST with --data
    #[arg(long, short = 'X', value_name = "M")]
    pub(crate) method: Option<String>,
    /// A header field of every request; may be given many times
    #[arg(long = "header", short = 'H', value_name = "Name: value")]
    pub(crate) headers: Vec<String>,
    /// The body of every request: text, or @ and the name of a file
    #[arg(long, short, value_name = "TEXT|@FILE")]
    pub(crate) data: Option<String>,
    /// Ask servers to keep what arrives of --data, so that an upload which is interrupted goes on where it was
    #[arg(long, requires = "data")]
    pub(crate) resumable: bool,
    /// Replace files that exist instead of numbering the new ones
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) profile: ProfileArguments,
}

/// A page, and what its site may.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// The page's script
    #[arg(value_name = "PAGE.js")]
    pub(crate) script: PathBuf,
    /// The page's URL, as in https://podcast.example/
    #[arg(long, value_name = "URL")]
    pub(crate) url: url::Url,
    /// A folder with the resources of the page's origin, which then needs no server
    #[arg(long, value_name = "FOLDER")]
    pub(crate) serve: Option<PathBuf>,
    /// What the user says to background fetches of the site
    #[arg(long, value_enum, default_value = "granted", value_name = "STATE")]
    pub(crate) permission: PermissionArgument,
    /// Add what two guides on the web describe and no standard has: navigator.backgroundFetch and more
    #[arg(long)]
    pub(crate) guide: bool,
    #[command(flatten)]
    pub(crate) profile: ProfileArguments,
}

/// What the user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PermissionArgument {
    /// Yes
    Granted,
    /// No
    Denied,
    /// Nothing yet: a background fetch waits until it is granted or denied
    Prompt,
}

/// Which platform tests, and where they come from.
#[derive(Args, Debug)]
pub(crate) struct WptArguments {
    /// A server of the platform's tests, as in http://web-platform.test:8000; a second one with https for tests that
    /// need it
    #[arg(long = "server", required = true, value_name = "URL")]
    pub(crate) servers: Vec<url::Url>,
    /// Where a name is, with every name below it, as in web-platform.test=127.0.0.1
    #[arg(long, value_name = "HOST=ADDRESS", value_parser = resolution)]
    pub(crate) resolve: Vec<(String, std::net::IpAddr)>,
    /// Take every server for who it says it is
    #[arg(long, conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// Trust the root certificates in this file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Write the results into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// What is known not to pass
    #[arg(long, value_name = "FILE")]
    pub(crate) expectations: Option<PathBuf>,
    /// Tests and folders of the server, as in background-fetch/
    #[arg(required = true, value_name = "TEST")]
    pub(crate) tests: Vec<String>,
}

/// A name and its address.
fn resolution(text: &str) -> Result<(String, std::net::IpAddr), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is no HOST=ADDRESS, as in web-platform.test=127.0.0.1"))?;
    let address = address
        .parse()
        .map_err(|_| format!("{address:?} is no IP address"))?;
    Ok((name.to_owned(), address))
}

/// A number of bytes, with K, M or G for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| format!("{text:?} is no number of bytes; write it as 1000000, 500K, 700M or 4G"))?;
    let bytes = number.checked_mul(1 << shift);
    bytes.ok_or_else(|| format!("{text:?} is more bytes than can be counted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn sizes_are_in_powers_of_1024() {
        assert_eq!(size("7"), Ok(7));
        assert_eq!(
            (size("2K"), size("3m"), size("4G")),
            (Ok(2 << 10), Ok(3 << 20), Ok(4 << 30))
        );
        for wrong in ["", "K", "1.5G", "-1", "many", "99999999999G"] {
            size(wrong).unwrap_err();
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
