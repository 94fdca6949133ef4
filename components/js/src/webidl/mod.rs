//! Web IDL at run time: conversions, platform objects, and how interfaces come to a global. The bindings, which the build
//! script makes from `webidl/`, stand on it.

mod buffer;
mod call;
mod callback;
mod charged;
mod convert;
pub mod define;
mod dictionary;
mod error;
mod global;
mod iterable;
mod number;
mod object;
mod promise;
mod serializable;
mod string;

pub use buffer::{AllowSharedBufferSource, ArrayBuffer, ArrayBufferView, BufferSource, Uint8Array};
pub use call::{
    argument, argument_or, at_least, iterable_argument, new_target, optional_argument, put_forward, replace,
    rest,
};
pub use callback::Callback;
pub use convert::{FromJs, Record, ToJs, is_iterable, iterator_method};
pub use define::{Constructor, Definition, Globals, MemberDefinition, MemberKind, Namespace, define_all};
pub use dictionary::{
    Dictionary, dictionary_object, member_or, not_in_enum, optional_member, required_member,
};
pub use error::{Error, Fallible};
pub use global::Registry;
pub use number::{Clamp, EnforceRange, Unrestricted};
pub use object::{Inherits, Interface, Ref, Rooted, construct, create, same_object};
pub use promise::{Settles, charge_for, promise_of, promising, rejected, resolved};
pub use serializable::{PlatformData, Serializable, Serialization, Transfer, Transferable};
pub use string::{ByteString, NullToEmpty};
