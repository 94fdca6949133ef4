//! The keys of an object's own properties.

use std::mem::MaybeUninit;
use std::ptr;

use rquickjs::qjs;

use super::{Completion, Cx, Object, Value};

impl<'js> Object<'js> {
    /// `[[OwnPropertyKeys]]`: strings and symbols, in the language's order.
    pub fn own_keys(&self, cx: &Cx<'js>) -> Completion<'js, Vec<Value<'js>>> {
        let ctx = cx.0.as_raw().as_ptr();
        let (mut keys, mut count) = (ptr::null_mut(), 0);
        let flags = qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_SYMBOL_MASK;
        // SAFETY: the object is alive; the table is read only where the engine says that it has written it, and is given back;
        // the values that are made of it are owned here.
        unsafe {
            let object = self.0.as_value().as_raw();
            if qjs::JS_GetOwnPropertyNames(ctx, &mut keys, &mut count, object, flags as i32) < 0 {
                return Err(cx.take_exception());
            }
            let values = (0..count as usize).map(|place| {
                let value = qjs::JS_AtomToValue(ctx, (*keys.add(place)).atom);
                Value(rquickjs::Value::from_raw(cx.0.clone(), value))
            });
            let values = values.collect();
            qjs::JS_FreePropertyEnum(ctx, keys, count);
            Ok(values)
        }
    }

    /// `[[GetOwnProperty]]`, as far as it says whether the property is there, and enumerable.
    pub fn has_own_enumerable(&self, cx: &Cx<'js>, key: &Value<'js>) -> Completion<'js, bool> {
        let ctx = cx.0.as_raw().as_ptr();
        let mut found = MaybeUninit::<qjs::JSPropertyDescriptor>::uninit();
        // SAFETY: the object and the key are alive; the atom is given back; the descriptor is read only where the engine says
        // that it has written it, and what it holds is given back.
        unsafe {
            let atom = qjs::JS_ValueToAtom(ctx, key.0.as_raw());
            if atom == qjs::JS_ATOM_NULL {
                return Err(cx.take_exception());
            }
            let answer = qjs::JS_GetOwnProperty(ctx, found.as_mut_ptr(), self.0.as_value().as_raw(), atom);
            qjs::JS_FreeAtom(ctx, atom);
            if answer < 0 {
                return Err(cx.take_exception());
            }
            if answer == 0 {
                return Ok(false);
            }
            let found = found.assume_init();
            for value in [found.value, found.getter, found.setter] {
                qjs::JS_FreeValue(ctx, value);
            }
            Ok(found.flags & qjs::JS_PROP_ENUMERABLE as i32 != 0)
        }
    }
}
