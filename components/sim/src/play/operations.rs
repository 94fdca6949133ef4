//! What scripts and the user of a story do: begun here, and answered in tasks of their own.

use std::pin::pin;
use std::rc::Rc;

use background_fetch::api::{BackgroundFetchRegistration, RequestInfo, RequestObject};
use background_fetch::fetch::Request;
use background_fetch::{BackgroundFetchOptions, DomString, FetchKey};
use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, select};
use http::Method;
use url::Url;

use super::model::{FetchCall, Outcome, Sighting};
use super::world::url_of;
use super::{OpenPage, Player, Seen, id_of};
use crate::body_of;
use crate::pattern;
use crate::story::{Step, Target};

/// The seed of every request's body.
pub(super) const UPLOAD: u64 = 77;

impl Player {
    /// Begins something here and now, and lets it go on beside the story.
    fn begin(&self, mut doing: LocalBoxFuture<'static, ()>) {
        if (&mut doing).now_or_never().is_none() {
            self.world.executor.spawn_local(doing);
        }
    }

    /// Runs a call of a page to its answer, if the page lives that long.
    fn on_page<T: 'static>(
        self: &Rc<Self>,
        page: &OpenPage,
        call: impl Future<Output = T> + 'static,
        answered: impl FnOnce(&Rc<Self>, &OpenPage, T) + 'static,
    ) {
        let (player, page) = (Rc::clone(self), page.clone());
        page.unanswered.update(|calls| calls + 1);
        self.world.executor.spawn_local(async move {
            // A page that is closed takes its scripts along, and all that they hold.
            let closed = page.closed.until(|closed| closed.then_some(()));
            if let Either::Right((answer, _)) = select(pin!(closed), pin!(call)).await {
                page.unanswered.update(|calls| calls - 1);
                answered(&player, &page, answer);
            }
        });
    }

    pub(super) fn fetch(self: &Rc<Self>, call: FetchCall) {
        let page = self.page();
        let manager = page
            .page
            .realm
            .background_fetch(&self.registrations[call.target.registration]);
        let requests: Vec<RequestInfo> = call
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| match call.upload {
                Some(length) if index == 0 => {
                    let url = Url::parse(&url_of(*file)).expect("a file has a URL");
                    let request = Request {
                        method: Method::POST,
                        ..Request::new(url)
                    };
                    RequestObject::with_body(request, pattern(UPLOAD, 0, length as usize)).into()
                }
                _ => url_of(*file).as_str().into(),
            })
            .collect();
        let options = BackgroundFetchOptions {
            download_total: call.download_total,
            ..Default::default()
        };
        let target = call.target;
        let id = id_of(target);
        let at = self.told(|model| model.fetch_called(call));
        let promise = manager.fetch(id, requests, options);
        self.on_page(&page, promise, move |player, page, answer| match answer {
            Ok(registration) => {
                player.see(page, target, &registration);
                player.note(|model| model.fetch_resolved(at, registration.key()));
            }
            Err(exception) => player.note(|model| model.fetch_rejected(at, exception.name)),
        });
    }

    pub(super) fn get(self: &Rc<Self>, target: Target) {
        let page = self.page();
        let manager = page
            .page
            .realm
            .background_fetch(&self.registrations[target.registration]);
        let both = futures::future::join(manager.get(id_of(target)), manager.get(id_of(target)));
        self.on_page(&page, both, move |player, page, answers| match answers {
            (Ok(Some(one)), Ok(Some(other))) => {
                player.see(page, target, &one);
                player.see(page, target, &other);
                player.note(|_| {
                    // 5. Two `get()`s in a realm give the same object.
                    match one.key() != other.key() || one == other {
                        true => Ok(()),
                        false => Err(format!("two instances stand for {:?}", one.key())),
                    }
                });
            }
            (Ok(one), Ok(other)) => one
                .iter()
                .chain(&other)
                .for_each(|instance| player.see(page, target, instance)),
            (Err(exception), _) | (_, Err(exception)) => {
                player.note(|model| model.call_rejected(target.registration, "get()", exception.name))
            }
        });
    }

    pub(super) fn get_ids(self: &Rc<Self>, registration: usize) {
        let page = self.page();
        let manager = page
            .page
            .realm
            .background_fetch(&self.registrations[registration]);
        self.on_page(&page, manager.get_ids(), move |player, _, answer| match answer {
            Ok(ids) => player.note(|model| model.ids(registration, &ids)),
            Err(exception) => {
                player.note(|model| model.call_rejected(registration, "getIds()", exception.name));
            }
        });
    }

    pub(super) fn abort(self: &Rc<Self>, target: Target) {
        let page = self.page();
        let Some(instance) = page.instance(target) else {
            return self.get(target);
        };
        let key = instance.key();
        self.told(|model| model.abort_called(key));
        self.on_page(&page, instance.abort(), move |player, _, answer| match answer {
            Ok(aborted) => player.aborted(key, aborted),
            Err(exception) => {
                player.note(|model| model.call_rejected(target.registration, "abort()", exception.name))
            }
        });
    }

    /// A page remembers an instance.
    fn see(&self, page: &OpenPage, target: Target, instance: &BackgroundFetchRegistration) {
        self.adopt(target, instance.key());
        let mut instances = page.instances.borrow_mut();
        if !instances.iter().any(|seen| seen.instance == *instance) {
            instances.push(Seen {
                registration: target.registration,
                instance: instance.clone(),
                outcome: Outcome::default(),
            });
        }
    }

    /// Tells the model of a background fetch whose call may have had no answer.
    fn adopt(&self, target: Target, key: FetchKey) {
        let inspected = self.engine().inspect_one(key);
        let sighting = match inspected {
            Some(fetch) => self.sighting(&fetch),
            // It was cleared meanwhile.
            None => Sighting {
                key,
                registration: target.registration,
                id: id_of(target),
                shape: None,
            },
        };
        self.note(|model| model.adopt(&sighting));
    }

    fn aborted(&self, key: FetchKey, aborted: bool) {
        let downloaded = self.engine().inspect_one(key).map(|fetch| fetch.downloaded);
        self.note(|model| model.abort_resolved(key, aborted, downloaded));
    }

    /// Reads a body while it grows.
    pub(super) fn read(self: &Rc<Self>, target: Target, record: usize) {
        let page = self.page();
        let Some(instance) = page.instance(target) else {
            return self.get(target);
        };
        let key = instance.key();
        let reading = async move {
            let records = instance.match_all(None, Default::default()).await.ok()?;
            let index = record % records.len().max(1);
            let body = body_of(records.get(index)?).await.ok()?;
            Some((index, body))
        };
        self.on_page(&page, reading, move |player, _, answer| {
            if let Some((index, body)) = answer {
                player.note(|model| model.read(key, index, &body));
            }
        });
    }

    /// What the user does in the user interface.
    pub(super) fn user(self: &Rc<Self>, step: &Step) {
        let (Step::Pause(target)
        | Step::Resume(target)
        | Step::UserAborts(target)
        | Step::Allow(target)
        | Step::Click(target)
        | Step::Dismiss(target)) = step
        else {
            return;
        };
        let engine = self.engine();
        let registration = &self.registrations[target.registration];
        let Some(key) = engine.find(registration, &DomString::from(id_of(*target).as_str())) else {
            return;
        };
        // The user may see it before the page does.
        self.adopt(*target, key);
        let doing = match step {
            Step::Pause(_) => async move { drop(engine.pause(key).await) }.boxed_local(),
            Step::Resume(_) => async move { drop(engine.resume(key).await) }.boxed_local(),
            Step::Allow(_) => async move { drop(engine.allow(key).await) }.boxed_local(),
            Step::UserAborts(_) => {
                self.told(|model| model.abort_called(key));
                let player = Rc::clone(self);
                async move {
                    let aborted = engine.abort(key).await;
                    player.aborted(key, aborted);
                }
                .boxed_local()
            }
            Step::Click(_) => {
                if engine.click(key) {
                    self.told(|model| model.clicked(key));
                }
                return;
            }
            _ => {
                engine.dismiss(key);
                return;
            }
        };
        self.begin(doing);
    }

    pub(super) fn set_metered(self: &Rc<Self>, metered: bool) {
        self.metered.set(metered);
        let engine = self.engine();
        self.begin(async move { engine.set_metered(metered).await }.boxed_local());
    }

    pub(super) fn clear(self: &Rc<Self>, registration: usize) {
        let (player, engine) = (Rc::clone(self), self.engine());
        let key = self.registrations[registration].clone();
        let at = self.told(|model| model.clear_called(registration));
        let clearing = async move {
            let cleared = engine.clear_registration(&key).await;
            player.told(|model| model.clear_ended(at, cleared.is_ok()));
        };
        self.begin(clearing.boxed_local());
    }
}

impl OpenPage {
    /// The newest instance of an id that the page has seen.
    fn instance(&self, target: Target) -> Option<BackgroundFetchRegistration> {
        let id = DomString::from(id_of(target).as_str());
        let instances = self.instances.borrow();
        let is_it = |seen: &&Seen| seen.registration == target.registration && *seen.instance.id() == id;
        let newest = instances.iter().rev().find(is_it);
        newest.map(|seen| seen.instance.clone())
    }
}
