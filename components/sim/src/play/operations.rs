//! What scripts and the user of a story do: begun here, and answered in tasks of their own.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use background_fetch::api::{
    BackgroundFetchManager, BackgroundFetchRegistration, RequestInfo, RequestObject,
};
use background_fetch::fetch::Request;
use background_fetch::{BackgroundFetchOptions, DomString, FetchKey};
use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, select};
use http::Method;
use url::Url;

use super::books::{FetchCall, Sure};
use super::model::Outcome;
use super::world::{upload_url_of, url_of};
use super::{OpenPage, Player, Seen, id_of, values_of};
use crate::story::{Step, Target};
use crate::{UploadServer, body_of, pattern};

/// The seed of the first call's request body; each further call has the next.
pub(super) const UPLOAD: u64 = 1000;

impl Player {
    /// Begins something here and now, and lets it go on beside the story.
    fn begin(&self, mut doing: LocalBoxFuture<'static, ()>) {
        if (&mut doing).now_or_never().is_none() {
            self.world.executor.spawn_local(doing);
        }
    }

    fn manager(&self, page: &OpenPage, registration: usize) -> BackgroundFetchManager {
        page.realms[registration]
            .realm
            .background_fetch(&self.registrations[registration])
    }

    /// Runs a call of a page to its answer; none where the page does not live that long.
    fn on_page<T: 'static>(
        self: &Rc<Self>,
        page: &OpenPage,
        call: impl Future<Output = T> + 'static,
        answered: impl FnOnce(&Rc<Self>, &OpenPage, Option<T>) + 'static,
    ) {
        let (player, page) = (Rc::clone(self), page.clone());
        page.unanswered.update(|calls| calls + 1);
        self.world.executor.spawn_local(async move {
            // A page that is closed takes its scripts along, and all that they hold.
            let closed = page.closed.until(|closed| closed.then_some(()));
            let answer = match select(pin!(closed), pin!(call)).await {
                Either::Left(_) => None,
                Either::Right((answer, _)) => Some(answer),
            };
            page.unanswered.update(|calls| calls - 1);
            answered(&player, &page, answer);
        });
    }

    pub(super) fn fetch(self: &Rc<Self>, call: FetchCall) {
        let page = self.page();
        let manager = self.manager(&page, call.target.registration);
        let (target, files, upload) = (call.target, call.files.clone(), call.upload);
        let options = BackgroundFetchOptions {
            download_total: call.download_total,
            ..Default::default()
        };
        let number = self.told(|model| model.fetch_called(call));
        // The fragment tells whose call it is, wherever the URL shows up.
        let url = |file: &usize| format!("{}#{number}", url_of(*file));
        let requests = files.iter().enumerate().map(|(index, file)| match upload {
            Some(length) if index == 0 => {
                let mut url = Url::parse(&url(file)).expect("a file has a URL");
                if let Some(troubles) = &self.story.setting.uploads {
                    url.set_query(Some(&number.to_string()));
                    let server = UploadServer::new(&upload_url_of(number));
                    server.troubles(troubles.iter().copied());
                    self.world.network.serve_upload(&url, &server);
                    self.uploads.borrow_mut().insert(number, server);
                }
                let request = Request {
                    method: Method::POST,
                    ..Request::new(url)
                };
                RequestObject::with_body(request, pattern(UPLOAD + number as u64, 0, length as usize)).into()
            }
            _ => RequestInfo::from(url(file).as_str()),
        });
        let promise = manager.fetch(id_of(target), requests, options);
        self.on_page(&page, promise, move |player, page, answer| match answer {
            Some(Ok(registration)) => {
                player.note(|model| model.fetch_resolved(number, registration.key()));
                player.see(page, target, &registration);
            }
            Some(Err(exception)) => player.note(|model| model.fetch_rejected(number, exception.name)),
            None => player.told(|model| model.fetch_lost(number)),
        });
    }

    pub(super) fn get(self: &Rc<Self>, target: Target) {
        let page = self.page();
        let manager = self.manager(&page, target.registration);
        let due = self.told(|model| model.due(target.registration));
        let both = futures::future::join(manager.get(id_of(target)), manager.get(id_of(target)));
        self.on_page(&page, both, move |player, page, answers| match answers {
            Some((Ok(one), Ok(other))) => {
                for answer in [one, other] {
                    let key = answer.as_ref().map(|instance| instance.key());
                    player.note(|model| model.got(&due, target, key, &player.storage));
                    if let Some(instance) = answer {
                        player.see(page, target, &instance);
                    }
                }
            }
            Some((Err(exception), _) | (_, Err(exception))) => {
                player.note(|model| model.call_rejected(target.registration, "get()", exception.name))
            }
            None => {}
        });
    }

    pub(super) fn get_ids(self: &Rc<Self>, registration: usize) {
        let page = self.page();
        let manager = self.manager(&page, registration);
        let due = self.told(|model| model.due(registration));
        self.on_page(&page, manager.get_ids(), move |player, _, answer| match answer {
            Some(Ok(ids)) => player.note(|model| {
                model.got_ids(&due, &ids, &player.storage)?;
                model.ids(registration, &ids)
            }),
            Some(Err(exception)) => {
                player.note(|model| model.call_rejected(registration, "getIds()", exception.name));
            }
            None => {}
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
            Some(Ok(aborted)) => player.aborted(key, aborted),
            Some(Err(exception)) => {
                player.note(|model| model.call_rejected(target.registration, "abort()", exception.name))
            }
            None => {}
        });
    }

    /// A page remembers an instance.
    fn see(&self, page: &OpenPage, target: Target, instance: &BackgroundFetchRegistration) {
        self.adopt(instance.key());
        let mut instances = page.instances.borrow_mut();
        let known = instances
            .iter()
            .find(|seen| seen.instance.key() == instance.key());
        match known {
            None => {
                let told = Rc::new(Cell::new(values_of(instance)));
                let listening = Rc::clone(&told);
                instance.on_progress(move |instance| listening.set(values_of(instance)));
                instances.push(Seen {
                    registration: target.registration,
                    instance: instance.clone(),
                    outcome: Outcome::default(),
                    told,
                });
            }
            // 5. A realm has one object for a background fetch.
            Some(seen) if seen.instance == *instance => {}
            Some(_) => self.note(|_| Err(format!("two instances stand for {:?}", instance.key()))),
        }
    }

    /// Tells the model of a background fetch whose call may have had no answer.
    pub(super) fn adopt(&self, key: FetchKey) {
        if let Some(sighting) = self.sighting(key) {
            self.note(|model| model.see(&sighting));
        }
    }

    fn aborted(&self, key: FetchKey, aborted: bool) {
        let now = self.engine().inspect_one(key);
        self.note(|model| model.abort_resolved(key, aborted, now.as_ref()));
    }

    /// Reads a body while it grows.
    pub(super) fn read(self: &Rc<Self>, target: Target, record: usize) {
        let page = self.page();
        let Some(instance) = page.instance(target) else {
            return self.get(target);
        };
        let key = instance.key();
        let reading = async move {
            let records = instance.match_all(None, Default::default()).await;
            let records = records.map_err(|exception| (None, exception.name))?;
            let index = record % records.len().max(1);
            let body = body_of(&records[index]).await;
            let body = body.map_err(|exception| (Some(index), exception.name))?;
            Ok((index, body))
        };
        self.on_page(&page, reading, move |player, _, answer| match answer {
            Some(Ok((index, body))) => player.note(|model| model.read(key, index, &body)),
            // What a shutdown cuts off is no answer.
            Some(Err((index, name))) if !player.stopping.get() => {
                player.note(|model| model.read_rejected(key, index, name));
            }
            Some(Err(_)) | None => {}
        });
    }

    /// What the user does in the user interface.
    pub(super) fn user(self: &Rc<Self>, step: &Step) {
        let (Step::Pause(target)
        | Step::Resume(target)
        | Step::UserAborts(target)
        | Step::Allow(target)
        | Step::Refuse(target)
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
        self.adopt(key);
        let doing = match step {
            Step::Pause(_) => {
                let resumes = self.told(|model| model.resumes(key));
                let player = Rc::clone(self);
                async move {
                    let paused = engine.pause(key).await;
                    // What a shutdown cuts off is not stored.
                    if paused.is_ok() && !player.stopping.get() {
                        player.told(|model| model.paused(key, resumes));
                    }
                }
                .boxed_local()
            }
            Step::Resume(_) => {
                self.told(|model| model.resumed(key));
                async move { drop(engine.resume(key).await) }.boxed_local()
            }
            Step::Allow(_) => {
                self.told(|model| model.allowed(key));
                async move { drop(engine.allow(key).await) }.boxed_local()
            }
            Step::UserAborts(_) | Step::Refuse(_) => {
                self.told(|model| model.abort_called(key));
                let player = Rc::clone(self);
                let refuses = matches!(step, Step::Refuse(_));
                async move {
                    let aborted = match refuses {
                        true => engine.refuse(key).await,
                        false => engine.abort(key).await,
                    };
                    // What a shutdown cuts off is no answer.
                    if aborted || !player.stopping.get() {
                        player.aborted(key, aborted);
                    }
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
        let change = self.metered_changes.get() + 1;
        self.metered_changes.set(change);
        let (player, engine) = (Rc::clone(self), self.engine());
        self.told(|model| model.metered(metered, Sure::Maybe));
        let changing = async move {
            engine.set_metered(metered).await;
            // Where it changed again meanwhile, that call has the last word.
            if player.metered_changes.get() == change {
                player.told(|model| model.metered(metered, Sure::Yes));
            }
        };
        self.begin(changing.boxed_local());
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
