//! `iterable<K, V>`.
//!
//! <https://webidl.spec.whatwg.org/#js-iterable>

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::rc::Rc;

use super::define::PairAt;
use super::{Definition, Error, Fallible, Registry};
use crate::engine::{
    Completion, Cx, Descriptor, Native, Object, Platform, Slots, State, Symbol, Thrown, Value,
};

/// What an iterator gives.
#[derive(Clone, Copy)]
enum Gives {
    Keys,
    Values,
    Entries,
}

/// A default iterator object.
struct DefaultIterator {
    interface: &'static str,
    pair_at: PairAt,
    gives: Gives,
    index: Cell<usize>,
}

impl State for DefaultIterator {
    fn as_interface(&self, interface: TypeId) -> Option<&dyn Any> {
        (interface == TypeId::of::<Self>()).then_some(self)
    }
}

const TARGET: &str = "target";

pub(super) fn define_iterable<'js>(
    cx: &Cx<'js>,
    interface: &'static Definition,
    pair_at: PairAt,
    prototype: &Object<'js>,
) -> Completion<'js, ()> {
    define_iterator_prototype(cx, interface.name)?;
    let method = |name: &'static str, gives| {
        let native: Native = Box::new(move |arguments| {
            let cx = &arguments.cx;
            let iterator = iterator(cx, interface.name, pair_at, gives, &arguments.this());
            iterator.map_err(|error| Thrown(error.at(name).to_value(cx)))
        });
        cx.function(name, 0, native)
    };
    let operation = |value| Descriptor::Data {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
    };
    let entries = method("entries", Gives::Entries)?;
    prototype.define(cx, "entries", &operation(entries.value()))?;
    prototype.define(cx, "keys", &operation(method("keys", Gives::Keys)?.value()))?;
    prototype.define(cx, "values", &operation(method("values", Gives::Values)?.value()))?;
    let iterator = Descriptor::Data {
        value: entries.value(),
        writable: true,
        enumerable: false,
        configurable: true,
    };
    prototype.define(cx, Symbol::Iterator, &iterator)?;
    let for_each: Native = Box::new(move |arguments| {
        let cx = &arguments.cx;
        let done = for_each(
            cx,
            pair_at,
            &arguments.this(),
            &arguments.get(0),
            &arguments.get(1),
        );
        done.map_err(|error| Thrown(error.at("forEach").to_value(cx)))
    });
    let for_each = cx.function("forEach", 1, for_each)?;
    prototype.define(cx, "forEach", &operation(for_each.value()))
}

fn for_each<'js>(
    cx: &Cx<'js>,
    pair_at: PairAt,
    this: &Value<'js>,
    callback: &Value<'js>,
    callback_this: &Value<'js>,
) -> Fallible<'js, Value<'js>> {
    let object = this
        .as_object()
        .ok_or_else(|| Error::type_error("this is not an object"))?;
    // The brand check comes first.
    let mut pair = pair_at(cx, &object, 0)?;
    let callback = callback
        .as_function()
        .ok_or_else(|| Error::type_error("the callback is not a function"))?;
    let mut index = 0;
    while let Some((key, value)) = pair {
        callback.call(cx, callback_this, &[value, key, this.clone()])?;
        index += 1;
        pair = pair_at(cx, &object, index)?;
    }
    Ok(cx.undefined())
}

fn iterator<'js>(
    cx: &Cx<'js>,
    interface: &'static str,
    pair_at: PairAt,
    gives: Gives,
    this: &Value<'js>,
) -> Fallible<'js, Value<'js>> {
    let object = this
        .as_object()
        .ok_or_else(|| Error::type_error("this is not an object"))?;
    pair_at(cx, &object, 0)?;
    let slots = Slots::default();
    slots.set_named(TARGET, this.clone());
    let platform = Platform {
        state: Rc::new(DefaultIterator {
            interface,
            pair_at,
            gives,
            index: Cell::new(0),
        }),
        slots: Rc::new(slots),
    };
    let prototype = Registry::of(cx).iterator_prototype(cx, interface);
    let prototype = prototype.unwrap_or_else(|| cx.object());
    Ok(cx.platform_object(platform, &prototype)?.value())
}

/// <https://webidl.spec.whatwg.org/#js-iterator-prototype-object>
fn define_iterator_prototype<'js>(cx: &Cx<'js>, interface: &'static str) -> Completion<'js, ()> {
    // %IteratorPrototype% is the prototype of the prototype of an array's iterators.
    let array = cx.array(&[])?;
    let iterator = match array.method(cx, Symbol::Iterator)? {
        Some(method) => method.call(cx, &array.value(), &[])?.as_object(),
        None => None,
    };
    let base = iterator.and_then(|iterator| iterator.prototype()?.prototype());
    let prototype = cx.object_with_prototype(base.as_ref())?;
    let next: Native = Box::new(move |arguments| {
        let cx = &arguments.cx;
        next(cx, interface, &arguments.this()).map_err(|error| Thrown(error.to_value(cx)))
    });
    let next = cx.function("next", 0, next)?;
    prototype.define_value(cx, "next", next.value())?;
    let tag = Descriptor::Data {
        value: cx.string(&format!("{interface} Iterator")),
        writable: false,
        enumerable: false,
        configurable: true,
    };
    prototype.define(cx, Symbol::ToStringTag, &tag)?;
    Registry::of(cx).set_iterator_prototype(cx, interface, &prototype);
    Ok(())
}

fn next<'js>(cx: &Cx<'js>, interface: &str, this: &Value<'js>) -> Fallible<'js, Value<'js>> {
    let platform = this.as_object().and_then(|object| object.platform());
    let state = platform.as_ref().and_then(|platform| {
        platform
            .state
            .as_interface(TypeId::of::<DefaultIterator>())?
            .downcast_ref::<DefaultIterator>()
    });
    let (Some(platform), Some(state)) = (&platform, state.filter(|state| state.interface == interface))
    else {
        return Err(Error::type_error(format!("this is no iterator of {interface}")));
    };
    let target = platform.slots.named(TARGET).and_then(|target| target.as_object());
    let pair = match target {
        Some(target) => (state.pair_at)(cx, &target, state.index.get())?,
        None => None,
    };
    let result = cx.object();
    let (value, done) = match pair {
        None => (cx.undefined(), true),
        Some((key, value)) => {
            state.index.set(state.index.get() + 1);
            let value = match state.gives {
                Gives::Keys => key,
                Gives::Values => value,
                Gives::Entries => cx.array(&[key, value])?.value(),
            };
            (value, false)
        }
    };
    result.define_value(cx, "value", value)?;
    result.define_value(cx, "done", cx.boolean(done))?;
    Ok(result.value())
}
