//! ArrayBuffers and views of them.

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
    /// An ArrayBuffer with these bytes.
    pub fn array_buffer(&self, bytes: Vec<u8>) -> Completion<'js, Object<'js>> {
        let buffer = self.complete(rquickjs::ArrayBuffer::new(self.0.clone(), bytes))?;
        Ok(Object(buffer.into_object()))
    }

    /// A Uint8Array with these bytes.
    pub fn uint8_array(&self, bytes: Vec<u8>) -> Completion<'js, Object<'js>> {
        let array = self.complete(rquickjs::TypedArray::<u8>::new(self.0.clone(), bytes))?;
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

    /// What a typed array or a DataView views; none for anything else.
    pub fn view(&self, cx: &Cx<'js>) -> Completion<'js, Option<View<'js>>> {
        let raw = self.0.as_value().as_raw();
        // SAFETY: they look at the class of a live value.
        let (is_array, is_data) = unsafe { (qjs::JS_GetTypedArrayType(raw) >= 0, qjs::JS_IsDataView(raw)) };
        if is_array {
            let (mut offset, mut length, mut element) = (0, 0, 0);
            // SAFETY: the value is a live typed array; the buffer that comes back is owned here.
            let buffer = unsafe {
                let ctx = cx.0.as_raw().as_ptr();
                let buffer = qjs::JS_GetTypedArrayBuffer(ctx, raw, &mut offset, &mut length, &mut element);
                rquickjs::Value::from_raw(cx.0.clone(), buffer)
            };
            let Some(buffer) = buffer.into_object() else {
                return Err(cx.take_exception());
            };
            return Ok(Some(View {
                buffer: Object(buffer),
                offset: offset as usize,
                length: length as usize,
            }));
        }
        if !is_data {
            return Ok(None);
        }
        let size =
            |name| -> Completion<'js, usize> { Ok(self.get(cx, name)?.as_number().unwrap_or(0.0) as usize) };
        let (offset, length) = (size("byteOffset")?, size("byteLength")?);
        let buffer = self.get(cx, "buffer")?.as_object();
        Ok(buffer.map(|buffer| View {
            buffer,
            offset,
            length,
        }))
    }

    /// The bytes of an ArrayBuffer, copied; none where it is something else, or detached.
    pub fn array_buffer_bytes(&self) -> Option<Vec<u8>> {
        let buffer = rquickjs::ArrayBuffer::from_object(self.0.clone())?;
        // SAFETY: no script runs while the bytes are copied.
        unsafe { buffer.as_bytes().map(<[u8]>::to_vec) }
    }

    /// Copies bytes into an ArrayBuffer at an offset; false where they do not fit.
    pub fn write_array_buffer(&self, offset: usize, bytes: &[u8]) -> bool {
        let buffer = rquickjs::ArrayBuffer::from_object(self.0.clone());
        let Some(raw) = buffer.and_then(|buffer| buffer.as_raw()) else {
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
        let mut bytes = self.buffer.array_buffer_bytes()?;
        let end = self.offset.checked_add(self.length)?;
        if end > bytes.len() {
            return None;
        }
        bytes.truncate(end);
        bytes.drain(..self.offset);
        Some(bytes)
    }
}
