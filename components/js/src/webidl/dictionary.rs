//! Dictionaries.

use super::convert::require_object;
use super::{Error, Fallible, FromJs};
use crate::engine::{Cx, Object, Value};

/// A dictionary that is written to an object.
pub trait Dictionary<'js> {
    /// Defines its members on an object.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    fn write(&self, cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, ()>;
}

/// The object that a dictionary is read from; none for null and undefined.
///
/// # Errors
///
/// A TypeError for anything else.
pub fn dictionary_object<'js>(value: &Value<'js>) -> Fallible<'js, Option<Object<'js>>> {
    if value.is_nullish() {
        return Ok(None);
    }
    require_object(value).map(Some)
}

/// A member that may be missing.
///
/// # Errors
///
/// What its getter throws, or its conversion.
pub fn optional_member<'js, T: FromJs<'js>>(
    cx: &Cx<'js>,
    object: Option<&Object<'js>>,
    name: &str,
) -> Fallible<'js, Option<T>> {
    let Some(object) = object else { return Ok(None) };
    let value = object.get(cx, name)?;
    if value.is_undefined() {
        return Ok(None);
    }
    T::from_js(cx, &value).map(Some).map_err(|error| error.at(name))
}

/// A member with a default.
///
/// # Errors
///
/// What its getter throws, or its conversion.
pub fn member_or<'js, T: FromJs<'js>>(
    cx: &Cx<'js>,
    object: Option<&Object<'js>>,
    name: &str,
    default: impl FnOnce(&Cx<'js>) -> Fallible<'js, Value<'js>>,
) -> Fallible<'js, T> {
    match optional_member(cx, object, name)? {
        Some(value) => Ok(value),
        None => T::from_js(cx, &default(cx)?),
    }
}

/// A required member.
///
/// # Errors
///
/// A TypeError where it is missing; what its getter throws, or its conversion.
pub fn required_member<'js, T: FromJs<'js>>(
    cx: &Cx<'js>,
    object: Option<&Object<'js>>,
    dictionary: &str,
    name: &str,
) -> Fallible<'js, T> {
    let member = optional_member(cx, object, name)?;
    member.ok_or_else(|| Error::type_error(format!("the member {name} of {dictionary} is missing")))
}

/// The error for a string that is no value of an enumeration.
pub fn not_in_enum<'js>(name: &str, text: &str) -> Error<'js> {
    let text: String = text.chars().take(60).collect();
    Error::type_error(format!("\"{text}\" is no {name}"))
}
