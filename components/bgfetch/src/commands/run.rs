//! `bgfetch run`: a page's script with its service workers.

use std::fs;
use std::path::Path;

use url::Url;

use crate::cli::RunArguments;
use crate::failure::{Failure, Status};
use crate::host::{Host, Site};

/// Opens the page, and runs everything until nothing is left to do.
pub(super) async fn run(arguments: RunArguments) -> Result<Status, Failure> {
    let url = page_url(&arguments.url)?;
    let script = read(&arguments.script)?;
    let name = arguments.script.file_name().unwrap_or_default().to_string_lossy();
    let script_url = url
        .join(&name)
        .map_err(|error| Failure::usage(format!("{url} is no URL of a page: {error}")))?;
    if let Some(folder) = &arguments.serve
        && !folder.is_dir()
    {
        return Err(Failure::usage(format!(
            "--serve {}: it is no folder",
            folder.display()
        )));
    }
    let site = Site {
        url,
        folder: arguments.serve,
        permission: arguments.permission,
        has_guide: arguments.guide,
    };
    Host::open(site, &arguments.profile)
        .await?
        .run(script, script_url)
        .await
}

fn page_url(url: &Url) -> Result<Url, Failure> {
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url.clone());
    }
    Err(Failure::usage(format!(
        "--url {url}: a page is at an http or https URL, as in https://podcast.example/"
    )))
}

fn read(script: &Path) -> Result<String, Failure> {
    let bytes = fs::read(script)
        .map_err(|error| Failure::usage(format!("cannot read the script {}: {error}", script.display())))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("the script {} is not UTF-8", script.display())))
}
