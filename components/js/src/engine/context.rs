//! [`Cx`]: the way into the engine while it is entered.

use std::any::Any;
use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::{Array, Error, JsLifetime, Module};

use super::memory::take_exhausted;
use super::{Completion, Function, Object, Promise, Resolver, Thrown, Value};

/// The engine's context, while it is entered.
#[derive(Clone)]
pub struct Cx<'js>(pub(super) rquickjs::Ctx<'js>);

/// What the host keeps with the context.
struct HostData(Rc<dyn Any>);

// SAFETY: it has no lifetime.
unsafe impl<'js> JsLifetime<'js> for HostData {
    type Changed<'to> = HostData;
}

impl<'js> Cx<'js> {
    /// Runs a classic script; `name` is what stack traces call it.
    pub fn run_script(&self, source: &str, name: &str) -> Completion<'js, Value<'js>> {
        let mut options = EvalOptions::default();
        options.strict = false;
        options.filename = Some(name.to_owned());
        // The engine takes a source as a C string: what NUL begins is no token of the language.
        self.complete(self.0.eval_with_options(source.as_bytes(), options))
            .map(Value)
    }

    /// Evaluates a module script; the promise is that of its evaluation.
    pub fn run_module(&self, source: &str, name: &str) -> Completion<'js, Promise<'js>> {
        let declared = self.complete(Module::declare(self.0.clone(), name, source))?;
        let meta = Object(self.complete(declared.meta())?);
        meta.define_value(self, "url", self.string(name))?;
        let (_, promise) = self.complete(declared.eval())?;
        Ok(Promise(promise))
    }

    /// The global object.
    pub fn global(&self) -> Object<'js> {
        Object(self.0.globals())
    }

    /// Undefined.
    pub fn undefined(&self) -> Value<'js> {
        Value(rquickjs::Value::new_undefined(self.0.clone()))
    }

    /// Null.
    pub fn null(&self) -> Value<'js> {
        Value(rquickjs::Value::new_null(self.0.clone()))
    }

    /// A boolean.
    pub fn boolean(&self, boolean: bool) -> Value<'js> {
        Value(rquickjs::Value::new_bool(self.0.clone(), boolean))
    }

    /// A number.
    pub fn number(&self, number: f64) -> Value<'js> {
        let number = match number == 0.0 && number.is_sign_negative() {
            // As an integer it would lose its sign.
            true => rquickjs::Value::new_float(self.0.clone(), number),
            false => rquickjs::Value::new_number(self.0.clone(), number),
        };
        Value(number)
    }

    /// A string.
    pub fn string(&self, text: &str) -> Value<'js> {
        match rquickjs::String::from_str(self.0.clone(), text) {
            Ok(string) => Value(string.into_value()),
            Err(_) => self.out_of_memory(),
        }
    }

    /// A string of 16-bit code units.
    pub fn utf16(&self, units: &[u16]) -> Value<'js> {
        let ctx = self.0.as_raw().as_ptr();
        // SAFETY: the engine copies the units; what it gives is a value of this context, which is owned here.
        let value = unsafe {
            let string = rquickjs::qjs::JS_NewStringUTF16(ctx, units.as_ptr(), units.len() as _);
            rquickjs::Value::from_raw(self.0.clone(), string)
        };
        if value.is_string() {
            Value(value)
        } else {
            self.out_of_memory()
        }
    }

    /// An object without properties.
    pub fn object(&self) -> Object<'js> {
        let object = rquickjs::Object::new(self.0.clone());
        Object(object.unwrap_or_else(|_| self.0.globals()))
    }

    /// An object without properties that has this prototype, or none.
    pub fn object_with_prototype(&self, prototype: Option<&Object<'js>>) -> Completion<'js, Object<'js>> {
        let prototype = prototype.map(|prototype| &prototype.0);
        self.complete(rquickjs::Object::new_proto(self.0.clone(), prototype))
            .map(Object)
    }

    /// An array of these.
    pub fn array(&self, elements: &[Value<'js>]) -> Completion<'js, Object<'js>> {
        let array = self.complete(Array::new(self.0.clone()))?;
        for (index, element) in elements.iter().enumerate() {
            self.complete(array.set(index, element.0.clone()))?;
        }
        Ok(Object(array.into_object()))
    }

    /// The same, frozen.
    pub fn frozen_array(&self, elements: &[Value<'js>]) -> Completion<'js, Object<'js>> {
        let array = self.array(elements)?;
        array.freeze(self)?;
        Ok(array)
    }

    /// A promise, and what settles it.
    pub fn promise(&self) -> Completion<'js, (Promise<'js>, Resolver<'js>)> {
        let (promise, resolve, reject) = self.complete(self.0.promise())?;
        let function = |function: rquickjs::Function<'js>| {
            let object = function.into_value().into_object();
            Function(Object(object.expect("a function is an object")))
        };
        let resolver = Resolver {
            resolve: function(resolve),
            reject: function(reject),
        };
        Ok((Promise(promise), resolver))
    }

    /// A TypeError.
    pub fn type_error(&self, message: impl AsRef<str>) -> Thrown<'js> {
        self.thrown(rquickjs::Exception::throw_type(
            &self.0,
            &without_nul(message.as_ref()),
        ))
    }

    /// A RangeError.
    pub fn range_error(&self, message: impl AsRef<str>) -> Thrown<'js> {
        self.thrown(rquickjs::Exception::throw_range(
            &self.0,
            &without_nul(message.as_ref()),
        ))
    }

    /// Gives an object that is no Error of the language the property `stack` that those have.
    pub fn capture_stack(&self, object: &Object<'js>) -> Completion<'js, ()> {
        let capture = self.intrinsic("captureStackTrace")?;
        capture.call(self, &self.undefined(), &[object.value()])?;
        Ok(())
    }

    /// `JSON.parse`.
    pub fn parse_json(&self, json: &str) -> Completion<'js, Value<'js>> {
        // The engine takes strings of C: what has a null in it is no JSON, and what is before it is none either way.
        let end = json.find('\0').map_or(json.len(), |null| null + 1);
        let json = json[..end].replace('\0', "\u{1}");
        self.complete(self.0.json_parse(json)).map(Value)
    }

    /// `JSON.stringify`; none for what has no JSON.
    pub fn to_json(&self, value: &Value<'js>) -> Completion<'js, Option<Value<'js>>> {
        let string = self.complete(self.0.json_stringify(value.0.clone()))?;
        Ok(string.map(|string| Value(string.into_value())))
    }

    /// Keeps the host's data with the context, for [`host`](Self::host).
    pub fn set_host(&self, host: Rc<dyn Any>) {
        // It is set once, before anybody looks.
        let _ = self.0.store_userdata(HostData(host));
    }

    /// The host's data.
    ///
    /// # Panics
    ///
    /// Where none of this type was set.
    pub fn host<T: 'static>(&self) -> Rc<T> {
        let data = self.0.userdata::<HostData>();
        let host = data.map(|data| Rc::clone(&data.0));
        let host = host.and_then(|host| host.downcast().ok());
        host.expect("the host's data is set before a script runs")
    }

    pub(super) fn forget_host(&self) {
        drop(self.0.remove_userdata::<HostData>());
    }

    /// Collects garbage.
    pub fn collect_garbage(&self) {
        // SAFETY: the engine is entered, as where it collects garbage by itself.
        unsafe {
            let ctx = self.0.as_raw().as_ptr();
            rquickjs::qjs::JS_RunGC(rquickjs::qjs::JS_GetRuntime(ctx));
        }
    }

    /// Runs the next job of the queue: a reaction to a promise. Whether there was one.
    pub fn run_job(&self) -> bool {
        self.0.execute_pending_job()
    }

    pub(super) fn complete<T>(&self, result: rquickjs::Result<T>) -> Completion<'js, T> {
        result.map_err(|error| self.thrown(error))
    }

    /// The exception of an error of the engine's crate.
    fn thrown(&self, error: Error) -> Thrown<'js> {
        if !error.is_exception() {
            // What is not an exception yet becomes one.
            return self.type_error(error.to_string());
        }
        self.take_exception()
    }

    pub(super) fn take_exception(&self) -> Thrown<'js> {
        Thrown(Value(self.0.catch()))
    }

    /// Whether an exception is what the engine throws for want of memory: an error, or `null` where there was none for that.
    /// This is known of the last `null` alone.
    pub fn is_for_want_of_memory(&self, exception: &Value<'js>) -> bool {
        if exception.0.is_null() {
            return take_exhausted();
        }
        exception.is_error()
            && exception
                .to_text(self)
                .is_ok_and(|text| text == "InternalError: out of memory")
    }

    /// The engine has thrown for want of memory; the script is on its way out.
    fn out_of_memory(&self) -> Value<'js> {
        self.undefined()
    }
}

/// The engine takes messages as C strings.
fn without_nul(message: &str) -> std::borrow::Cow<'_, str> {
    if message.contains('\0') {
        message.replace('\0', "\u{fffd}").into()
    } else {
        message.into()
    }
}
