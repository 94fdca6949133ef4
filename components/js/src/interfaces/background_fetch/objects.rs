//! [`Objects`]: the component's realm of a global, and the platform objects of its instances.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::api;
use background_fetch::seam::EnginePort;
use background_fetch::{Engine, FetchKey};
use futures::StreamExt;
use futures::channel::mpsc;

use super::manager::REGISTRATION;
use super::{BackgroundFetchManager, BackgroundFetchRegistration};
use crate::engine::{Cx, Root, Slots};
use crate::interfaces::{EventTarget, ServiceWorkerRegistration};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Ref, Rooted, create};

/// The component's realm of a global, and the platform objects of its instances.
pub struct Objects {
    realm: api::Realm,
    /// Those that may still change: kept, since scripts may listen to them and hold nothing else.
    live: RefCell<HashMap<FetchKey, Rooted<BackgroundFetchRegistration>>>,
    /// Those that are over: found again for as long as a script holds them.
    over: RefCell<HashMap<FetchKey, Root>>,
}

/// Connects a global to the engine; its tasks run on the event loop from now on.
pub fn connect_background_fetch(cx: &Cx<'_>, engine: &Engine) {
    let realm = Realm::of(cx);
    let (event_loop, mut tasks) = mpsc::unbounded();
    let port: Arc<dyn EnginePort> = Arc::new(engine.clone());
    let of_component = api::Realm::new(port, realm.client(), Arc::new(event_loop));
    let objects = Rc::new(Objects {
        realm: of_component.clone(),
        live: RefCell::default(),
        over: RefCell::default(),
    });
    realm.set_data(objects);
    realm.spawn(async move {
        while let Some(task) = tasks.next().await {
            // Outside of the JavaScript engine: listeners enter it.
            of_component.run_task(task);
            // What the task settled runs before the next task.
            yield_once().await;
        }
    });
}

/// Lets what is ready run first.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl Objects {
    /// Those of a global.
    ///
    /// # Errors
    ///
    /// `InvalidStateError` where the global is not connected.
    pub fn of<'js>(cx: &Cx<'js>) -> Fallible<'js, Rc<Self>> {
        let objects = Realm::of(cx).data_of::<Self>();
        objects.ok_or_else(|| Error::dom("InvalidStateError", "there is no Background Fetch in this global"))
    }

    /// The component's realm.
    pub fn realm(&self) -> &api::Realm {
        &self.realm
    }

    /// A manager for a registration object: `ServiceWorkerRegistration.backgroundFetch`.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn manager<'js>(
        &self,
        cx: &Cx<'js>,
        registration: &Ref<'js, ServiceWorkerRegistration>,
    ) -> Fallible<'js, Ref<'js, BackgroundFetchManager>> {
        let inner = self.realm.background_fetch(&registration.registration().key);
        let slots = Slots::default();
        slots.set_named(REGISTRATION, registration.value());
        create(cx, BackgroundFetchManager::new(inner), slots)
    }

    /// The platform object of an instance: the same for the same instance.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn registration<'js>(
        self: &Rc<Self>,
        cx: &Cx<'js>,
        instance: &api::BackgroundFetchRegistration,
    ) -> Fallible<'js, Ref<'js, BackgroundFetchRegistration>> {
        let key = instance.key();
        let live = self.live.borrow().get(&key).and_then(|object| object.get(cx));
        let known = live.or_else(|| {
            let weak = self.over.borrow().get(&key).map(|weak| weak.get(cx))?;
            Ref::of(cx, &cx.deref(&weak).ok()??).ok()
        });
        if let Some(object) = known.filter(|object: &Ref<'js, _>| *object.instance() == *instance) {
            return Ok(object);
        }
        let object = create(
            cx,
            BackgroundFetchRegistration::new(instance.clone()),
            Slots::default(),
        )?;
        if Realm::of(cx).has_guide() {
            // While its records can be seen.
            object.remember(cx);
        }
        if !instance.records_available() {
            self.let_go(cx, key, &object);
            return Ok(object);
        }
        self.live.borrow_mut().insert(key, object.root(cx));
        let (realm, objects) = (Rc::downgrade(&Realm::of(cx)), Rc::downgrade(self));
        instance.on_progress(move |instance| {
            let (Some(realm), Some(objects)) = (realm.upgrade(), objects.upgrade()) else {
                return;
            };
            realm.run_task(|cx| objects.progress(cx, instance.key(), !instance.records_available()));
        });
        Ok(object)
    }

    /// 6.2 of "update background fetch instances": fires `progress`.
    fn progress(&self, cx: &Cx<'_>, key: FetchKey, is_over: bool) {
        let Some(object) = self.live.borrow().get(&key).and_then(|object| object.get(cx)) else {
            return;
        };
        if Realm::of(cx).has_guide() {
            object.guide_status(cx);
        }
        if let Ok(event) = crate::interfaces::create_event(cx, "progress") {
            EventTarget::dispatch(&object.upcast(), cx, &event);
        }
        if is_over {
            self.let_go(cx, key, &object);
        }
    }

    /// Holds a finished object no longer than scripts do.
    fn let_go<'js>(&self, cx: &Cx<'js>, key: FetchKey, object: &Ref<'js, BackgroundFetchRegistration>) {
        self.over
            .borrow_mut()
            .retain(|_, weak| matches!(cx.deref(&weak.get(cx)), Ok(Some(_))));
        if let Ok(weak) = cx.weak(object.object()) {
            self.over.borrow_mut().insert(key, cx.root(&weak));
        }
        let released = self.live.borrow_mut().remove(&key);
        drop(released);
    }
}
