//! `bgfetch get`: one background fetch of all URLs.

use std::path::{Path, PathBuf};

use background_fetch::api::RequestObject;
use background_fetch::{BackgroundFetchOptions, BackgroundFetchUIOptions, DomString, Exception};
use url::Url;

use crate::cli::GetArguments;
use crate::embedding::{Embedding, Reach};
use crate::failure::{Failure, Status};
use crate::naming;
use crate::output::{Output, bytes};
use crate::profile::{FetchOptions, Profile, quoted};
use crate::requests::requests;
use crate::session::Session;

pub(super) async fn run(arguments: GetArguments) -> Result<Status, Failure> {
    let requests = requests(&arguments)?;
    let output = output_folder(&arguments.output)?;
    let reach = Reach::Servers {
        resumable: arguments.resumable,
    };
    let (profile, embedding) = super::open(&arguments.profile, reach).await?;
    let id = match &arguments.id {
        Some(id) => id.clone(),
        None => free_id(&requests, &embedding),
    };
    refuse_an_id_in_use(&id, &embedding, &profile.option())?;
    let options = FetchOptions {
        id,
        output,
        force: arguments.force,
        resumable: arguments.resumable,
        names: Default::default(),
    };
    // Before there is a background fetch, so that there is none without its options.
    profile.write_options(&options)?;
    let started = start(requests, &arguments, embedding, &profile, &options.id).await;
    if !matches!(started, Ok(Started::Running(_))) {
        profile.remove_options(&options.id);
    }
    match started? {
        Started::Running(running) => {
            let (session, fetch) = *running;
            session.run([fetch]).await
        }
        Started::Interrupted => Ok(Status::Interrupted),
    }
}

/// How `fetch()` ended.
enum Started {
    /// With a background fetch that is stored.
    Running(Box<(Session, background_fetch::FetchKey)>),
    /// With ctrl-C.
    Interrupted,
}

async fn start(
    requests: Vec<RequestObject>,
    arguments: &GetArguments,
    embedding: Embedding,
    profile: &Profile,
    id: &str,
) -> Result<Started, Failure> {
    let manager = embedding.manager();
    let output = Output::new(arguments.profile.json);
    let mut session = Session::new(embedding, profile.clone(), output)?;
    let options = BackgroundFetchOptions {
        ui: BackgroundFetchUIOptions {
            icons: None,
            title: arguments.title.as_deref().map(DomString::from),
        },
        download_total: arguments.download_total,
    };
    // It reads and stores the bodies, which takes a while where they are large.
    let urls: Vec<Url> = requests.iter().map(|object| object.request.url.clone()).collect();
    let fetching = manager.fetch(id, requests, options);
    match session.unless_interrupted(fetching).await {
        Some(registration) => {
            let fetch = registration
                .map_err(|refused| in_our_words(refused, &urls))?
                .key();
            Ok(Started::Running(Box::new((session, fetch))))
        }
        None => {
            session.warn("interrupted before anything was stored; run the command again");
            Ok(Started::Interrupted)
        }
    }
}

/// What `fetch()` refuses, in terms of the program: URLs rather than places in a list, options rather than members.
fn in_our_words(refused: Exception, urls: &[Url]) -> Failure {
    let Failure { status, message } = refused.into();
    let numbers = |text: &str| -> Vec<u64> {
        let words = text.split(' ');
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let message = if let Some(rest) = message.strip_prefix("downloadTotal is ") {
        match numbers(rest)[..] {
            [total, free] => format!(
                "--download-total is {}, and the quota of the profile has {} left",
                bytes(total),
                bytes(free)
            ),
            _ => message,
        }
    } else if let Some((index, rest)) = message
        .strip_prefix("request ")
        .and_then(|rest| rest.split_at_checked(rest.find([' ', ':'])?))
    {
        match index.parse().ok().and_then(|index: usize| urls.get(index)) {
            // It quotes the URL by itself.
            Some(_) if rest.starts_with(" (") => format!("the request{rest}"),
            Some(url) => {
                let mut shown = url.clone();
                // Neither fails for http and https. No secrets on the screen.
                let _ = shown.set_username("").and_then(|()| shown.set_password(None));
                format!("{shown}{rest}")
            }
            None => message,
        }
    } else {
        message
    };
    Failure { status, message }
}

pub(super) fn output_folder(given: &Path) -> Result<PathBuf, Failure> {
    let output = std::path::absolute(given)
        .map_err(|error| Failure::usage(format!("--output {}: {error}; name a folder", given.display())))?;
    if output.to_str().is_none() {
        return Err(Failure::usage(format!(
            "--output {}: the path is not UTF-8; choose a folder whose path is",
            output.display()
        )));
    }
    // Now rather than when everything has arrived.
    crate::folders::make(&output).map_err(|error| {
        Failure::new(format!(
            "cannot make the folder {}: {error}; choose another with --output",
            output.display()
        ))
    })?;
    // It is gone again at once.
    tempfile::NamedTempFile::new_in(&output).map_err(|error| {
        Failure::new(format!(
            "cannot write to the folder {}: {error}; choose another with --output",
            output.display()
        ))
    })?;
    Ok(output)
}

/// An id after the first file, with a number where it is taken.
fn free_id(requests: &[RequestObject], embedding: &Embedding) -> String {
    let first = requests.first().map(|object| &object.request.url);
    let name = first
        .and_then(naming::url_name)
        .or_else(|| first.and_then(|url| url.host_str()).map(str::to_owned))
        .unwrap_or_default();
    let taken: Vec<String> = embedding
        .fetches()
        .iter()
        .map(|fetch| fetch.id.to_string())
        .collect();
    let numbered = (2..).map(|number: u64| format!("{name}-{number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|id| !taken.contains(id))
        .unwrap_or_default()
}

/// Not only while it is active: until its files are saved.
fn refuse_an_id_in_use(id: &str, embedding: &Embedding, option: &str) -> Result<(), Failure> {
    if embedding.find(id).is_err() {
        return Ok(());
    }
    let shown = quoted(id);
    Err(Failure::usage(format!(
        "the id {id:?} belongs to a background fetch that is not over; `bgfetch resume {shown}{option}` goes on with it, \
         `bgfetch abort {shown}{option}` ends it, another --id starts another"
    )))
}
