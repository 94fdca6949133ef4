//! [`WeakSet`]: objects that the host remembers and does not keep alive.

use super::{Completion, Cx, Root, Value};

/// Objects that the host remembers and does not keep alive: the language's WeakSet.
#[derive(Debug)]
pub struct WeakSet(Root);

impl WeakSet {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn new<'js>(cx: &Cx<'js>) -> Completion<'js, Self> {
        let set = cx.intrinsic("WeakSet")?.construct(cx, &[])?;
        Ok(Self(cx.root(&set.value())))
    }

    /// Adds an object.
    pub fn add<'js>(&self, cx: &Cx<'js>, value: &Value<'js>) {
        let _ = self.call(cx, "addToWeakSet", value);
    }

    /// Removes an object; whether it was there.
    pub fn remove<'js>(&self, cx: &Cx<'js>, value: &Value<'js>) -> bool {
        let removed = self.call(cx, "deleteFromWeakSet", value);
        removed
            .ok()
            .and_then(|removed| removed.as_bool())
            .unwrap_or(false)
    }

    fn call<'js>(&self, cx: &Cx<'js>, method: &str, value: &Value<'js>) -> Completion<'js, Value<'js>> {
        let method = cx.intrinsic(method)?;
        method.call(cx, &self.0.get(cx), std::slice::from_ref(value))
    }
}
