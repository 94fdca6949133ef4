//! Conversions between values of scripts and Rust types.
//!
//! <https://webidl.spec.whatwg.org/#js-type-mapping>

use background_fetch::DomString;

use super::{Error, Fallible};
use crate::engine::{Cx, Function, Object, Promise, Symbol, Type, Value};
use crate::realm::converted;

/// A Web IDL type that a value of scripts can be converted to.
pub trait FromJs<'js>: Sized {
    /// Converts.
    ///
    /// # Errors
    ///
    /// What Web IDL says for the type, mostly a TypeError.
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self>;

    /// Whether a value is one of this type without conversion: how a union and overloads tell objects apart.
    fn is_exactly(cx: &Cx<'js>, value: &Value<'js>) -> bool {
        let _ = (cx, value);
        false
    }

    /// Converts an object whose method `Symbol.iterator` was got already, to tell whether it is a sequence: it is got once.
    ///
    /// # Errors
    ///
    /// As [`from_js`](Self::from_js).
    fn from_iterable(cx: &Cx<'js>, value: &Value<'js>, method: &Function<'js>) -> Fallible<'js, Self> {
        let _ = method;
        Self::from_js(cx, value)
    }
}

/// A Web IDL type that scripts get values of.
pub trait ToJs<'js> {
    /// Converts.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>>;
}

impl<'js> FromJs<'js> for Value<'js> {
    fn from_js(_: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        Ok(value.clone())
    }
}

impl<'js> ToJs<'js> for Value<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.clone())
    }
}

impl<'js> FromJs<'js> for Object<'js> {
    fn from_js(_: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        value
            .as_object()
            .ok_or_else(|| Error::type_error("it is not an object"))
    }
}

impl<'js> ToJs<'js> for Object<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.value())
    }
}

impl<'js> FromJs<'js> for () {
    fn from_js(_: &Cx<'js>, _: &Value<'js>) -> Fallible<'js, Self> {
        Ok(())
    }
}

impl<'js> ToJs<'js> for () {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.undefined())
    }
}

impl<'js> FromJs<'js> for bool {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        Ok(value.to_boolean(cx))
    }
}

impl<'js> ToJs<'js> for bool {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.boolean(*self))
    }
}

impl<'js> FromJs<'js> for DomString {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let units = value.to_utf16(cx)?;
        converted(cx, units.len() * size_of::<u16>())?;
        Ok(Self::from_code_units(units))
    }
}

impl<'js> ToJs<'js> for DomString {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.utf16(self.code_units()))
    }
}

/// A USVString.
impl<'js> FromJs<'js> for String {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let text = value.to_text(cx)?;
        converted(cx, text.len())?;
        Ok(text)
    }
}

impl<'js> ToJs<'js> for String {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.string(self))
    }
}

/// A nullable type.
impl<'js, T: FromJs<'js>> FromJs<'js> for Option<T> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        if value.is_nullish() {
            return Ok(None);
        }
        T::from_js(cx, value).map(Some)
    }

    fn is_exactly(cx: &Cx<'js>, value: &Value<'js>) -> bool {
        T::is_exactly(cx, value)
    }

    fn from_iterable(cx: &Cx<'js>, value: &Value<'js>, method: &Function<'js>) -> Fallible<'js, Self> {
        T::from_iterable(cx, value, method).map(Some)
    }
}

impl<'js, T: ToJs<'js>> ToJs<'js> for Option<T> {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        match self {
            Some(value) => value.to_js(cx),
            None => Ok(cx.null()),
        }
    }
}

/// A sequence, from any iterable.
///
/// <https://webidl.spec.whatwg.org/#js-sequence>
impl<'js, T: FromJs<'js>> FromJs<'js> for Vec<T> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let method = iterator_method(cx, value)?
            .ok_or_else(|| Error::type_error("it is not a sequence: it has no method Symbol.iterator"))?;
        Self::from_iterable(cx, value, &method)
    }

    /// <https://webidl.spec.whatwg.org/#create-sequence-from-iterable>
    fn from_iterable(cx: &Cx<'js>, value: &Value<'js>, method: &Function<'js>) -> Fallible<'js, Self> {
        let iterator = method.call(cx, value, &[])?;
        let iterator = Object::from_js(cx, &iterator)?;
        let next = iterator.method(cx, "next")?;
        let next = next.ok_or_else(|| Error::type_error("an iterator has no method next"))?;
        let mut elements = Self::new();
        loop {
            let result = next.call(cx, &iterator.value(), &[])?;
            let result = Object::from_js(cx, &result)?;
            if result.get(cx, "done")?.to_boolean(cx) {
                return Ok(elements);
            }
            let element = result.get(cx, "value")?;
            let place = elements.len();
            let element = T::from_js(cx, &element).map_err(|error| error.at(&format!("element {place}")))?;
            converted(cx, size_of::<T>())?;
            elements.push(element);
        }
    }
}

impl<'js, T: ToJs<'js>> ToJs<'js> for Vec<T> {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        let elements: Result<Vec<_>, _> = self.iter().map(|element| element.to_js(cx)).collect();
        Ok(cx.array(&elements?)?.value())
    }
}

/// Whether a value can be iterated over; keeps the method that says so, for the conversion.
pub fn is_iterable<'js>(
    cx: &Cx<'js>,
    value: &Value<'js>,
    method: &mut Option<Function<'js>>,
) -> Fallible<'js, bool> {
    *method = iterator_method(cx, value)?;
    Ok(method.is_some())
}

/// The method of an object that can be iterated over. Scripts see that it is got.
pub fn iterator_method<'js>(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Option<Function<'js>>> {
    match value.as_object() {
        Some(object) => Ok(object.method(cx, Symbol::Iterator)?),
        None => Ok(None),
    }
}

/// A record: the keys and values of an object, in its order.
///
/// <https://webidl.spec.whatwg.org/#js-record>
#[derive(Clone, Debug, PartialEq)]
pub struct Record<K, V>(pub Vec<(K, V)>);

impl<'js, K: FromJs<'js> + PartialEq, V: FromJs<'js>> FromJs<'js> for Record<K, V> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let object = Object::from_js(cx, value)?;
        let mut pairs: Vec<(K, V)> = Vec::new();
        for key in object.own_keys(cx)? {
            if !object.has_own_enumerable(cx, &key)? {
                continue;
            }
            let typed_key = K::from_js(cx, &key)?;
            let typed_value = V::from_js(cx, &object.get_by_value(cx, &key)?)?;
            // Two keys may become one, where they have lone surrogates.
            match pairs.iter_mut().find(|(other, _)| *other == typed_key) {
                Some((_, value)) => *value = typed_value,
                None => pairs.push((typed_key, typed_value)),
            }
        }
        Ok(Self(pairs))
    }
}

impl<'js, K: ToJs<'js>, V: ToJs<'js>> ToJs<'js> for Record<K, V> {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        let object = cx.object();
        for (key, value) in &self.0 {
            object.create_data_property(cx, &key.to_js(cx)?, &value.to_js(cx)?)?;
        }
        Ok(object.value())
    }
}

/// A promise: any value becomes one.
///
/// <https://webidl.spec.whatwg.org/#js-promise>
impl<'js> FromJs<'js> for Promise<'js> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        if let Some(promise) = value.as_promise() {
            return Ok(promise);
        }
        let (promise, resolver) = cx.promise()?;
        resolver.resolve(cx, value);
        Ok(promise)
    }
}

impl<'js> ToJs<'js> for Promise<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.value())
    }
}

pub(super) fn require_object<'js>(value: &Value<'js>) -> Fallible<'js, Object<'js>> {
    match value.kind() {
        Type::Object => value
            .as_object()
            .ok_or_else(|| Error::type_error("it is not an object")),
        _ => Err(Error::type_error("it is not an object")),
    }
}
