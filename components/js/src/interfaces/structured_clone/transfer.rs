//! Objects that are moved, not cloned.

use super::{BufferData, Transferred};
use crate::bindings::INTERFACES;
use crate::engine::{Cx, Object};
use crate::webidl::{Error, Fallible, Transfer};

/// Whether an object can be moved, now or once.
pub(super) fn is_transferable<'js>(cx: &Cx<'js>, object: &Object<'js>) -> bool {
    object.is_array_buffer() || Transfer::of_object(cx, INTERFACES, object).is_some()
}

/// Moves an object away: steps 5.1 to 5.5 of the algorithm for each.
///
/// <https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer>
pub(super) fn take<'js>(cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, Transferred> {
    if object.is_array_buffer() {
        let longest = longest(cx, object)?;
        let bytes = if is_detached(cx, object)? {
            None
        } else {
            object.detach_array_buffer()
        };
        let bytes =
            bytes.ok_or_else(|| Error::dom("DataCloneError", "the ArrayBuffer is detached already"))?;
        return Ok(Transferred::ArrayBuffer(BufferData { bytes, longest }));
    }
    let transfer = Transfer::of_object(cx, INTERFACES, object);
    let transfer =
        transfer.ok_or_else(|| Error::dom("DataCloneError", "the object cannot be transferred"))?;
    transfer.take(cx, object).map(Transferred::Platform)
}

/// Whether an ArrayBuffer is detached.
pub(super) fn is_detached<'js>(cx: &Cx<'js>, buffer: &Object<'js>) -> Fallible<'js, bool> {
    let detached = cx.intrinsic("isDetached")?.call(cx, &buffer.value(), &[])?;
    Ok(detached.to_boolean(cx))
}

/// How long an ArrayBuffer may get, where it can be resized.
pub(super) fn longest<'js>(cx: &Cx<'js>, buffer: &Object<'js>) -> Fallible<'js, Option<f64>> {
    if !buffer.is_resizable(cx) {
        return Ok(None);
    }
    let longest = cx.intrinsic("maxByteLength")?;
    Ok(longest.call(cx, &buffer.value(), &[])?.as_number())
}

impl BufferData {
    /// The ArrayBuffer, in a realm.
    pub(super) fn make<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let Some(longest) = self.longest else {
            return Ok(cx.array_buffer(&self.bytes)?);
        };
        let options = cx.object();
        options.define_value(cx, "maxByteLength", cx.number(longest))?;
        let length = cx.number(self.bytes.len() as f64);
        let buffer = cx
            .intrinsic("ArrayBuffer")?
            .construct(cx, &[length, options.value()])?;
        buffer.write_array_buffer(0, &self.bytes);
        Ok(buffer)
    }
}
