//! `[Serializable]` and `[Transferable]`: platform objects that go to other realms, which are on other threads.
//!
//! <https://html.spec.whatwg.org/multipage/structured-data.html#serializable-objects>

use std::any::Any;
use std::fmt;

use super::{Definition, Error, Fallible, Interface, Ref};
use crate::engine::{Cx, Object, Value};
use crate::realm::Realm;

/// An implementation of an interface whose objects are cloned.
pub trait Serializable: Interface {
    /// An object, outside of its realm.
    type Data: Send + 'static;

    /// The serialization steps.
    ///
    /// # Errors
    ///
    /// A DataCloneError where this object cannot be cloned.
    fn serialize<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Self::Data>;

    /// The deserialization steps.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    fn deserialize<'js>(cx: &Cx<'js>, data: Self::Data) -> Fallible<'js, Ref<'js, Self>>;
}

/// An implementation of an interface whose objects move to another realm.
pub trait Transferable: Interface {
    /// An object on its way.
    type Data: Send + 'static;

    /// Whether it was moved away, or is over.
    fn is_detached(this: &Ref<'_, Self>) -> bool;

    /// The transfer steps: it is detached.
    ///
    /// # Errors
    ///
    /// A DataCloneError where this object cannot be moved.
    fn transfer<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Self::Data>;

    /// The transfer-receiving steps.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    fn receive<'js>(cx: &Cx<'js>, data: Self::Data) -> Fallible<'js, Ref<'js, Self>>;
}

type Steps = for<'a, 'js> fn(&'a Cx<'js>, &'a Object<'js>) -> Fallible<'js, PlatformData>;

/// How objects of an interface are cloned.
#[derive(Debug)]
pub struct Serialization {
    is_one: for<'a, 'js> fn(&'a Cx<'js>, &'a Object<'js>) -> bool,
    /// The serialization steps.
    pub serialize: Steps,
}

/// How objects of an interface are moved.
#[derive(Debug)]
pub struct Transfer {
    is_one: for<'a, 'js> fn(&'a Cx<'js>, &'a Object<'js>) -> bool,
    is_detached: for<'a, 'js> fn(&'a Cx<'js>, &'a Object<'js>) -> Fallible<'js, bool>,
    transfer: Steps,
}

/// A platform object outside of its realm.
pub struct PlatformData {
    interface: &'static Definition,
    data: Box<dyn Any + Send>,
    make: for<'a, 'js> fn(&'a Cx<'js>, Box<dyn Any + Send>) -> Fallible<'js, Value<'js>>,
}

impl Serialization {
    /// That of an interface.
    pub const fn of<T: Serializable>() -> Self {
        fn serialize<'js, T: Serializable>(
            cx: &Cx<'js>,
            object: &Object<'js>,
        ) -> Fallible<'js, PlatformData> {
            let data = T::serialize(&Ref::of(cx, object)?, cx)?;
            Ok(PlatformData {
                interface: T::DEFINITION,
                data: Box::new(data),
                make: |cx, data| Ok(T::deserialize(cx, unboxed(data)?)?.value()),
            })
        }

        Self {
            is_one: |cx, object| Ref::<T>::of(cx, object).is_ok(),
            serialize: serialize::<T>,
        }
    }

    /// That of the interface of a platform object, where it is serializable.
    pub fn of_object<'js>(
        cx: &Cx<'js>,
        interfaces: &[&'static Definition],
        object: &Object<'js>,
    ) -> Option<&'static Self> {
        // What inherits comes after its parent.
        let all = interfaces.iter().rev();
        all.filter_map(|interface| interface.serialization.as_ref())
            .find(|serialization| (serialization.is_one)(cx, object))
    }
}

impl Transfer {
    /// That of an interface.
    pub const fn of<T: Transferable>() -> Self {
        fn transfer<'js, T: Transferable>(cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, PlatformData> {
            let data = T::transfer(&Ref::of(cx, object)?, cx)?;
            Ok(PlatformData {
                interface: T::DEFINITION,
                data: Box::new(data),
                make: |cx, data| Ok(T::receive(cx, unboxed(data)?)?.value()),
            })
        }

        Self {
            is_one: |cx, object| Ref::<T>::of(cx, object).is_ok(),
            is_detached: |cx, object| Ok(T::is_detached(&Ref::of(cx, object)?)),
            transfer: transfer::<T>,
        }
    }

    /// That of the interface of a platform object, where it is transferable.
    pub fn of_object<'js>(
        cx: &Cx<'js>,
        interfaces: &[&'static Definition],
        object: &Object<'js>,
    ) -> Option<&'static Self> {
        let all = interfaces.iter().rev();
        all.filter_map(|interface| interface.transfer.as_ref())
            .find(|transfer| (transfer.is_one)(cx, object))
    }

    /// Moves an object away.
    ///
    /// # Errors
    ///
    /// A DataCloneError where it was moved already.
    pub fn take<'js>(&self, cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, PlatformData> {
        if (self.is_detached)(cx, object)? {
            return Err(Error::dom("DataCloneError", "the object is detached already"));
        }
        (self.transfer)(cx, object)
    }
}

fn unboxed<'js, T: 'static>(data: Box<dyn Any + Send>) -> Fallible<'js, T> {
    let data = data.downcast().map(|data| *data);
    data.map_err(|_| Error::dom("DataCloneError", "the data is of another interface"))
}

impl PlatformData {
    /// The object, in a realm.
    ///
    /// # Errors
    ///
    /// A DataCloneError where the realm does not have its interface.
    pub fn make<'js>(self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        if !self.interface.is_exposed(&Realm::of(cx)) {
            let message = format!("there is no {} here", self.interface.name);
            return Err(Error::dom("DataCloneError", message));
        }
        (self.make)(cx, self.data)
    }
}

impl fmt::Debug for PlatformData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.interface.name)
    }
}
