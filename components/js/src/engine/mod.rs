//! The JavaScript engine, as the rest of the crate sees it: values, functions, promises, platform objects. Nothing outside of
//! this module names the engine's own crate; another engine is another implementation of these types.

mod buffer;
mod compiled;
mod context;
#[allow(clippy::module_inception)]
mod engine;
mod function;
mod intrinsics;
mod job;
mod keys;
mod memory;
mod module;
mod platform;
mod root;
mod value;
mod weak_set;

pub use buffer::View;
pub use compiled::Compiled;
pub use context::Cx;
pub use engine::{Engine, Interrupt, Limits};
pub use function::{Arguments, Native};
pub use intrinsics::Class;
pub use job::Job;
pub use module::ModuleHost;
pub use platform::{Created, Platform, SlotKey, Slots, State};
pub use root::Root;
pub use value::{Descriptor, Function, Key, Object, Promise, PromiseState, Resolver, Symbol, Type, Value};
pub use weak_set::WeakSet;

/// What a script throws: an exception, as a value.
#[derive(Clone, Debug)]
pub struct Thrown<'js>(pub Value<'js>);

/// What an operation of the engine gives.
pub type Completion<'js, T> = Result<T, Thrown<'js>>;
