//! Functions of the host that scripts call.

use std::cell::Cell;

use rquickjs::function::Params;
use rquickjs::qjs;

use super::engine::is_ending;
use super::{Completion, Cx, Function, Object, Thrown, Value};

thread_local! {
    /// The bytes that the host's functions on the stack of this thread have converted so far.
    static CONVERTED: Cell<usize> = const { Cell::new(0) };
}

/// What a function of the host is called with.
pub struct Arguments<'a, 'js> {
    params: Params<'a, 'js>,
    /// The context of the call.
    pub cx: Cx<'js>,
    /// What was converted when it began.
    converted: usize,
}

impl<'js> Arguments<'_, 'js> {
    /// `this`; of a constructor `new.target`.
    pub fn this(&self) -> Value<'js> {
        Value(self.params.this())
    }

    /// The argument at a place; undefined where fewer were given.
    pub fn get(&self, index: usize) -> Value<'js> {
        self.params.arg(index).map_or_else(|| self.cx.undefined(), Value)
    }

    /// How many were given.
    pub fn len(&self) -> usize {
        self.params.len()
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// The bytes of strings and lists that were [converted](Cx::add_converted) in this call.
    pub fn converted(&self) -> usize {
        CONVERTED.get() - self.converted
    }

    /// Whether it was called with `new`.
    pub fn is_construct(&self) -> bool {
        self.params.is_constructor()
    }
}

/// A function of the host.
///
/// It must not own values of the engine: the engine does not look into it for cycles. What it needs it finds in `this`, in
/// its arguments and in the host's data.
pub type Native = Box<dyn for<'a, 'js> Fn(&Arguments<'a, 'js>) -> Completion<'js, Value<'js>>>;

impl<'js> Cx<'js> {
    /// A function of this name and length.
    pub fn function(&self, name: &str, length: usize, native: Native) -> Completion<'js, Function<'js>> {
        let call = move |params: Params<'_, 'js>| -> rquickjs::Result<rquickjs::Value<'js>> {
            let cx = Cx(params.ctx().clone());
            let converted = CONVERTED.get();
            let arguments = Arguments {
                params,
                cx,
                converted,
            };
            let completion = native(&arguments);
            CONVERTED.set(converted);
            match completion {
                // It called a script that was ended, and took no notice: its caller is ended, too.
                Ok(_) if is_ending() => Err(arguments.cx.throw_interrupted()),
                Ok(value) => Ok(value.0),
                Err(Thrown(exception)) => Err(arguments.cx.0.throw(exception.0)),
            }
        };
        let function = self.complete(rquickjs::Function::new(self.0.clone(), Raw(call)))?;
        // In the order of the specification: length, then name.
        self.complete(function.set_length(length))?;
        self.complete(function.set_name(name))?;
        let object = function.into_value().into_object();
        Ok(Function(Object(object.expect("a function is an object"))))
    }

    /// The same, that `new` may be said to; `prototype` is its property of that name.
    pub fn constructor(
        &self,
        name: &str,
        length: usize,
        prototype: &Object<'js>,
        native: Native,
    ) -> Completion<'js, Function<'js>> {
        let function = self.function(name, length, native)?;
        let inner = function.0.0.as_function().expect("a function is one");
        inner.set_constructor(true);
        let frozen = |value| super::Descriptor::Data {
            value,
            writable: false,
            enumerable: false,
            configurable: false,
        };
        function.define(self, "prototype", &frozen(prototype.value()))?;
        let hidden = super::Descriptor::Data {
            value: function.value(),
            writable: true,
            enumerable: false,
            configurable: true,
        };
        prototype.define(self, "constructor", &hidden)?;
        Ok(function)
    }
}

impl Cx<'_> {
    /// Counts bytes that the host's function that runs has converted; how many it is with them, and with those that have
    /// called it.
    pub fn add_converted(&self, bytes: usize) -> usize {
        let all = CONVERTED.get().saturating_add(bytes);
        CONVERTED.set(all);
        all
    }

    /// A task begins: nothing is converted yet.
    pub fn forget_converted(&self) {
        CONVERTED.set(0);
    }

    /// Throws what no script catches.
    fn throw_interrupted(&self) -> rquickjs::Error {
        let ctx = self.0.as_raw().as_ptr();
        // SAFETY: the message is a C string without directives; the exception is taken, marked and thrown again.
        unsafe {
            qjs::JS_ThrowInternalError(ctx, c"interrupted".as_ptr());
            let exception = qjs::JS_GetException(ctx);
            qjs::JS_SetUncatchableError(ctx, exception);
            qjs::JS_Throw(ctx, exception);
        }
        rquickjs::Error::Exception
    }
}

/// A function that takes its parameters as they are.
struct Raw<F>(F);

impl<'js, F> rquickjs::function::IntoJsFunc<'js, ()> for Raw<F>
where
    F: Fn(Params<'_, 'js>) -> rquickjs::Result<rquickjs::Value<'js>>,
{
    fn param_requirements() -> rquickjs::function::ParamRequirement {
        rquickjs::function::ParamRequirement::any()
    }

    fn call(&self, params: Params<'_, 'js>) -> rquickjs::Result<rquickjs::Value<'js>> {
        (self.0)(params)
    }
}
