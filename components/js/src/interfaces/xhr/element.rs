//! The elements that interfaces name. There is no document, so no value is one.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::engine::{Cx, Value};
use crate::webidl::{Error, Fallible, FromJs};

macro_rules! elements {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<'js>(Infallible, PhantomData<&'js ()>);

        impl<'js> FromJs<'js> for $name<'js> {
            fn from_js(_: &Cx<'js>, _: &Value<'js>) -> Fallible<'js, Self> {
                Err(Error::type_error(concat!("it is not an ", stringify!($name))))
            }
        }
    )*};
}

elements! {
    /// A form.
    HTMLFormElement
}
