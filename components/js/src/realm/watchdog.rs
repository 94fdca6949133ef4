//! Looks after the realms from outside of their threads: what runs in the engine without a call or a jump, as a search in a
//! long string, cannot be ended from inside.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use url::Url;

use super::{RealmHandle, Settings};
use crate::host::{ConsoleLine, ConsoleSink, Level};
use crate::webidl::Globals;

/// For how long a script may not react when its time is over.
const GRACE: Duration = Duration::from_secs(3);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// A realm that is looked after, until this is dropped.
pub(super) struct Watched {
    realm: RealmHandle,
    limit: Duration,
    console: Arc<dyn ConsoleSink>,
    url: Url,
    kind: Globals,
}

/// The realms of this process, and whether there is a thread that looks.
#[derive(Default)]
struct Watch {
    realms: Vec<Weak<Watched>>,
    is_running: bool,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    realms: Vec::new(),
    is_running: false,
});

/// Looks after a realm.
pub(super) fn watch(realm: &RealmHandle, settings: &Settings) -> Arc<Watched> {
    let watched = Arc::new(Watched {
        realm: realm.clone(),
        limit: settings.time_limit,
        console: Arc::clone(&settings.host.console),
        url: settings.client.base_url.clone(),
        kind: settings.kind,
    });
    let mut watch = WATCH.lock();
    watch.realms.push(Arc::downgrade(&watched));
    if !watch.is_running {
        // Without a thread nobody looks; the realm has one, so there are some.
        let started = thread::Builder::new().name("watchdog".to_owned()).spawn(look);
        watch.is_running = started.is_ok();
    }
    watched
}

/// Looks after all realms, until there are none.
fn look() {
    loop {
        thread::sleep(LOOK);
        let realms: Vec<_> = {
            let mut watch = WATCH.lock();
            watch.realms.retain(|realm| realm.strong_count() > 0);
            watch.is_running = !watch.realms.is_empty();
            if !watch.is_running {
                return;
            }
            watch.realms.iter().filter_map(Weak::upgrade).collect()
        };
        realms.iter().for_each(|realm| realm.look());
    }
}

impl Watched {
    fn look(&self) {
        let interrupt = self.realm.interrupt();
        let is_stuck = interrupt.late_by().is_some_and(|late| late > GRACE);
        if !is_stuck || self.realm.is_given_up() {
            return;
        }
        // One that was to end at once has nothing more to say.
        if !self.realm.is_stopped() {
            let text = format!(
                "a task has run for more than {} s and does not react: its {} is given up",
                self.limit.as_secs_f64(),
                match self.kind {
                    Globals::WINDOW => "page",
                    _ => "worker",
                }
            );
            self.console.line(ConsoleLine {
                level: Level::Error,
                text,
                realm: self.url.clone(),
                global: self.kind,
            });
        }
        self.realm.give_up();
    }
}
