//! Checks a trace: the order of writes, syncs, and what is told.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Trouble;

/// Checks a trace of a life with one background fetch. How many promises there were; the first that is not kept is the
/// error.
pub(super) fn check(trace: &str, profile: &Path) -> Result<usize, Trouble> {
    let mut order = Order {
        profile: profile.display().to_string(),
        things: BTreeMap::new(),
        under_way: BTreeMap::new(),
        asked: 0,
        promises: 0,
    };
    for (number, line) in trace.lines().enumerate() {
        order
            .read(line)
            .map_err(|wrong| format!("line {}: {wrong}\n{line}", number + 1))?;
    }
    if order.promises == 0 {
        return Err("nothing was promised".into());
    }
    Ok(order.promises)
}

struct Order {
    profile: String,
    /// Files and folders, by path. What changes a folder is a name in it.
    things: BTreeMap<String, Thing>,
    /// Syncs that have begun, by thread: of what, and up to which change.
    under_way: BTreeMap<String, Vec<(String, u64)>>,
    /// What the log of the database had when something was asked for.
    asked: u64,
    promises: usize,
}

#[derive(Default)]
struct Thing {
    /// How often it was changed.
    changes: u64,
    /// How many of the changes are durable.
    durable: u64,
    length: u64,
    position: u64,
    /// The changes of the log when this file was made.
    made_at: Option<u64>,
}

type Checked = Result<(), String>;

impl Order {
    fn read(&mut self, line: &str) -> Checked {
        let Some((thread, call)) = line.split_once(' ') else {
            return Ok(());
        };
        let call = call.trim_start();
        if call.starts_with("<... ") {
            let is_sync = call.contains("sync resumed") || call.contains("syncfs resumed");
            let synced = is_sync && call.ends_with("= 0");
            for (path, changes) in self
                .under_way
                .remove(thread)
                .filter(|_| synced)
                .unwrap_or_default()
            {
                self.synced(&path, changes);
            }
            return Ok(());
        }
        let Some((name, arguments)) = call.split_once('(') else {
            return Ok(());
        };
        if call.contains(" = -1 ") {
            return Ok(());
        }
        let of = between(arguments, "<", ">").unwrap_or_default().to_owned();
        let named = between(arguments, "\"", "\"").unwrap_or_default().to_owned();
        match name {
            "writev" => return self.tell(arguments),
            "mkdir" => self.change_folder_of(&named),
            "unlink" => {
                self.things.remove(&named);
                self.change_folder_of(&named);
            }
            "linkat" | "renameat2" => {
                let to = arguments.split('"').nth(3).unwrap_or_default();
                return self.name_again(&named, to, name == "renameat2");
            }
            "close" => return self.close(&of),
            "openat" => self.open(&named, arguments),
            "lseek" => self.thing(&of).position = arguments.split(", ").nth(1).map_or(0, leading_number),
            "write" => {
                let at = self.thing(&of).position;
                return self.write(&of, at, from_the_end(arguments, 0));
            }
            "pwrite64" => {
                return self.write(&of, from_the_end(arguments, 0), from_the_end(arguments, 1));
            }
            "ftruncate" => {
                let to = arguments.split(", ").nth(1).map_or(0, leading_number);
                let thing = self.thing(&of);
                (thing.length, thing.changes) = (to, thing.changes + 1);
            }
            "fsync" | "fdatasync" | "syncfs" => {
                let all = name == "syncfs";
                let things = self.things.iter().filter(|(path, _)| all || **path == of);
                let things = things
                    .map(|(path, thing)| (path.clone(), thing.changes))
                    .collect();
                if call.ends_with("<unfinished ...>") {
                    self.under_way.insert(thread.to_owned(), things);
                } else {
                    things
                        .iter()
                        .for_each(|(path, changes)| self.synced(path, *changes));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn thing(&mut self, path: &str) -> &mut Thing {
        self.things.entry(path.to_owned()).or_default()
    }

    /// So many of its changes are durable. It may be gone by now.
    fn synced(&mut self, path: &str, changes: u64) {
        if let Some(thing) = self.things.get_mut(path) {
            thing.durable = thing.durable.max(changes);
        }
    }

    /// A file gets a second name, or another: where somebody looks for what was exported, all of it is durable.
    fn name_again(&mut self, from: &str, to: &str, moves: bool) -> Checked {
        let thing = self.thing(from);
        let (length, changes, durable) = (thing.length, thing.changes, thing.durable);
        if durable < changes {
            return Err(format!(
                "{to} is named while {durable} of its {changes} changes are durable"
            ));
        }
        if moves {
            self.things.remove(from);
            self.change_folder_of(from);
        }
        let thing = self.thing(to);
        (thing.length, thing.changes, thing.durable) = (length, changes, durable);
        self.change_folder_of(to);
        Ok(())
    }

    /// What a body file could not write, the descriptor would say that is closed here.
    fn close(&mut self, path: &str) -> Checked {
        match self.things.get(path) {
            Some(thing) if self.is_body(path) && thing.durable < thing.changes => {
                Err("a body is closed before what was written to it is durable".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn change_folder_of(&mut self, path: &str) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.thing(folder).changes += 1;
        }
    }

    fn log(&mut self) -> &mut Thing {
        let path = format!("{}/database.sqlite3-wal", self.profile);
        self.things.entry(path).or_default()
    }

    fn is_body(&self, path: &str) -> bool {
        path.strip_prefix(&self.profile)
            .is_some_and(|rest| rest.starts_with("/bodies/"))
    }

    fn open(&mut self, path: &str, arguments: &str) {
        let log = self.log().changes;
        if arguments.contains("O_CREAT") && !self.things.contains_key(path) {
            self.thing(path).made_at = Some(log);
            // What lasts as long as the process only, and what says who it is.
            if !path.ends_with("-shm") && !path.ends_with("/lock") {
                self.change_folder_of(path);
            }
        }
        self.thing(path).position = 0;
    }

    fn write(&mut self, path: &str, at: u64, length: u64) -> Checked {
        let is_body = self.is_body(path);
        // A kill of the process leaves what was written; a restart of the machine, bytes that nothing vouches for.
        let log = self.log().changes;
        let thing = self.thing(path);
        if is_body && at != thing.length {
            return Err(format!("a body of {} bytes is written at {at}", thing.length));
        }
        // Its first bytes may be there before the database knows it.
        if is_body && thing.made_at.is_some_and(|made_at| at > 0 && log <= made_at) && thing.changes > 1 {
            return Err("a body takes bytes before the database knows its file".to_owned());
        }
        thing.changes += 1;
        thing.length = thing.length.max(at + length);
        thing.position = at + length;
        Ok(())
    }

    /// Something is told.
    fn tell(&mut self, arguments: &str) -> Checked {
        let said = between(arguments, "iov_base=\"", "\\n\"")
            .unwrap_or_default()
            .to_owned();
        let verb = said.split(' ').next().unwrap_or_default();
        match verb {
            "fetch?" | "abort?" => {
                self.asked = self.log().changes;
                Ok(())
            }
            "fetched" => self.promise(false),
            "aborted" if said.ends_with("true") => self.promise(false),
            // When an event is fired, everything that was written is durable.
            "event" => self.promise(true),
            "handled" => self.exported(),
            _ => Ok(()),
        }
    }

    /// What was exported is durable, with its names.
    fn exported(&self) -> Checked {
        let folder = format!("{}.exports", self.profile);
        let exports = |path: &str| {
            path.strip_prefix(&folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let loose = self
            .things
            .iter()
            .find(|(path, thing)| exports(path) && thing.durable < thing.changes);
        match loose {
            Some((path, thing)) => Err(format!(
                "done with exporting while {path} has {} changes of which {} are durable",
                thing.changes, thing.durable
            )),
            None => Ok(()),
        }
    }

    /// What was asked for is durable; `all` that was written is.
    fn promise(&mut self, all: bool) -> Checked {
        self.promises += 1;
        let (asked, log) = (self.asked, self.log().durable);
        if log <= asked {
            return Err("told before it was stored".to_owned());
        }
        let profile = self.profile.clone();
        let parent = profile.rsplit_once('/').map_or("", |(parent, _)| parent);
        for (path, thing) in &self.things {
            let folder = *path == profile || *path == parent || *path == format!("{profile}/bodies");
            let matters = folder || path.ends_with("-wal") || self.is_body(path);
            // Others go on while a promise is told; before an event nothing does.
            let now = all || *path == profile || *path == parent;
            if matters && now && thing.durable < thing.changes {
                return Err(format!(
                    "told while {path} has {} changes of which {} are durable",
                    thing.changes, thing.durable
                ));
            }
        }
        Ok(())
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(inside, _)| inside)
}

/// The number that is the last but so many of a call's arguments.
fn from_the_end(arguments: &str, nth: usize) -> u64 {
    arguments.rsplit(", ").nth(nth).map_or(0, leading_number)
}

fn leading_number(text: &str) -> u64 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}
