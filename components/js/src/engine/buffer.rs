//! ArrayBuffers and views of them.

use std::ptr::NonNull;

use rquickjs::qjs;

use super::{Completion, Cx, Object};

/// A view of an ArrayBuffer.
#[derive(Clone, Debug)]
pub struct View<'js> {
    /// The buffer.
    pub buffer: Object<'js>,
    /// Where in the buffer it begins, in bytes.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
}

impl<'js> Cx<'js> {
    /// An ArrayBuffer with these bytes: copied into the engine's heap, where they count against its limit.
    pub fn array_buffer(&self, bytes: impl AsRef<[u8]>) -> Completion<'js, Object<'js>> {
        let buffer = self.complete(rquickjs::ArrayBuffer::new_copy(self.0.clone(), bytes))?;
        Ok(Object(buffer.into_object()))
    }

    /// A Uint8Array with these bytes, likewise.
    pub fn uint8_array(&self, bytes: impl AsRef<[u8]>) -> Completion<'js, Object<'js>> {
        let array = self.complete(rquickjs::TypedArray::<u8>::new_copy(self.0.clone(), bytes))?;
        Ok(Object(array.into_object()))
    }
}

impl<'js> Object<'js> {
    /// Whether it is an ArrayBuffer, detached or not.
    pub fn is_array_buffer(&self) -> bool {
        // SAFETY: it looks at the class of a live value.
        unsafe { qjs::JS_IsArrayBuffer(self.0.as_value().as_raw()) }
    }

    /// Whether it is a typed array or a DataView.
    pub fn is_view(&self) -> bool {
        let raw = self.0.as_value().as_raw();
        // SAFETY: they look at the class of a live value.
        unsafe { qjs::JS_GetTypedArrayType(raw) >= 0 || qjs::JS_IsDataView(raw) }
    }

    /// Whether it is a Uint8Array.
    pub fn is_uint8_array(&self) -> bool {
        // SAFETY: it looks at the class of a live value.
        let kind = unsafe { qjs::JS_GetTypedArrayType(self.0.as_value().as_raw()) };
        kind == qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 as i32
    }

    /// Whether it is a typed array of integers.
    pub fn is_integer_array(&self) -> bool {
        // SAFETY: it looks at the class of a live value.
        let kind = unsafe { qjs::JS_GetTypedArrayType(self.0.as_value().as_raw()) };
        (0..=qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_BIG_UINT64 as i32).contains(&kind)
    }

    /// What a typed array or a DataView views; none for anything else, and of a detached buffer.
    pub fn view(&self, cx: &Cx<'js>) -> Completion<'js, Option<View<'js>>> {
        let raw = self.0.as_value().as_raw();
        // SAFETY: they look at the class of a live value.
        let (is_array, is_data) = unsafe { (qjs::JS_GetTypedArrayType(raw) >= 0, qjs::JS_IsDataView(raw)) };
        let getters = match (is_array, is_data) {
            (true, _) => ["arrayBuffer", "arrayOffset", "arrayLength"],
            (_, true) => ["viewBuffer", "viewOffset", "viewLength"],
            _ => return Ok(None),
        };
        let get = |name| cx.intrinsic(name)?.call(cx, &self.value(), &[]);
        let Some(buffer) = get(getters[0])?.as_object() else {
            return Ok(None);
        };
        if buffer.array_buffer_slice().is_none() {
            return Ok(None);
        }
        Ok(Some(View {
            buffer,
            offset: get(getters[1])?.as_number().unwrap_or(0.0) as usize,
            length: get(getters[2])?.as_number().unwrap_or(0.0) as usize,
        }))
    }

    /// Whether it is an ArrayBuffer that scripts may resize.
    pub fn is_resizable(&self, cx: &Cx<'js>) -> bool {
        let resizable = cx.intrinsic("isResizable");
        let resizable = resizable.and_then(|getter| getter.call(cx, &self.value(), &[]));
        resizable.is_ok_and(|resizable| resizable.as_bool() == Some(true))
    }

    /// The bytes of an ArrayBuffer; none where it is something else, or detached. No script may run while they are looked at.
    fn array_buffer_slice(&self) -> Option<&[u8]> {
        let raw = self.array_buffer_raw()?;
        // SAFETY: the buffer lives as long as this, and whoever is given the bytes runs no script.
        Some(unsafe { std::slice::from_raw_parts(raw.as_ptr().cast::<u8>(), raw.len()) })
    }

    fn array_buffer_raw(&self) -> Option<NonNull<[u8]>> {
        if !self.is_array_buffer() {
            return None;
        }
        let raw = rquickjs::ArrayBuffer::from_object(self.0.clone()).and_then(|buffer| buffer.as_raw());
        if raw.is_none() {
            // The engine says that it is detached by throwing.
            drop(self.0.ctx().catch());
        }
        raw
    }

    /// The bytes of an ArrayBuffer, copied; none where it is something else, or detached.
    pub fn array_buffer_bytes(&self) -> Option<Vec<u8>> {
        self.array_buffer_slice().map(<[u8]>::to_vec)
    }

    /// Copies bytes into an ArrayBuffer at an offset; false where they do not fit.
    pub fn write_array_buffer(&self, offset: usize, bytes: &[u8]) -> bool {
        let Some(raw) = self.array_buffer_raw() else {
            return false;
        };
        if offset.checked_add(bytes.len()).is_none_or(|end| end > raw.len()) {
            return false;
        }
        // SAFETY: the range is inside of the buffer, and no script runs meanwhile.
        unsafe {
            let to = raw.as_ptr().cast::<u8>().add(offset);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        true
    }

    /// Takes the bytes out of an ArrayBuffer: it is detached.
    pub fn detach_array_buffer(&self) -> Option<Vec<u8>> {
        let bytes = self.array_buffer_bytes()?;
        rquickjs::ArrayBuffer::from_object(self.0.clone())?.detach();
        Some(bytes)
    }
}

impl View<'_> {
    /// Its bytes, copied; none where its buffer is detached.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let bytes = self.buffer.array_buffer_slice()?;
        let end = self.offset.checked_add(self.length)?;
        bytes.get(self.offset..end).map(<[u8]>::to_vec)
    }
}
