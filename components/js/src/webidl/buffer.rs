//! Buffer source types.
//!
//! <https://webidl.spec.whatwg.org/#js-buffer-source-types>

use super::convert::require_object;
use super::{Error, Fallible, FromJs, ToJs};
use crate::engine::{Cx, Object, Value};

macro_rules! buffers {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $is:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name<'js>(pub Object<'js>);

        impl<'js> FromJs<'js> for $name<'js> {
            fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                if !Self::is_exactly(cx, value) {
                    return Err(Error::type_error($what));
                }
                let object = require_object(value)?;
                let buffer = match object.view(cx)? {
                    Some(view) => view.buffer,
                    None => object.clone(),
                };
                if buffer.is_resizable(cx) {
                    return Err(Error::type_error("its ArrayBuffer can be resized"));
                }
                Ok(Self(object))
            }

            fn is_exactly(_: &Cx<'js>, value: &Value<'js>) -> bool {
                let is: fn(&Object<'js>) -> bool = $is;
                value.as_object().is_some_and(|object| is(&object))
            }
        }

        impl<'js> ToJs<'js> for $name<'js> {
            fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
                Ok(self.0.value())
            }
        }

        impl<'js> $name<'js> {
            /// A copy of the bytes that it holds; none of a detached one.
            ///
            /// # Errors
            ///
            /// What a script throws that has changed the properties of a view.
            pub fn bytes(&self, cx: &Cx<'js>) -> Fallible<'js, Vec<u8>> {
                let bytes = match self.0.view(cx)? {
                    Some(view) => view.bytes(),
                    None => self.0.array_buffer_bytes(),
                };
                Ok(bytes.unwrap_or_default())
            }
        }
    )*};
}

buffers! {
    /// An ArrayBuffer.
    ArrayBuffer: "it is not an ArrayBuffer", |object| object.is_array_buffer();
    /// A typed array or a DataView.
    ArrayBufferView: "it is not a view of an ArrayBuffer", |object| object.is_view();
    /// A Uint8Array.
    Uint8Array: "it is not a Uint8Array", |object| object.is_uint8_array();
    /// An ArrayBuffer or a view of one.
    BufferSource: "it is neither an ArrayBuffer nor a view of one",
        |object| object.is_array_buffer() || object.is_view();
}

/// The same: no memory is shared here.
pub type AllowSharedBufferSource<'js> = BufferSource<'js>;
