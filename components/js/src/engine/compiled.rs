//! [`Compiled`]: a script of the host that is compiled once and run in many engines.

use std::ffi::CString;

use rquickjs::qjs;

use super::{Completion, Cx, Value};

/// A script of the host, compiled by this very build of the engine. Its functions show no source to scripts.
#[derive(Debug)]
pub struct Compiled(Vec<u8>);

impl<'js> Cx<'js> {
    /// Compiles a classic script, for this engine and others of this process.
    pub fn compile(&self, source: &str, name: &str) -> Completion<'js, Compiled> {
        let strings = (CString::new(source), CString::new(name));
        let (Ok(source), Ok(name)) = strings else {
            return Err(self.type_error("a script of the host has no NUL"));
        };
        let ctx = self.0.as_raw().as_ptr();
        let flags = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
        let write = qjs::JS_WRITE_OBJ_BYTECODE | qjs::JS_WRITE_OBJ_STRIP_SOURCE;
        // SAFETY: the strings live through the call, and the length of the first is without its NUL; the values that come
        // back are owned here; what is written is copied before it is given back to the engine.
        unsafe {
            let length = source.as_bytes().len() as qjs::size_t;
            let code = qjs::JS_Eval(ctx, source.as_ptr(), length, name.as_ptr(), flags as i32);
            let code = rquickjs::Value::from_raw(self.0.clone(), code);
            if code.is_exception() {
                return Err(self.take_exception());
            }
            let mut size = 0;
            let written = qjs::JS_WriteObject(ctx, &mut size, code.as_raw(), write as i32);
            if written.is_null() {
                return Err(self.take_exception());
            }
            let bytes = std::slice::from_raw_parts(written, size as usize).to_vec();
            qjs::js_free(ctx, written.cast());
            Ok(Compiled(bytes))
        }
    }

    /// Runs what was [compiled](Self::compile): the completion value of the script.
    pub fn run_compiled(&self, script: &Compiled) -> Completion<'js, Value<'js>> {
        let ctx = self.0.as_raw().as_ptr();
        let flags = qjs::JS_READ_OBJ_BYTECODE as i32;
        // SAFETY: nobody but `compile` makes a `Compiled`, so that the bytes are the engine's own; it copies what it reads,
        // and takes the function over that it evaluates. What comes back is owned here.
        let value = unsafe {
            let code = qjs::JS_ReadObject(ctx, script.0.as_ptr(), script.0.len() as qjs::size_t, flags);
            if qjs::JS_VALUE_GET_TAG(code) == qjs::JS_TAG_EXCEPTION {
                return Err(self.take_exception());
            }
            rquickjs::Value::from_raw(self.0.clone(), qjs::JS_EvalFunction(ctx, code))
        };
        if value.is_exception() {
            return Err(self.take_exception());
        }
        Ok(Value(value))
    }
}
