//! Exceptions: what Web IDL has besides the errors of the language.
//!
//! <https://webidl.spec.whatwg.org/#idl-exceptions>

mod dom_exception;
mod quota_exceeded_error;

pub use dom_exception::DOMException;
pub use quota_exceeded_error::QuotaExceededError;

use crate::engine::{Completion, Cx, Descriptor, Object, Value};
use crate::webidl::{FromJs, Ref};

/// Whether a value is an error of the language or an exception of the platform, as `Error.isError()` says.
pub fn is_error<'js>(cx: &Cx<'js>, value: &Value<'js>) -> bool {
    value.is_error() || Ref::<DOMException>::from_js(cx, value).is_ok()
}

/// Tells the language of exceptions that are not its own.
///
/// # Errors
///
/// Where the engine has no memory.
pub(super) fn define_exceptions<'js>(cx: &Cx<'js>) -> Completion<'js, ()> {
    let is_error = cx.function(
        "isError",
        1,
        Box::new(|arguments| {
            let cx = &arguments.cx;
            Ok(cx.boolean(is_error(cx, &arguments.get(0))))
        }),
    )?;
    let descriptor = Descriptor::Data {
        value: is_error.value(),
        writable: true,
        enumerable: false,
        configurable: true,
    };
    cx.intrinsic("Error")?.define(cx, "isError", &descriptor)
}

/// The stack of an exception: what the language's own have.
fn stack_of<'js>(cx: &Cx<'js>, exception: &Object<'js>) -> Option<String> {
    let arguments = [exception.value(), cx.string("stack")];
    let descriptor = cx.intrinsic("ownDescriptor").ok()?;
    let descriptor = descriptor.call(cx, &cx.undefined(), &arguments).ok()?;
    let stack = descriptor.as_object()?.get(cx, "value").ok()?;
    stack.to_text(cx).ok()
}

fn set_stack<'js>(cx: &Cx<'js>, exception: &Object<'js>, stack: Option<&str>) -> Completion<'js, ()> {
    let Some(stack) = stack else { return Ok(()) };
    let descriptor = Descriptor::Data {
        value: cx.string(stack),
        writable: true,
        enumerable: false,
        configurable: true,
    };
    exception.define(cx, "stack", &descriptor)
}
