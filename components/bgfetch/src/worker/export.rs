//! Finished bodies become files in the output folder.
//!
//! The names are chosen and written to the profile before the first file appears. So when the event is delivered
//! again, after a crash, each file either is there with its bytes, and stays, or is made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use background_fetch::{FetchKey, RecordKey};
use background_fetch_storage::{ExportError, ProfileStorage};

use crate::failure::Failure;
use crate::folders;
use crate::naming::Numbering;
use crate::profile::{FetchOptions, Profile};

/// The names of the files, by record.
type Names = BTreeMap<usize, String>;

pub(super) struct Export {
    pub(super) storage: Arc<ProfileStorage>,
    pub(super) profile: Profile,
    pub(super) options: FetchOptions,
    pub(super) fetch: FetchKey,
}

impl Export {
    /// Makes a file of each record's body, under the name that is given or one like it. Blocks.
    pub(super) fn run(mut self, names: Vec<(usize, String)>) -> Result<BTreeMap<usize, PathBuf>, Failure> {
        folders::make(&self.options.output)
            .map_err(|error| self.failure(&self.options.output, &error.to_string()))?;
        let mut numbering = Numbering::default();
        let chosen_before = self.options.names.clone();
        for name in chosen_before.values() {
            numbering.take(name);
        }
        for (index, name) in &names {
            if !chosen_before.contains_key(index) {
                let name = self.choose(&mut numbering, name);
                self.options.names.insert(*index, name);
            }
        }
        if self.options.names.len() > chosen_before.len() {
            self.profile.write_options(&self.options)?;
        }
        let mut files = BTreeMap::new();
        let mut unsaved = names;
        while !unsaved.is_empty() {
            let indices: Vec<usize> = unsaved.iter().map(|(index, _)| *index).collect();
            let saved = self.save(&indices, &chosen_before)?;
            let mut taken = Vec::new();
            for ((index, wanted), saved) in unsaved.into_iter().zip(saved) {
                if saved {
                    files.insert(index, self.path(index));
                } else {
                    // Somebody else has made a file of this name meanwhile.
                    let name = self.choose(&mut numbering, &wanted);
                    self.options.names.insert(index, name);
                    taken.push((index, wanted));
                }
            }
            if !taken.is_empty() {
                self.profile.write_options(&self.options)?;
            }
            unsaved = taken;
        }
        Ok(files)
    }

    /// Where a record's file belongs.
    fn path(&self, index: usize) -> PathBuf {
        self.options.output.join(&self.options.names[&index])
    }

    /// A name that no other record has, and no file unless it may be replaced.
    fn choose(&self, numbering: &mut Numbering, wanted: &str) -> String {
        numbering.choose(wanted, |name| {
            !self.options.force && self.options.output.join(name).symlink_metadata().is_ok()
        })
    }

    /// Saves these bodies; says of each whether it is saved, which it is not where another file is that may not be
    /// replaced.
    fn save(&self, indices: &[usize], chosen_before: &Names) -> Result<Vec<bool>, Failure> {
        if self.options.force {
            self.replace(indices)?;
            return Ok(vec![true; indices.len()]);
        }
        let exported = self.export(indices, |index| self.options.names[&index].clone().into());
        let mut saved = Vec::with_capacity(indices.len());
        // They may be there from before a crash.
        let mut perhaps = Vec::new();
        for (exported, &index) in exported.into_iter().zip(indices) {
            match exported {
                Ok(()) => saved.push(true),
                Err(ExportError::AlreadyExists(_)) => {
                    if chosen_before.contains_key(&index) {
                        perhaps.push((saved.len(), index));
                    }
                    saved.push(false);
                }
                Err(ExportError::Storage(error)) => {
                    return Err(self.failure(&self.path(index), &error.message));
                }
            }
        }
        let there = self.are_there(&perhaps.iter().map(|(_, index)| *index).collect::<Vec<_>>())?;
        for ((place, _), there) in perhaps.into_iter().zip(there) {
            saved[place] = there;
        }
        Ok(saved)
    }

    /// Saves bodies in place of whatever is there.
    fn replace(&self, indices: &[usize]) -> Result<(), Failure> {
        let folder = &self.options.output;
        let temporaries = self.export_beside(indices)?;
        for (temporary, &index) in temporaries.iter().zip(indices) {
            let path = self.path(index);
            let replaced = fs::rename(temporary, &path);
            // Renaming does nothing where both are the same file already.
            let _ = fs::remove_file(temporary);
            replaced.map_err(|error| self.failure(&path, &error.to_string()))?;
        }
        folders::sync(folder).map_err(|error| self.failure(folder, &error.to_string()))
    }

    /// Whether the files have the bytes of the bodies already.
    fn are_there(&self, indices: &[usize]) -> Result<Vec<bool>, Failure> {
        let temporaries = self.export_beside(indices)?;
        let mut there = Vec::with_capacity(indices.len());
        for (temporary, &index) in temporaries.iter().zip(indices) {
            let path = self.path(index);
            let same = same_bytes(temporary, &path);
            let _ = fs::remove_file(temporary);
            there.push(same.map_err(|error| self.failure(&path, &error.to_string()))?);
        }
        Ok(there)
    }

    /// Saves bodies beside the places where they belong.
    fn export_beside(&self, indices: &[usize]) -> Result<Vec<PathBuf>, Failure> {
        let name = |index| PathBuf::from(format!(".bgfetch-{}-{index}", self.fetch));
        let path = |index| self.options.output.join(name(index));
        for &index in indices {
            // What a crash may have left.
            let _ = fs::remove_file(path(index));
        }
        let exported = self.export(indices, name);
        let mut all = exported.into_iter().zip(indices);
        all.try_for_each(|(exported, &index)| {
            exported.map_err(|error| self.failure(&path(index), &error.to_string()))
        })?;
        Ok(indices.iter().map(|&index| path(index)).collect())
    }

    fn export(&self, indices: &[usize], name: impl Fn(usize) -> PathBuf) -> Vec<Result<(), ExportError>> {
        let record = |index| RecordKey {
            fetch: self.fetch,
            index,
        };
        let exports: Vec<_> = indices
            .iter()
            .map(|&index| (record(index), name(index)))
            .collect();
        self.storage.export_all(&self.options.output, &exports)
    }

    fn failure(&self, path: &Path, why: &str) -> Failure {
        let id = &self.options.id;
        Failure::new(format!(
            "cannot save {}: {why}; nothing is lost: mend that, and `bgfetch resume {}{}` saves the files, --output DIR elsewhere",
            path.display(),
            crate::profile::quoted(id),
            self.profile.option()
        ))
    }
}

/// Whether two files, the second of which may be anything, have the same bytes.
fn same_bytes(ours: &Path, other: &Path) -> io::Result<bool> {
    let metadata = other.symlink_metadata()?;
    if !metadata.is_file() || metadata.len() != ours.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut other) = (File::open(ours)?, File::open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        Read::by_ref(&mut ours).take(PIECE).read_to_end(&mut left)?;
        Read::by_ref(&mut other).take(PIECE).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

/// How much is compared at once, in bytes.
const PIECE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use background_fetch::embedder::{
        BodyKey, FetchState, NewFetch, NewRecord, PauseReasons, Settlement, Storage,
    };
    use background_fetch::fetch::{Client, Request, ResponseHead};
    use background_fetch::{
        BackgroundFetchFailureReason, BackgroundFetchResult, RegistrationKey, ResponseResult,
    };
    use futures::executor::block_on;
    use url::Url;

    /// A profile with a background fetch that is settled, whose records have these bodies.
    struct World {
        storage: Arc<ProfileStorage>,
        profile: Profile,
        fetch: FetchKey,
        output: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl World {
        fn new(bodies: &[&'static [u8]]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let storage = ProfileStorage::open(folder.path().join("profile"), Default::default()).unwrap();
            let fetch = block_on(settled(&storage, bodies));
            Self {
                storage: Arc::new(storage),
                profile: Profile::at(Some(&folder.path().join("profile"))).unwrap(),
                fetch,
                output: folder.path().join("files"),
                _folder: folder,
            }
        }

        /// What a process does that finds the event owed.
        fn deliver(&self, force: bool, names: &[&str]) -> BTreeMap<usize, PathBuf> {
            let (mut options, _) = self.profile.options("x");
            options.output.clone_from(&self.output);
            options.force = force;
            let export = Export {
                storage: self.storage.clone(),
                profile: self.profile.clone(),
                options,
                fetch: self.fetch,
            };
            let names = names.iter().map(|&name| name.to_owned()).enumerate().collect();
            export.run(names).unwrap()
        }

        fn files(&self) -> BTreeMap<String, Vec<u8>> {
            fs::read_dir(&self.output)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| {
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    (name, fs::read(path).unwrap())
                })
                .collect()
        }
    }

    async fn settled(storage: &ProfileStorage, bodies: &[&'static [u8]]) -> FetchKey {
        let url = Url::parse("https://a.example/").unwrap();
        let record = NewRecord {
            request: Arc::new(Request::new(url.clone())),
            body: None,
        };
        let new = NewFetch {
            registration: RegistrationKey::of(url.clone()),
            id: "x".into(),
            title: "".into(),
            icons: Vec::new(),
            download_total: 0,
            upload_total: 0,
            client: Arc::new(Client::user(url.clone())),
            paused: PauseReasons::default(),
            records: bodies.iter().map(|_| record.clone()).collect(),
        };
        let fetch = storage.create(&new).await.unwrap();
        for (index, body) in bodies.iter().enumerate() {
            let record = RecordKey { fetch, index };
            let response = ResponseHead::new(url.clone(), http::StatusCode::OK, http::HeaderMap::new());
            storage.set_response(record, 1, &response).await.unwrap();
            let bytes = bytes::Bytes::from_static(body);
            let body = BodyKey::Response {
                record,
                generation: 1,
            };
            storage.append(body, 0, bytes).await.unwrap();
            let settlement = Settlement {
                result: ResponseResult::Success,
                uploaded: 0,
                detail: String::new(),
            };
            storage.settle_record(record, &settlement).await.unwrap();
        }
        let state = FetchState::Settled {
            result: BackgroundFetchResult::Success,
            failure_reason: BackgroundFetchFailureReason::Empty,
        };
        storage.set_state(fetch, state).await.unwrap();
        fetch
    }

    static LARGE: [u8; 300_000] = [7; 300_000];

    #[test]
    fn an_event_that_is_delivered_twice_makes_no_second_file() {
        for force in [false, true] {
            let world = World::new(&[b"one", &LARGE]);
            let names = ["a", "a"];
            let first = world.deliver(force, &names);
            let files = world.files();
            assert_eq!(files.keys().collect::<Vec<_>>(), ["a", "a (1)"]);
            assert_eq!((&files["a"][..], &files["a (1)"][..]), (&b"one"[..], &LARGE[..]));
            // All there; then one missing, as after a crash between the two.
            assert_eq!(world.deliver(force, &names), first);
            assert_eq!(world.files(), files);
            fs::remove_file(world.output.join("a (1)")).unwrap();
            assert_eq!(world.deliver(force, &names), first);
            assert_eq!(world.files(), files);
        }
    }

    #[test]
    fn a_file_that_took_the_name_before_the_second_delivery_stays() {
        let world = World::new(&[b"one"]);
        world.deliver(false, &["a"]);
        fs::write(world.output.join("a"), "mine").unwrap();
        let second = world.deliver(false, &["a"]);
        assert_eq!(second[&0], world.output.join("a (1)"));
        let files = world.files();
        assert_eq!(
            (&files["a"][..], &files["a (1)"][..]),
            (&b"mine"[..], &b"one"[..])
        );
        // And so it is from then on.
        assert_eq!(world.deliver(false, &["a"]), second);
        assert_eq!(world.files(), files);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_is_not_followed() {
        for force in [false, true] {
            let world = World::new(&[b"one"]);
            fs::create_dir_all(&world.output).unwrap();
            let outside = world.output.with_file_name("outside");
            std::os::unix::fs::symlink(&outside, world.output.join("a")).unwrap();
            world.deliver(force, &["a"]);
            assert!(!outside.exists());
        }
    }
}
