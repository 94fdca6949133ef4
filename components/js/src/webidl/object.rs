//! Platform objects: [`Interface`], what implements one, and [`Ref`], an object of one.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use super::charged::{Charged, Keeping};
use super::{Definition, Error, Fallible, FromJs, Registry, ToJs};
use crate::engine::{Arguments, Cx, Object, Platform, Root, Slots, State, Value};

/// A type that implements an interface. The bindings implement this; the interface's methods are in the trait that has its
/// name and `Methods`.
pub trait Interface: State + Sized {
    /// The interface.
    const DEFINITION: &'static Definition;
}

/// An implementation of an interface that inherits from another.
pub trait Inherits<Parent: Interface>: Sized + 'static {
    /// The part that implements what is inherited.
    fn parent(&self) -> &Parent;
}

/// A platform object that implements an interface.
pub struct Ref<'js, T> {
    object: Object<'js>,
    platform: Platform<'js>,
    interface: PhantomData<T>,
}

impl<'js, T: Interface> Ref<'js, T> {
    /// The brand check.
    ///
    /// # Errors
    ///
    /// A TypeError where the object does not implement the interface.
    pub fn of(cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, Self> {
        let platform = Registry::platform_of(cx, object);
        let platform = platform.filter(|platform| platform.state.as_interface(TypeId::of::<T>()).is_some());
        match platform {
            Some(platform) => Ok(Self {
                object: object.clone(),
                platform,
                interface: PhantomData,
            }),
            None => Err(Error::type_error(format!("it is not a {}", T::DEFINITION.name))),
        }
    }

    /// `this` of a call; the global, where it is undefined or null.
    ///
    /// # Errors
    ///
    /// A TypeError where it does not implement the interface.
    pub fn of_call(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Self> {
        let this = arguments.this();
        let object = if this.is_nullish() {
            Some(arguments.cx.global())
        } else {
            this.as_object()
        };
        let object =
            object.ok_or_else(|| Error::type_error(format!("this is not a {}", T::DEFINITION.name)))?;
        Self::of(&arguments.cx, &object)
    }

    /// The object of scripts.
    pub fn object(&self) -> &Object<'js> {
        &self.object
    }

    /// The object, as a value.
    pub fn value(&self) -> Value<'js> {
        self.object.value()
    }

    /// The values that it holds on to.
    pub fn slots(&self) -> &Slots<'js> {
        &self.platform.slots
    }

    /// What a slot has that is filled when the object is made.
    ///
    /// # Errors
    ///
    /// A TypeError where it is empty, or has something else.
    pub fn required_slot<U: FromJs<'js>>(&self, cx: &Cx<'js>, name: &'static str) -> Fallible<'js, U> {
        let value = self.slots().named(name).unwrap_or_else(|| cx.undefined());
        U::from_js(cx, &value)
    }

    /// It, as an object of an interface that it inherits from.
    pub fn upcast<U: Interface>(&self) -> Ref<'js, U> {
        debug_assert!(self.platform.state.as_interface(TypeId::of::<U>()).is_some());
        Ref {
            object: self.object.clone(),
            platform: self.platform.clone(),
            interface: PhantomData,
        }
    }

    /// It, as an object of another interface, where it is one.
    pub fn downcast<U: Interface>(&self) -> Option<Ref<'js, U>> {
        self.platform.state.as_interface(TypeId::of::<U>())?;
        Some(self.upcast())
    }

    /// It may keep what a call has converted: that is charged before it is kept. What it does keep is known when this is
    /// dropped.
    ///
    /// # Errors
    ///
    /// A RangeError where the realm has no room.
    pub fn keeping(&self, arguments: &Arguments<'_, 'js>) -> Fallible<'js, Option<Keeping>> {
        Keeping::begin(arguments, &self.platform.state)
    }

    /// Keeps it alive from outside.
    pub fn root(&self, cx: &Cx<'js>) -> Rooted<T> {
        Rooted {
            root: cx.root(&self.value()),
            interface: PhantomData,
        }
    }
}

impl<T: Interface> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        let implementation = self.platform.state.as_interface(TypeId::of::<T>());
        let implementation = implementation.and_then(<dyn Any>::downcast_ref);
        implementation.expect("the brand was checked")
    }
}

impl<T> Clone for Ref<'_, T> {
    fn clone(&self) -> Self {
        Self {
            object: self.object.clone(),
            platform: self.platform.clone(),
            interface: PhantomData,
        }
    }
}

/// Identity.
impl<T> PartialEq for Ref<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

impl<T: Interface> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::DEFINITION.name)
    }
}

impl<'js, T: Interface> FromJs<'js> for Ref<'js, T> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let object = value.as_object();
        let object =
            object.ok_or_else(|| Error::type_error(format!("it is not a {}", T::DEFINITION.name)))?;
        Self::of(cx, &object)
    }

    fn is_exactly(cx: &Cx<'js>, value: &Value<'js>) -> bool {
        Self::from_js(cx, value).is_ok()
    }
}

impl<'js, T: Interface> ToJs<'js> for Ref<'js, T> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.value())
    }
}

/// A platform object that is kept alive from outside of the engine's heap: by a task, say. Not by what it keeps alive.
#[derive(Debug)]
pub struct Rooted<T> {
    root: Root,
    interface: PhantomData<T>,
}

impl<T: Interface> Rooted<T> {
    /// The object; none where the engine has ended.
    pub fn get<'js>(&self, cx: &Cx<'js>) -> Option<Ref<'js, T>> {
        Ref::from_js(cx, &self.root.get(cx)).ok()
    }
}

/// A new platform object of an interface, with the realm's prototype.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn create<'js, T: Interface>(cx: &Cx<'js>, state: T, slots: Slots<'js>) -> Fallible<'js, Ref<'js, T>> {
    let prototype = Registry::of(cx).prototype(cx, T::DEFINITION);
    create_with(cx, state, slots, &prototype)
}

fn create_with<'js, T: Interface>(
    cx: &Cx<'js>,
    state: T,
    slots: Slots<'js>,
    prototype: &Object<'js>,
) -> Fallible<'js, Ref<'js, T>> {
    let state = Charged::new(cx, state)?;
    let platform = Platform {
        state: Rc::new(state),
        slots: Rc::new(slots),
    };
    let object = cx.platform_object(platform.clone(), prototype)?;
    Registry::of(cx).define_unforgeable(cx, T::DEFINITION, &object)?;
    if T::DEFINITION.is_exception() {
        cx.capture_stack(&object)?;
    }
    if let Some(created) = platform.slots.take_created() {
        created(cx, &object);
    }
    Ok(Ref {
        object,
        platform,
        interface: PhantomData,
    })
}

/// What a constructor gives: an object whose prototype is that of `new.target`.
///
/// # Errors
///
/// What a script throws in a getter of `prototype`.
pub fn construct<'js, T: Interface>(
    cx: &Cx<'js>,
    state: T,
    slots: Slots<'js>,
    new_target: &Object<'js>,
) -> Fallible<'js, Value<'js>> {
    let prototype = match new_target.get(cx, "prototype")?.as_object() {
        Some(prototype) => prototype,
        None => Registry::of(cx).prototype(cx, T::DEFINITION),
    };
    Ok(create_with(cx, state, slots, &prototype)?.value())
}

/// The object of a `[SameObject]` attribute: made when it is asked for first, and kept in a slot of that name.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn same_object<'js, T: Interface, U: Interface>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
    name: &'static str,
    make: impl FnOnce() -> U,
) -> Fallible<'js, Ref<'js, U>> {
    if let Some(object) = this.slots().named(name) {
        return Ref::from_js(cx, &object);
    }
    let object = create(cx, make(), Slots::default())?;
    this.slots().set_named(name, object.value());
    Ok(object)
}
