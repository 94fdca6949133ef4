//! Objects of the language whose internals are more than a value: buffers, their views, and errors.

use super::super::{BufferData, Record, transfer};
use super::{Serializer, data_clone_error};
use crate::engine::{Object, Type, Value};
use crate::webidl::{Error, Fallible};

impl<'js> Serializer<'_, 'js> {
    /// Step 13.
    pub(super) fn array_buffer(&mut self, object: &Object<'js>) -> Fallible<'js, Record> {
        let longest = transfer::longest(self.cx, object)?;
        if transfer::is_detached(self.cx, object)? {
            return Err(data_clone_error("a detached ArrayBuffer cannot be cloned"));
        }
        let bytes = object.array_buffer_bytes().unwrap_or_default();
        self.charge.grow(self.cx, bytes.len())?;
        Ok(Record::ArrayBuffer(BufferData { bytes, longest }))
    }

    /// Step 14.
    pub(super) fn view(&mut self, object: &Object<'js>) -> Fallible<'js, Record> {
        let cx = self.cx;
        let name = cx.intrinsic("arrayName")?.call(cx, &object.value(), &[])?;
        let name = match name.is_undefined() {
            true => "DataView".to_owned(),
            false => name.to_text(cx)?,
        };
        let kind = VIEWS.iter().find(|(known, _)| *known == name);
        let (constructor, size) =
            kind.ok_or_else(|| data_clone_error("a view of an unknown kind cannot be cloned"))?;
        let is_array = *constructor != "DataView";
        let arguments = [object.value(), cx.number(*size as f64), cx.boolean(is_array)];
        let state = cx.intrinsic("viewState")?.call(cx, &cx.undefined(), &arguments)?;
        let state = state.to_text(cx)?;
        let view = if state == "out of bounds" {
            None
        } else {
            object.view(cx)?
        };
        let view = view.ok_or_else(|| data_clone_error("a view that is out of bounds cannot be cloned"))?;
        Ok(Record::View {
            constructor,
            buffer: self.datum(&view.buffer.value())?,
            offset: view.offset,
            length: (state != "follows").then_some(view.length / size),
        })
    }

    /// Step 17.
    pub(super) fn error(&mut self, object: &Object<'js>) -> Fallible<'js, Record> {
        let cx = self.cx;
        let name = object.get(cx, "name")?;
        let name = match name.kind() {
            Type::String => name.to_text(cx)?,
            _ => String::new(),
        };
        let constructor = ERRORS.into_iter().find(|known| *known == name);
        let has_own = |object: &Value<'js>, key| {
            let arguments = [object.clone(), cx.string(key)];
            let has = cx.intrinsic("hasOwn")?.call(cx, &cx.undefined(), &arguments)?;
            Ok::<_, Error<'js>>(has.to_boolean(cx))
        };
        let arguments = [object.value(), cx.string("message")];
        let descriptor = cx
            .intrinsic("ownDescriptor")?
            .call(cx, &cx.undefined(), &arguments)?;
        let message = match descriptor.as_object() {
            Some(descriptor) if has_own(&descriptor.value(), "value")? => {
                Some(self.string(&descriptor.get(cx, "value")?)?)
            }
            _ => None,
        };
        let stack = cx.intrinsic("errorStack")?.call(cx, &object.value(), &[])?;
        let stack = match stack.kind() {
            Type::String => Some(self.string(&stack)?),
            _ => None,
        };
        Ok(Record::Error {
            constructor: constructor.unwrap_or("Error"),
            message,
            stack,
        })
    }
}

const ERRORS: [&str; 7] = [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
];

/// The constructors of views, and the size of their elements.
const VIEWS: [(&str, usize); 13] = [
    ("DataView", 1),
    ("Int8Array", 1),
    ("Uint8Array", 1),
    ("Uint8ClampedArray", 1),
    ("Int16Array", 2),
    ("Uint16Array", 2),
    ("Float16Array", 2),
    ("Int32Array", 4),
    ("Uint32Array", 4),
    ("Float32Array", 4),
    ("Float64Array", 8),
    ("BigInt64Array", 8),
    ("BigUint64Array", 8),
];
