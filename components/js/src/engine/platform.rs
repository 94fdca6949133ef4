//! Platform objects: objects of scripts that are the host's.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use rquickjs::class::{Class, JsClass, Readable, Trace, Tracer};
use rquickjs::{Constructor, Ctx, JsLifetime};

use super::{Completion, Cx, Object, Value};

/// The host's part of a platform object: the implementation of its interface.
///
/// It holds no values of the engine; those stand in the object's [`Slots`], where the engine's collector sees them.
pub trait State: Any {
    /// Itself, or what it inherits from, as the implementation of an interface: the type of that id.
    fn as_interface(&self, interface: TypeId) -> Option<&dyn Any>;

    /// The bytes that it keeps beside itself: of strings, lists and the like, which the engine's limit does not see.
    fn kept(&self) -> usize {
        0
    }
}

/// The name of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKey {
    /// One that the interface has.
    Named(&'static str),
    /// One of many: what [`Slots::add`] gave.
    Numbered(u64),
}

/// Is called with a platform object when it is made.
pub type Created = Box<dyn for<'a, 'js> FnOnce(&'a Cx<'js>, &'a Object<'js>)>;

/// The values that a platform object holds on to.
#[derive(Default)]
pub struct Slots<'js> {
    named: RefCell<Vec<(&'static str, Value<'js>)>>,
    /// There may be many of these: a signal's algorithms, a target's listeners.
    numbered: RefCell<BTreeMap<u64, Value<'js>>>,
    next: Cell<u64>,
    created: RefCell<Option<Created>>,
}

impl<'js> Slots<'js> {
    /// Has this called with the object that the slots are of, when it is made: a constructor does not have it yet.
    pub fn when_created(&self, created: Created) {
        *self.created.borrow_mut() = Some(created);
    }

    /// What is called when the object is made.
    pub fn take_created(&self) -> Option<Created> {
        self.created.borrow_mut().take()
    }

    /// The value of a slot.
    pub fn get(&self, key: SlotKey) -> Option<Value<'js>> {
        match key {
            SlotKey::Named(name) => {
                let named = self.named.borrow();
                let found = named.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| value.clone())
            }
            SlotKey::Numbered(number) => self.numbered.borrow().get(&number).cloned(),
        }
    }

    /// The value of a slot of this name.
    pub fn named(&self, name: &'static str) -> Option<Value<'js>> {
        self.get(SlotKey::Named(name))
    }

    /// Fills a slot.
    pub fn set(&self, key: SlotKey, value: Value<'js>) {
        // What was there is dropped when nothing is borrowed any more.
        let old = match key {
            SlotKey::Named(name) => {
                let mut named = self.named.borrow_mut();
                match named.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, old)) => Some(std::mem::replace(old, value)),
                    None => {
                        named.push((name, value));
                        None
                    }
                }
            }
            SlotKey::Numbered(number) => self.numbered.borrow_mut().insert(number, value),
        };
        drop(old);
    }

    /// Fills a slot of this name.
    pub fn set_named(&self, name: &'static str, value: Value<'js>) {
        self.set(SlotKey::Named(name), value);
    }

    /// A new slot with this value.
    pub fn add(&self, value: Value<'js>) -> SlotKey {
        let key = SlotKey::Numbered(self.next.get());
        self.next.set(self.next.get() + 1);
        self.set(key, value);
        key
    }

    /// Empties a slot.
    pub fn remove(&self, key: SlotKey) -> Option<Value<'js>> {
        match key {
            SlotKey::Named(name) => {
                let mut named = self.named.borrow_mut();
                let place = named.iter().position(|(other, _)| *other == name)?;
                Some(named.remove(place).1)
            }
            SlotKey::Numbered(number) => self.numbered.borrow_mut().remove(&number),
        }
    }
}

/// What is behind a platform object.
#[derive(Clone)]
pub struct Platform<'js> {
    /// The implementation.
    pub state: Rc<dyn State>,
    /// The values that it holds on to.
    pub slots: Rc<Slots<'js>>,
}

// SAFETY: the lifetime is that of the values in the slots.
unsafe impl<'js> JsLifetime<'js> for Platform<'js> {
    type Changed<'to> = Platform<'to>;
}

impl<'js> Trace<'js> for Platform<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        for (_, value) in self.slots.named.borrow().iter() {
            value.0.trace(tracer);
        }
        for value in self.slots.numbered.borrow().values() {
            value.0.trace(tracer);
        }
    }
}

impl<'js> JsClass<'js> for Platform<'js> {
    const NAME: &'static str = "PlatformObject";

    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> rquickjs::Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

impl<'js> Cx<'js> {
    /// A platform object with this prototype.
    pub fn platform_object(
        &self,
        platform: Platform<'js>,
        prototype: &Object<'js>,
    ) -> Completion<'js, Object<'js>> {
        let class = self.complete(Class::instance_proto(platform, prototype.0.clone()))?;
        Ok(Object(class.into_inner()))
    }
}

impl<'js> Object<'js> {
    /// What is behind it, where it is a platform object.
    pub fn platform(&self) -> Option<Platform<'js>> {
        let class = self.0.as_class::<Platform<'js>>()?;
        let platform = class.try_borrow().ok()?;
        Some(platform.clone())
    }
}
