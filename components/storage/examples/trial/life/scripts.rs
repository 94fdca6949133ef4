//! What pages and the user do in a life.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use background_fetch::{BackgroundFetchOptions, BackgroundFetchUIOptions, FetchKey};
use background_fetch_sim::Random;
use tokio::task::JoinHandle;

use super::Life;
use crate::Trouble;
use crate::process::say;
use crate::story::{self, Kind, Story};

/// So many stories for a life.
pub(super) fn new_stories(life: u64, count: u64, random: &mut Random) -> Vec<Story> {
    (0..count)
        .map(|number| Story::new(life, number, random))
        .collect()
}

/// Goes on with the stories that were found, and tells new ones. Ends when all of them have said what they wait for.
pub(super) async fn play(
    life: &Rc<Life>,
    found: BTreeMap<String, Story>,
    new: Vec<Story>,
    random: &mut Random,
) -> Result<(), Trouble> {
    let mut scripts: Vec<JoinHandle<()>> = Vec::new();
    for (_, story) in found {
        let (life, random) = (Rc::clone(life), random.fork());
        scripts.push(tokio::task::spawn_local(async move {
            if let Some(key) = life
                .engine
                .find(&story.registration(), &story::dom_string(&story.id))
            {
                go_on(&life, &story, key, random).await;
            }
        }));
    }
    for story in new {
        let (life, random) = (Rc::clone(life), random.fork());
        scripts.push(tokio::task::spawn_local(async move {
            if let Some(key) = begin(&life, &story).await {
                go_on(&life, &story, key, random).await;
            }
        }));
    }
    if random.chance(1, 8) {
        let (life, mut random) = (Rc::clone(life), random.fork());
        scripts.push(tokio::task::spawn_local(async move {
            moment(&mut random).await;
            say("clear?");
            match life.engine.clear_registration(&story::registration(true)).await {
                Ok(()) => say("cleared"),
                Err(error) => say(format!("trouble clear {error}")),
            }
        }));
    }
    for script in scripts {
        script.await?;
    }
    Ok(())
}

/// Fetches; gives its name.
async fn begin(life: &Life, story: &Story) -> Option<FetchKey> {
    life.network.serve(story);
    let manager = life.realm.background_fetch(&story.registration());
    let options = BackgroundFetchOptions {
        ui: BackgroundFetchUIOptions {
            title: Some(story::dom_string("new")),
            icons: None,
        },
        download_total: 0,
    };
    say(format!("fetch? {}", story.id));
    match manager.fetch(story.id.as_str(), story.requests(), options).await {
        Ok(registration) => {
            say(format!("fetched {}", story.id));
            Some(registration.key())
        }
        Err(error) => {
            say(format!("refused {} {error}", story.id));
            None
        }
    }
}

/// What happens to a background fetch beside being fetched.
async fn go_on(life: &Life, story: &Story, key: FetchKey, mut random: Random) {
    let id = &story.id;
    match story.kind {
        Kind::Aborted if !life.drain => {
            moment(&mut random).await;
            say(format!("abort? {id}"));
            let manager = life.realm.background_fetch(&story.registration());
            match manager.get(id.as_str()).await {
                Ok(Some(registration)) => match registration.abort().await {
                    Ok(aborted) => say(format!("aborted {id} {aborted}")),
                    Err(error) => say(format!("trouble abort {error}")),
                },
                Ok(None) => say(format!("aborted {id} false")),
                Err(error) => say(format!("trouble get {error}")),
            }
        }
        Kind::Paused => {
            if !life.drain {
                moment(&mut random).await;
                say(format!("pause? {id}"));
                if life.engine.pause(key).await.is_ok() {
                    say(format!("paused {id}"));
                }
            }
            if life.drain || random.chance(1, 2) {
                moment(&mut random).await;
                say(format!("resume? {id}"));
                if life.engine.resume(key).await.is_ok() {
                    say(format!("resumed {id}"));
                }
            }
        }
        _ => {}
    }
}

/// A moment of its own for everybody.
async fn moment(random: &mut Random) {
    for _ in 0..random.below(4) {
        tokio::task::yield_now().await;
    }
    if random.chance(1, 2) {
        tokio::time::sleep(Duration::from_millis(random.below(4))).await;
    }
}
