//! Pages: scripts that call every method of the API in any order, and go when they like.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use background_fetch::api::{
    BackgroundFetchManager, BackgroundFetchRecord, BackgroundFetchRegistration, RequestInfo, RequestObject,
};
use background_fetch::fetch::{Client, Request, RequestBody};
use background_fetch::{BackgroundFetchOptions, CacheQueryOptions, Engine};
use background_fetch_sim::Random;
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::join;

use super::Shared;
use super::realm::Thread;

/// What a page has in its hands.
#[derive(Clone)]
struct Page {
    thread: Thread,
    managers: Rc<Vec<BackgroundFetchManager>>,
    registrations: Rc<RefCell<Vec<BackgroundFetchRegistration>>>,
    records: Rc<RefCell<Vec<BackgroundFetchRecord>>>,
}

/// The ids of a registration.
const IDS: u64 = 30;
/// What a page waits for at once.
const WAITS: usize = 40;
/// What a page holds on to.
const HELD: usize = 30;

/// Opens one page after the other, until all must come to an end.
pub(super) fn browse(number: usize, engine: &Engine, shared: &Arc<Shared>, random: &mut Random) {
    let mut visit = 0;
    while !shared.calm.load(Ordering::Relaxed) {
        visit += 1;
        shared.realms.fetch_add(1, Ordering::Relaxed);
        let sites = shared.sites.registrations.len() as u64 / 2;
        let site = random.below(sites) as usize;
        let of_site = &shared.sites.registrations[2 * site..2 * site + 2];
        let client = Client::page(of_site[0].scope.clone());
        let name = format!("page {number}.{visit}");
        Thread::run(
            name,
            client,
            engine.clone(),
            Arc::clone(shared),
            random.fork(),
            async |thread| {
                let managers = of_site.iter().map(|key| thread.realm().background_fetch(key));
                let page = Page {
                    thread: thread.clone(),
                    managers: Rc::new(managers.collect()),
                    registrations: Rc::default(),
                    records: Rc::default(),
                };
                page.live().await;
            },
        );
    }
}

impl Page {
    async fn live(&self) {
        let shared = self.thread.shared();
        let mut steps = 20 + self.thread.below(400);
        while steps > 0 && !shared.calm.load(Ordering::Relaxed) {
            steps -= 1;
            self.step();
            self.thread.pause(60).await;
            while self.thread.waits() > WAITS && !shared.calm.load(Ordering::Relaxed) {
                self.thread.pause(60).await;
            }
        }
        // Some pages are closed as they are; the others wait for what they asked for.
        if shared.calm.load(Ordering::Relaxed) || self.thread.chance(1, 2) {
            while self.thread.waits() > 0 {
                self.thread.pause(60).await;
            }
        }
    }

    fn any<T: Clone>(&self, of: &RefCell<Vec<T>>) -> Option<T> {
        let of = of.borrow();
        (!of.is_empty()).then(|| of[self.thread.below(of.len() as u64) as usize].clone())
    }

    fn step(&self) {
        let manager = self.managers[self.thread.below(self.managers.len() as u64) as usize].clone();
        let id = self.thread.below(IDS).to_string();
        let held = self.any(&self.registrations);
        match (self.thread.below(100), held) {
            (0..35, _) => self.fetch(&manager, id),
            (35..45, _) => self.get(&manager, id),
            (45..50, _) => self.get_ids(&manager),
            (50..72, Some(registration)) => self.match_all(registration),
            (72..77, Some(registration)) => self.abort(registration),
            (77..85, Some(registration)) => self
                .registrations
                .borrow_mut()
                .retain(|held| *held != registration),
            (85..90, _) => drop(self.any(&self.records).map(|record| self.reread(record))),
            (90..95, _) => {
                let dropped = std::mem::take(&mut *self.records.borrow_mut());
                drop(dropped);
            }
            // Nobody waits for these.
            (95, _) => drop(manager.get(id)),
            (96, Some(registration)) => drop(registration.match_all(None, CacheQueryOptions::default())),
            (97, _) => drop(manager.fetch(id, [self.file()], BackgroundFetchOptions::default())),
            _ => {}
        }
    }

    fn file(&self) -> String {
        self.thread
            .random(|random| self.thread.shared().sites.any_file(random))
    }

    fn fetch(&self, manager: &BackgroundFetchManager, id: String) {
        let requests: Vec<RequestInfo> = (0..1 + self.thread.below(4))
            .map(|_| match self.thread.chance(1, 8) {
                true => self.post().into(),
                false => self.file().into(),
            })
            .collect();
        let mut options = BackgroundFetchOptions::default();
        if self.thread.chance(1, 6) {
            options.download_total = 1 + self.thread.below(400_000);
        }
        let (page, promise) = (self.clone(), manager.fetch(id.as_str(), requests, options));
        self.thread.wait_for(format!("fetch({id})"), async move {
            // What was refused was refused for a reason: the id is active, the quota is used up.
            if let Ok(registration) = promise.await {
                page.thread.shared().ledger.promised(registration.key());
                page.hold(registration);
            }
        });
    }

    fn hold(&self, registration: BackgroundFetchRegistration) {
        let mut held = self.registrations.borrow_mut();
        if !held.contains(&registration) && held.len() < HELD {
            self.thread.listen(&registration);
            held.push(registration);
        }
    }

    /// A request whose body is at hand, or arrives in pieces, or fails.
    fn post(&self) -> RequestObject {
        let url = self
            .thread
            .random(|random| self.thread.shared().sites.any_post(random));
        let request = Request {
            method: http::Method::POST,
            ..Request::new(url)
        };
        let piece = Bytes::from(vec![7; 1 + self.thread.below(9_000) as usize]);
        if self.thread.chance(1, 2) {
            return RequestObject::with_body(request, piece);
        }
        let (sender, pieces) = mpsc::unbounded();
        let thread = self.thread.clone();
        self.thread.spawn(async move {
            for _ in 0..thread.below(6) {
                thread.pause(100).await;
                let _ = sender.unbounded_send(Ok(piece.clone()));
            }
            if thread.chance(1, 6) {
                let _ = sender.unbounded_send(Err("the script gave up".to_owned()));
            }
        });
        RequestObject::with_body(request, RequestBody::Stream(pieces.boxed()))
    }

    /// Two at once, which must be the same object.
    fn get(&self, manager: &BackgroundFetchManager, id: String) {
        let (page, both) = (
            self.clone(),
            join(manager.get(id.as_str()), manager.get(id.as_str())),
        );
        self.thread.wait_for(format!("get({id})"), async move {
            let (Ok(Some(first)), Ok(second)) = both.await else {
                return;
            };
            if let Some(second) = second
                && second.key() == first.key()
                && second != first
            {
                let fault = format!("{}: two objects for {}", page.thread.name(), first.key());
                page.thread.shared().ledger.fault(fault);
            }
            page.hold(first);
        });
    }

    fn get_ids(&self, manager: &BackgroundFetchManager) {
        let (thread, ids) = (self.thread.clone(), manager.get_ids());
        self.thread.wait_for("getIds()".to_owned(), async move {
            if let Ok(ids) = ids.await
                && ids.len() as u64 > IDS
            {
                let fault = format!("{}: {} ids of {IDS}", thread.name(), ids.len());
                thread.shared().ledger.fault(fault);
            }
        });
    }

    fn match_all(&self, registration: BackgroundFetchRegistration) {
        let request = self.thread.chance(1, 4).then(|| self.file().into());
        let records = registration.match_all(request, CacheQueryOptions::default());
        let page = self.clone();
        let what = format!("matchAll() of {} and its bodies", registration.key());
        self.thread.wait_for(what, async move {
            let Ok(records) = records.await else { return };
            for record in records {
                let all = page.thread.chance(1, 2);
                // One that was aborted, failed or started again meanwhile is not read to its end.
                if let Ok(length) = page.thread.read(&record, all).await {
                    page.thread.shared().read.fetch_add(length, Ordering::Relaxed);
                }
                if page.thread.chance(1, 6) && page.records.borrow().len() < HELD {
                    page.records.borrow_mut().push(record);
                }
            }
        });
    }

    /// Waits for what a record object that was kept has, whatever became of its background fetch.
    fn reread(&self, record: BackgroundFetchRecord) {
        let response = record.response_ready();
        let what = format!("responseReady of {:?}", record.key());
        self.thread.wait_for(what, async move {
            let _ = response.await;
            drop(record);
        });
    }

    fn abort(&self, registration: BackgroundFetchRegistration) {
        let aborted = registration.abort();
        let page = self.clone();
        self.thread
            .wait_for(format!("abort() of {}", registration.key()), async move {
                if let Ok(true) = aborted.await {
                    page.thread.shared().ledger.aborted(registration.key());
                }
            });
    }
}
