//! What the language's globals were before a script could change them.

use rquickjs::JsLifetime;

use super::{Completion, Cx, Function, Object, Root, Value};

/// What is kept, by the name that [`Cx::intrinsic`] takes. No memory is shared with another agent: scripts see that as in a page
/// that is not isolated, where there is no `SharedArrayBuffer`.
const CAPTURE: &str = r"(() => {
    const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
    const TypedArray = Object.getPrototypeOf(Uint8Array);
    delete globalThis.SharedArrayBuffer;
    return {
        __proto__: null,
        WeakRef,
        deref: WeakRef.prototype.deref,
        WeakSet,
        addToWeakSet: WeakSet.prototype.add,
        deleteFromWeakSet: WeakSet.prototype.delete,
        isResizable: getter(ArrayBuffer.prototype, 'resizable'),
        arrayBuffer: getter(TypedArray.prototype, 'buffer'),
        arrayOffset: getter(TypedArray.prototype, 'byteOffset'),
        arrayLength: getter(TypedArray.prototype, 'byteLength'),
        viewBuffer: getter(DataView.prototype, 'buffer'),
        viewOffset: getter(DataView.prototype, 'byteOffset'),
        viewLength: getter(DataView.prototype, 'byteLength'),
    };
})()";

/// The object of [`CAPTURE`].
struct Intrinsics(Root);

// SAFETY: it has no lifetime.
unsafe impl<'js> JsLifetime<'js> for Intrinsics {
    type Changed<'to> = Intrinsics;
}

impl<'js> Cx<'js> {
    /// Before the first script.
    pub(super) fn capture_intrinsics(&self) -> Completion<'js, ()> {
        let captured = self.run_script(CAPTURE, "intrinsics")?;
        // A new context has no data that somebody could be looking at.
        let _ = self.0.store_userdata(Intrinsics(self.root(&captured)));
        Ok(())
    }

    /// A function of the language, whatever scripts have done to the globals since.
    ///
    /// # Errors
    ///
    /// A TypeError where there is none of this name.
    pub fn intrinsic(&self, name: &str) -> Completion<'js, Function<'js>> {
        let intrinsics = self.0.userdata::<Intrinsics>();
        let object = intrinsics.and_then(|intrinsics| intrinsics.0.get(self).as_object());
        let function = object.map(|object| object.get(self, name)).transpose()?;
        let function = function.and_then(|function| function.as_function());
        function.ok_or_else(|| self.type_error(format!("the language has no {name}")))
    }

    /// A WeakRef of an object.
    pub fn weak(&self, object: &Object<'js>) -> Completion<'js, Value<'js>> {
        let weak = self.intrinsic("WeakRef")?.construct(self, &[object.value()])?;
        Ok(weak.value())
    }

    /// The object of a [WeakRef](Self::weak), while there is one.
    pub fn deref(&self, weak: &Value<'js>) -> Completion<'js, Option<Object<'js>>> {
        Ok(self.intrinsic("deref")?.call(self, weak, &[])?.as_object())
    }
}
