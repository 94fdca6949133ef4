//! [`Callback`]: a callback function, or an object of a callback interface.

use super::{Error, Fallible, FromJs, ToJs};
use crate::engine::{Cx, Object, Value};
use crate::realm::Realm;

/// A callback function, or an object of a callback interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback<'js>(pub Object<'js>);

impl<'js> FromJs<'js> for Callback<'js> {
    fn from_js(_: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        match value.as_object() {
            Some(object) => Ok(Self(object)),
            None => Err(Error::type_error("it is not a function")),
        }
    }
}

impl<'js> ToJs<'js> for Callback<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.0.value())
    }
}

impl<'js> Callback<'js> {
    /// Whether it is a function: what a callback function must be.
    pub fn is_function(&self) -> bool {
        self.0.value().is_callable()
    }

    /// Invokes a callback function.
    ///
    /// <https://webidl.spec.whatwg.org/#invoke-a-callback-function>
    ///
    /// # Errors
    ///
    /// What it throws.
    pub fn invoke(
        &self,
        cx: &Cx<'js>,
        this: &Value<'js>,
        arguments: &[Value<'js>],
    ) -> Fallible<'js, Value<'js>> {
        let function = self.0.value().as_function();
        let function = function.ok_or_else(|| Error::type_error("the callback is not a function"))?;
        Realm::run_script(cx, || Ok(function.call(cx, this, arguments)?))
    }

    /// Calls the operation of a callback interface: itself, where it is a function.
    ///
    /// <https://webidl.spec.whatwg.org/#call-a-user-objects-operation>
    ///
    /// # Errors
    ///
    /// What it throws; a TypeError where there is nothing to call.
    pub fn call_operation(
        &self,
        cx: &Cx<'js>,
        operation: &str,
        this: &Value<'js>,
        arguments: &[Value<'js>],
    ) -> Fallible<'js, Value<'js>> {
        Realm::run_script(cx, || {
            if let Some(function) = self.0.value().as_function() {
                return Ok(function.call(cx, this, arguments)?);
            }
            let method = self.0.get(cx, operation)?.as_function();
            let method = method.ok_or_else(|| Error::type_error(format!("{operation} is not a function")))?;
            Ok(method.call(cx, &self.0.value(), arguments)?)
        })
    }
}
