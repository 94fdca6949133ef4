//! Values, objects, functions and promises.

use std::fmt;
use std::ops::Deref;

use rquickjs::atom::PredefinedAtom;
use rquickjs::function::Args;
use rquickjs::object::Filter;
use rquickjs::{Array, Atom, Coerced, IntoAtom, qjs};

use super::{Completion, Cx};

/// A value of the language.
#[derive(Clone, PartialEq)]
pub struct Value<'js>(pub(super) rquickjs::Value<'js>);

/// The type of a value.
///
/// <https://tc39.es/ecma262/#sec-ecmascript-language-types>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Undefined.
    Undefined,
    /// Null.
    Null,
    /// Boolean.
    Boolean,
    /// Number.
    Number,
    /// BigInt.
    BigInt,
    /// String.
    String,
    /// Symbol.
    Symbol,
    /// Object, functions included.
    Object,
}

impl<'js> Value<'js> {
    /// Its type.
    pub fn kind(&self) -> Type {
        let value = &self.0;
        match () {
            () if value.is_undefined() => Type::Undefined,
            () if value.is_null() => Type::Null,
            () if value.is_bool() => Type::Boolean,
            () if value.is_number() => Type::Number,
            () if value.is_string() => Type::String,
            () if value.is_symbol() => Type::Symbol,
            () if value.is_big_int() => Type::BigInt,
            () => Type::Object,
        }
    }

    /// Whether it is undefined.
    pub fn is_undefined(&self) -> bool {
        self.0.is_undefined()
    }

    /// Whether it is null or undefined.
    pub fn is_nullish(&self) -> bool {
        self.0.is_undefined() || self.0.is_null()
    }

    /// Whether it can be called.
    pub fn is_callable(&self) -> bool {
        self.0.is_function()
    }

    /// The boolean, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        self.0.as_bool()
    }

    /// The number, where it is one.
    pub fn as_number(&self) -> Option<f64> {
        self.0.as_number()
    }

    /// The object, where it is one.
    pub fn as_object(&self) -> Option<Object<'js>> {
        self.0.as_object().cloned().map(Object)
    }

    /// The function, where it is one.
    pub fn as_function(&self) -> Option<Function<'js>> {
        self.is_callable().then_some(())?;
        self.as_object().map(Function)
    }

    /// The promise, where it is one.
    pub fn as_promise(&self) -> Option<Promise<'js>> {
        self.0.as_promise().map(|promise| Promise(promise.clone()))
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        self.0.is_array()
    }

    /// Whether it is an Error, or looks like one to the engine.
    pub fn is_error(&self) -> bool {
        self.0.is_error()
    }

    /// The description, where it is a symbol that has one.
    pub fn symbol_description(&self) -> Option<String> {
        let symbol = self.0.as_symbol()?;
        symbol.description().ok()?.as_string()?.to_string().ok()
    }

    /// Whether it is the same value.
    pub fn is(&self, other: &Value<'js>) -> bool {
        self.0 == other.0
    }

    /// ToBoolean.
    pub fn to_boolean(&self, cx: &Cx<'js>) -> bool {
        cx.coerce::<bool>(self).unwrap_or(false)
    }

    /// ToNumber.
    pub fn to_number(&self, cx: &Cx<'js>) -> Completion<'js, f64> {
        cx.coerce::<f64>(self)
    }

    /// ToString, as UTF-16.
    pub fn to_utf16(&self, cx: &Cx<'js>) -> Completion<'js, Vec<u16>> {
        let string: rquickjs::String<'js> = cx.coerce(self)?;
        let mut length = 0;
        // SAFETY: the string is alive, and what the engine hands out is copied before it is given back.
        unsafe {
            let ctx = cx.0.as_raw().as_ptr();
            let units = qjs::JS_ToCStringLenUTF16(ctx, &mut length, string.as_value().as_raw());
            if units.is_null() {
                return Err(cx.take_exception());
            }
            let copied = std::slice::from_raw_parts(units, length as usize).to_vec();
            qjs::JS_FreeCStringUTF16(ctx, units);
            Ok(copied)
        }
    }

    /// ToString, with U+FFFD for what is no scalar value.
    pub fn to_text(&self, cx: &Cx<'js>) -> Completion<'js, String> {
        Ok(String::from_utf16_lossy(&self.to_utf16(cx)?))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({:?})", self.kind())
    }
}

/// The key of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// A name.
    Name(&'a str),
    /// An index.
    Index(u32),
    /// A symbol of the language.
    Symbol(Symbol),
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl From<u32> for Key<'_> {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl From<Symbol> for Key<'_> {
    fn from(symbol: Symbol) -> Self {
        Self::Symbol(symbol)
    }
}

/// A symbol of the language.
///
/// <https://tc39.es/ecma262/#sec-well-known-symbols>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// `Symbol.iterator`
    Iterator,
    /// `Symbol.asyncIterator`
    AsyncIterator,
    /// `Symbol.toStringTag`
    ToStringTag,
}

impl<'js> IntoAtom<'js> for Key<'_> {
    fn into_atom(self, ctx: &rquickjs::Ctx<'js>) -> rquickjs::Result<Atom<'js>> {
        match self {
            Self::Name(name) => Atom::from_str(ctx.clone(), name),
            Self::Index(index) => Atom::from_u32(ctx.clone(), index),
            Self::Symbol(symbol) => {
                let symbol = match symbol {
                    Symbol::Iterator => PredefinedAtom::SymbolIterator,
                    Symbol::AsyncIterator => PredefinedAtom::SymbolAsyncIterator,
                    Symbol::ToStringTag => PredefinedAtom::SymbolToStringTag,
                };
                Ok(Atom::from_predefined(ctx.clone(), symbol))
            }
        }
    }
}

/// What a property is, apart from its name.
#[derive(Clone, Debug)]
pub enum Descriptor<'js> {
    /// A value.
    Data {
        /// The value.
        value: Value<'js>,
        /// `writable`.
        writable: bool,
        /// `enumerable`.
        enumerable: bool,
        /// `configurable`.
        configurable: bool,
    },
    /// A getter and a setter.
    Accessor {
        /// The getter.
        get: Function<'js>,
        /// The setter.
        set: Option<Function<'js>>,
        /// `enumerable`.
        enumerable: bool,
        /// `configurable`.
        configurable: bool,
    },
}

/// An object.
#[derive(Clone, PartialEq)]
pub struct Object<'js>(pub(super) rquickjs::Object<'js>);

impl<'js> Object<'js> {
    /// It, as a value.
    pub fn value(&self) -> Value<'js> {
        Value(self.0.as_value().clone())
    }

    /// A number that no other object has while this one lives.
    pub fn identity(&self) -> usize {
        // SAFETY: the value is an object, whose pointer is only looked at.
        unsafe { qjs::JS_VALUE_GET_PTR(self.0.as_value().as_raw()) as usize }
    }

    /// Get.
    pub fn get<'a>(&self, cx: &Cx<'js>, key: impl Into<Key<'a>>) -> Completion<'js, Value<'js>> {
        cx.complete(self.0.get(key.into())).map(Value)
    }

    /// Set.
    pub fn set<'a>(&self, cx: &Cx<'js>, key: impl Into<Key<'a>>, value: &Value<'js>) -> Completion<'js, ()> {
        cx.complete(self.0.set(key.into(), value.0.clone()))
    }

    /// The value of the property of any key, a symbol's too.
    pub fn get_by_value(&self, cx: &Cx<'js>, key: &Value<'js>) -> Completion<'js, Value<'js>> {
        cx.complete(self.0.get(key.0.clone())).map(Value)
    }

    /// CreateDataProperty with any key.
    pub fn create_data_property(
        &self,
        cx: &Cx<'js>,
        key: &Value<'js>,
        value: &Value<'js>,
    ) -> Completion<'js, ()> {
        let key = cx.complete(Atom::from_value(cx.0.clone(), &key.0))?;
        let property = Property {
            flags: (qjs::JS_PROP_C_W_E
                | qjs::JS_PROP_HAS_VALUE
                | qjs::JS_PROP_HAS_WRITABLE
                | qjs::JS_PROP_HAS_ENUMERABLE
                | qjs::JS_PROP_HAS_CONFIGURABLE
                | qjs::JS_PROP_THROW) as i32,
            value: value.clone(),
            get: cx.undefined(),
            set: cx.undefined(),
        };
        cx.complete(self.0.prop(key, property))
    }

    /// The keys of its own enumerable properties that are strings, in the language's order.
    pub fn own_enumerable_keys(&self, cx: &Cx<'js>) -> Completion<'js, Vec<Value<'js>>> {
        let keys = self.0.own_keys::<Atom<'js>>(Filter::new().string().enum_only());
        keys.map(|key| {
            let atom = cx.complete(key)?;
            cx.complete(atom.to_value()).map(Value)
        })
        .collect()
    }

    /// DefinePropertyOrThrow.
    pub fn define<'a>(
        &self,
        cx: &Cx<'js>,
        key: impl Into<Key<'a>>,
        descriptor: &Descriptor<'js>,
    ) -> Completion<'js, ()> {
        let undefined = cx.undefined();
        let bit = |on: bool, flag: u32| if on { flag } else { 0 };
        let (value, get, set, flags) = match descriptor {
            Descriptor::Data {
                value,
                writable,
                enumerable,
                configurable,
            } => {
                let flags = qjs::JS_PROP_HAS_VALUE
                    | qjs::JS_PROP_HAS_WRITABLE
                    | bit(*writable, qjs::JS_PROP_WRITABLE)
                    | bit(*enumerable, qjs::JS_PROP_ENUMERABLE)
                    | bit(*configurable, qjs::JS_PROP_CONFIGURABLE);
                (value.clone(), undefined.clone(), undefined, flags)
            }
            Descriptor::Accessor {
                get,
                set,
                enumerable,
                configurable,
            } => {
                let flags = qjs::JS_PROP_HAS_GET
                    | qjs::JS_PROP_HAS_SET
                    | bit(*enumerable, qjs::JS_PROP_ENUMERABLE)
                    | bit(*configurable, qjs::JS_PROP_CONFIGURABLE);
                let set = set.as_ref().map_or_else(|| undefined.clone(), |set| set.value());
                (undefined, get.value(), set, flags)
            }
        };
        let flags = flags | qjs::JS_PROP_HAS_ENUMERABLE | qjs::JS_PROP_HAS_CONFIGURABLE | qjs::JS_PROP_THROW;
        let property = Property {
            flags: flags as i32,
            value,
            get,
            set,
        };
        cx.complete(self.0.prop(key.into(), property))
    }

    /// Defines a data property as a script's assignment would make it.
    pub fn define_value<'a>(
        &self,
        cx: &Cx<'js>,
        key: impl Into<Key<'a>>,
        value: Value<'js>,
    ) -> Completion<'js, ()> {
        let descriptor = Descriptor::Data {
            value,
            writable: true,
            enumerable: true,
            configurable: true,
        };
        self.define(cx, key, &descriptor)
    }

    /// The getter and the setter of its own property of this name; none where it has no such accessor.
    pub fn own_accessor(&self, cx: &Cx<'js>, name: &str) -> Completion<'js, Option<[Value<'js>; 2]>> {
        let object = cx.global().get(cx, "Object")?.as_object();
        let function = object
            .map(|object| object.get(cx, "getOwnPropertyDescriptor"))
            .transpose()?;
        let Some(function) = function.and_then(|function| function.as_function()) else {
            return Ok(None);
        };
        let descriptor = function.call(cx, &cx.undefined(), &[self.value(), cx.string(name)])?;
        let Some(descriptor) = descriptor.as_object() else {
            return Ok(None);
        };
        Ok(Some([descriptor.get(cx, "get")?, descriptor.get(cx, "set")?]))
    }

    /// Takes a property away, where it can be.
    pub fn remove<'a>(&self, cx: &Cx<'js>, key: impl Into<Key<'a>>) -> Completion<'js, ()> {
        cx.complete(self.0.remove(key.into()))
    }

    /// SetIntegrityLevel, frozen.
    pub fn freeze(&self, cx: &Cx<'js>) -> Completion<'js, ()> {
        // SAFETY: it freezes a live object in its own context.
        let frozen = unsafe { qjs::JS_FreezeObject(cx.0.as_raw().as_ptr(), self.0.as_value().as_raw()) };
        if frozen < 0 {
            Err(cx.take_exception())
        } else {
            Ok(())
        }
    }

    /// Its prototype.
    pub fn prototype(&self) -> Option<Object<'js>> {
        self.0.get_prototype().map(Object)
    }

    /// Gives it another prototype.
    pub fn set_prototype(&self, cx: &Cx<'js>, prototype: &Object<'js>) -> Completion<'js, ()> {
        cx.complete(self.0.set_prototype(Some(&prototype.0)))
    }

    /// The method of this name, where it is callable; none where it is undefined or null.
    ///
    /// <https://tc39.es/ecma262/#sec-getmethod>
    pub fn method<'a>(
        &self,
        cx: &Cx<'js>,
        key: impl Into<Key<'a>>,
    ) -> Completion<'js, Option<Function<'js>>> {
        let method = self.get(cx, key)?;
        if method.is_nullish() {
            return Ok(None);
        }
        match method.as_function() {
            Some(function) => Ok(Some(function)),
            None => Err(cx.type_error("a method is not a function")),
        }
    }

    /// The elements, where it is an array of the language.
    pub fn array_length(&self) -> Option<usize> {
        self.0.as_array().map(Array::len)
    }
}

struct Property<'js> {
    flags: i32,
    value: Value<'js>,
    get: Value<'js>,
    set: Value<'js>,
}

impl<'js> rquickjs::object::AsProperty<'js, ()> for Property<'js> {
    fn config(
        self,
        _: &rquickjs::Ctx<'js>,
    ) -> rquickjs::Result<(
        i32,
        rquickjs::Value<'js>,
        rquickjs::Value<'js>,
        rquickjs::Value<'js>,
    )> {
        Ok((self.flags, self.value.0, self.get.0, self.set.0))
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Object")
    }
}

/// A function: an object that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Function<'js>(pub(super) Object<'js>);

impl<'js> Function<'js> {
    /// Call.
    pub fn call(
        &self,
        cx: &Cx<'js>,
        this: &Value<'js>,
        arguments: &[Value<'js>],
    ) -> Completion<'js, Value<'js>> {
        let args = self.args(cx, this, arguments)?;
        cx.complete(args.apply(&self.function())).map(Value)
    }

    /// Construct.
    pub fn construct(&self, cx: &Cx<'js>, arguments: &[Value<'js>]) -> Completion<'js, Object<'js>> {
        let args = self.args(cx, &cx.undefined(), arguments)?;
        let constructor = self.function().into_value().into_constructor();
        let Some(constructor) = constructor else {
            return Err(cx.type_error("it is not a constructor"));
        };
        cx.complete(args.construct(&constructor)).map(Object)
    }

    fn args(&self, cx: &Cx<'js>, this: &Value<'js>, arguments: &[Value<'js>]) -> Completion<'js, Args<'js>> {
        let mut args = Args::new(cx.0.clone(), arguments.len());
        cx.complete(args.this(this.0.clone()))?;
        for argument in arguments {
            cx.complete(args.push_arg(argument.0.clone()))?;
        }
        Ok(args)
    }

    fn function(&self) -> rquickjs::Function<'js> {
        let function = self.0.0.as_function();
        function.expect("a function is one").clone()
    }
}

impl<'js> Deref for Function<'js> {
    type Target = Object<'js>;

    fn deref(&self) -> &Object<'js> {
        &self.0
    }
}

/// A promise of the language.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise<'js>(pub(super) rquickjs::Promise<'js>);

/// What became of a promise.
#[derive(Clone, Debug)]
pub enum PromiseState<'js> {
    /// Nothing yet.
    Pending,
    /// It has this value.
    Fulfilled(Value<'js>),
    /// It has this reason.
    Rejected(Value<'js>),
}

impl<'js> Promise<'js> {
    /// It, as a value.
    pub fn value(&self) -> Value<'js> {
        Value(self.0.as_value().clone())
    }

    /// What became of it.
    pub fn state(&self, cx: &Cx<'js>) -> PromiseState<'js> {
        match self.0.result::<rquickjs::Value<'js>>() {
            None => PromiseState::Pending,
            Some(Ok(value)) => PromiseState::Fulfilled(Value(value)),
            Some(Err(_)) => PromiseState::Rejected(cx.take_exception().0),
        }
    }

    /// Has one of these called when it is settled; what they give is nothing to anybody.
    ///
    /// <https://webidl.spec.whatwg.org/#dfn-perform-steps-once-promise-is-settled>
    pub fn then(
        &self,
        cx: &Cx<'js>,
        on_fulfilled: &Function<'js>,
        on_rejected: &Function<'js>,
    ) -> Completion<'js, ()> {
        let (on_fulfilled, on_rejected) = (on_fulfilled.value(), on_rejected.value());
        // SAFETY: the values are alive, and the engine keeps references of its own; the promise that it gives is owned here.
        let derived = unsafe {
            let ctx = cx.0.as_raw().as_ptr();
            let promise = self.0.as_value().as_raw();
            let derived = qjs::JS_PromiseThen(ctx, promise, on_fulfilled.0.as_raw(), on_rejected.0.as_raw());
            rquickjs::Value::from_raw(cx.0.clone(), derived)
        };
        if derived.is_exception() {
            return Err(cx.take_exception());
        }
        Ok(())
    }
}

/// What settles a promise.
#[derive(Clone, Debug)]
pub struct Resolver<'js> {
    pub(super) resolve: Function<'js>,
    pub(super) reject: Function<'js>,
}

impl<'js> Resolver<'js> {
    /// Resolves it.
    pub fn resolve(&self, cx: &Cx<'js>, value: &Value<'js>) {
        // The functions of a promise capability do not throw.
        let _ = self
            .resolve
            .call(cx, &cx.undefined(), std::slice::from_ref(value));
    }

    /// Rejects it.
    pub fn reject(&self, cx: &Cx<'js>, reason: &Value<'js>) {
        let _ = self
            .reject
            .call(cx, &cx.undefined(), std::slice::from_ref(reason));
    }

    /// The functions, as values: to be kept, and put together [again](Self::from_values).
    pub fn values(&self) -> [Value<'js>; 2] {
        [self.resolve.value(), self.reject.value()]
    }

    /// The reverse of [`values`](Self::values).
    pub fn from_values([resolve, reject]: [Value<'js>; 2]) -> Option<Self> {
        Some(Self {
            resolve: resolve.as_function()?,
            reject: reject.as_function()?,
        })
    }
}

impl<'js> Cx<'js> {
    fn coerce<T>(&self, value: &Value<'js>) -> Completion<'js, T>
    where
        Coerced<T>: rquickjs::FromJs<'js>,
    {
        self.complete(value.0.get::<Coerced<T>>())
            .map(|coerced| coerced.0)
    }
}
