//! The arguments of a call.

use super::{Error, Fallible, FromJs, Interface, Ref};
use crate::engine::{Arguments, Cx, Function, Object, Value};

/// Refuses a call with too few arguments.
///
/// # Errors
///
/// A TypeError.
pub fn at_least<'js>(arguments: &Arguments<'_, 'js>, count: usize) -> Fallible<'js, ()> {
    let given = arguments.len();
    if given < count {
        let noun = if count == 1 { "argument" } else { "arguments" };
        return Err(Error::type_error(format!(
            "it takes {count} {noun}, and {given} came"
        )));
    }
    Ok(())
}

/// `new.target`.
///
/// # Errors
///
/// A TypeError where it was called without `new`.
pub fn new_target<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Object<'js>> {
    let target = arguments
        .is_construct()
        .then(|| arguments.this().as_object())
        .flatten();
    target.ok_or_else(|| Error::type_error("a constructor is called with new"))
}

/// A required argument, or a dictionary that may be left out.
///
/// # Errors
///
/// What the conversion says.
pub fn argument<'js, T: FromJs<'js>>(
    arguments: &Arguments<'_, 'js>,
    index: usize,
    name: &str,
) -> Fallible<'js, T> {
    T::from_js(&arguments.cx, &arguments.get(index)).map_err(|error| error.at(name))
}

/// A required argument whose method `Symbol.iterator` may have been got, to tell overloads apart.
///
/// # Errors
///
/// What the conversion says.
pub fn iterable_argument<'js, T: FromJs<'js>>(
    arguments: &Arguments<'_, 'js>,
    index: usize,
    name: &str,
    method: Option<&Function<'js>>,
) -> Fallible<'js, T> {
    let Some(method) = method else {
        return argument(arguments, index, name);
    };
    T::from_iterable(&arguments.cx, &arguments.get(index), method).map_err(|error| error.at(name))
}

/// An argument that may be left out.
///
/// # Errors
///
/// What the conversion says.
pub fn optional_argument<'js, T: FromJs<'js>>(
    arguments: &Arguments<'_, 'js>,
    index: usize,
    name: &str,
) -> Fallible<'js, Option<T>> {
    if arguments.get(index).is_undefined() {
        return Ok(None);
    }
    argument(arguments, index, name).map(Some)
}

/// An argument with a default.
///
/// # Errors
///
/// What the conversion says.
pub fn argument_or<'js, T: FromJs<'js>>(
    arguments: &Arguments<'_, 'js>,
    index: usize,
    name: &str,
    default: impl FnOnce(&Cx<'js>) -> Fallible<'js, Value<'js>>,
) -> Fallible<'js, T> {
    match optional_argument(arguments, index, name)? {
        Some(value) => Ok(value),
        None => T::from_js(&arguments.cx, &default(&arguments.cx)?),
    }
}

/// The arguments from a place on.
///
/// # Errors
///
/// What the conversion says.
pub fn rest<'js, T: FromJs<'js>>(
    arguments: &Arguments<'_, 'js>,
    index: usize,
    name: &str,
) -> Fallible<'js, Vec<T>> {
    (index..arguments.len())
        .map(|index| argument(arguments, index, name))
        .collect()
}

/// The setter of an attribute with `[PutForwards]`.
///
/// # Errors
///
/// A TypeError where there is no object to forward to; what its setter throws.
pub fn put_forward<'js>(
    cx: &Cx<'js>,
    this: &Value<'js>,
    name: &str,
    forward: &str,
    value: &Value<'js>,
) -> Fallible<'js, ()> {
    let this = Object::from_js(cx, this)?;
    let target = Object::from_js(cx, &this.get(cx, name)?)?;
    Ok(target.set(cx, forward, value)?)
}

/// The setter of an attribute with `[Replaceable]`.
///
/// # Errors
///
/// Where the object takes no property.
pub fn replace<'js, T: Interface>(
    cx: &Cx<'js>,
    this: &Ref<'js, T>,
    name: &str,
    value: Value<'js>,
) -> Fallible<'js, ()> {
    Ok(this.object().define_value(cx, name, value)?)
}
