//! What the language's globals were before a script could change them.

use rquickjs::{JsLifetime, qjs};

use super::{Completion, Cx, Function, Object, Root, Value};

/// What is kept, by the name that [`Cx::intrinsic`] takes.
const CAPTURE: &str = include_str!("intrinsics.js");

/// What [`CAPTURE`] gives.
struct Intrinsics {
    functions: Root,
    /// The engine's own numbers of the classes of objects.
    classes: Vec<(u32, Class)>,
}

/// What an object is of the language's, whatever its prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing special.
    Ordinary,
    /// An Array.
    Array,
    /// A Boolean object.
    Boolean,
    /// A Number object.
    Number,
    /// A String object.
    String,
    /// A BigInt object.
    BigInt,
    /// A Date.
    Date,
    /// A RegExp.
    RegExp,
    /// A Map.
    Map,
    /// A Set.
    Set,
    /// An Error.
    Error,
    /// Something else, with internals of its own.
    Other,
}

/// In the order of the samples in [`CAPTURE`].
const CLASSES: [Class; 13] = [
    Class::Ordinary,
    // Both kinds of `arguments`.
    Class::Ordinary,
    Class::Ordinary,
    Class::Array,
    Class::Boolean,
    Class::Number,
    Class::String,
    Class::BigInt,
    Class::Date,
    Class::RegExp,
    Class::Map,
    Class::Set,
    Class::Error,
];

// SAFETY: it has no lifetime.
unsafe impl<'js> JsLifetime<'js> for Intrinsics {
    type Changed<'to> = Intrinsics;
}

impl<'js> Cx<'js> {
    /// Before the first script.
    pub(super) fn capture_intrinsics(&self) -> Completion<'js, ()> {
        let captured = self.run_script(CAPTURE, "intrinsics.js")?;
        let get = |name| {
            captured
                .as_object()
                .map(|object| object.get(self, name))
                .transpose()
        };
        let samples = get("samples")?.and_then(|samples| samples.as_object());
        let functions = get("functions")?.unwrap_or_else(|| self.undefined());
        let mut classes = Vec::new();
        for (index, class) in CLASSES.into_iter().enumerate() {
            if let Some(samples) = &samples {
                classes.push((class_number(&samples.get(self, index as u32)?), class));
            }
        }
        let intrinsics = Intrinsics {
            functions: self.root(&functions),
            classes,
        };
        // A new context has no data that somebody could be looking at.
        let _ = self.0.store_userdata(intrinsics);
        Ok(())
    }

    /// A function of the language, whatever scripts have done to the globals since.
    ///
    /// # Errors
    ///
    /// A TypeError where there is none of this name.
    pub fn intrinsic(&self, name: &str) -> Completion<'js, Function<'js>> {
        let intrinsics = self.0.userdata::<Intrinsics>();
        let object = intrinsics.and_then(|intrinsics| intrinsics.functions.get(self).as_object());
        let function = object.map(|object| object.get(self, name)).transpose()?;
        let function = function.and_then(|function| function.as_function());
        function.ok_or_else(|| self.type_error(format!("the language has no {name}")))
    }

    /// What an object is of the language's.
    pub fn class_of(&self, object: &Object<'js>) -> Class {
        let number = class_number(&object.value());
        let intrinsics = self.0.userdata::<Intrinsics>();
        let class = intrinsics.and_then(|intrinsics| {
            let found = intrinsics.classes.iter().find(|(known, _)| *known == number);
            found.map(|(_, class)| *class)
        });
        class.unwrap_or(Class::Other)
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

fn class_number(value: &Value<'_>) -> u32 {
    // SAFETY: it looks at the class of a live value.
    unsafe { qjs::JS_GetClassID(value.0.as_raw()) }
}
