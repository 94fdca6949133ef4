//! Promises of operations.

use background_fetch::Exception;

use super::{Error, Fallible};
use crate::engine::{Arguments, Cx, Promise, Resolver, Root, Value};
use crate::realm::{Charge, Realm};

/// Calls an operation whose type is a promise: what it throws, the promise is rejected with.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn promising<'a, 'js>(
    arguments: &Arguments<'a, 'js>,
    call: impl FnOnce(&Arguments<'a, 'js>) -> Fallible<'js, Value<'js>>,
) -> Fallible<'js, Value<'js>> {
    match call(arguments) {
        Ok(promise) => Ok(promise),
        Err(error) => Ok(rejected(&arguments.cx, &error)?.value()),
    }
}

/// A promise that is rejected.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn rejected<'js>(cx: &Cx<'js>, error: &Error<'js>) -> Fallible<'js, Promise<'js>> {
    let (promise, resolver) = cx.promise()?;
    resolver.reject(cx, &error.to_value(cx));
    Ok(promise)
}

/// A promise that is resolved.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn resolved<'js>(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Promise<'js>> {
    let (promise, resolver) = cx.promise()?;
    resolver.resolve(cx, value);
    Ok(promise)
}

/// What settles a promise later, from a task.
#[derive(Debug)]
pub struct Settles {
    resolve: Root,
    reject: Root,
}

impl Settles {
    /// A promise, and what settles it later.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn new<'js>(cx: &Cx<'js>) -> Fallible<'js, (Promise<'js>, Self)> {
        let (promise, resolver) = cx.promise()?;
        let [resolve, reject] = resolver.values();
        let settles = Self {
            resolve: cx.root(&resolve),
            reject: cx.root(&reject),
        };
        Ok((promise, settles))
    }

    /// Settles it.
    pub fn settle<'js>(&self, cx: &Cx<'js>, outcome: Fallible<'js, Value<'js>>) {
        let Some(resolver) = Resolver::from_values([self.resolve.get(cx), self.reject.get(cx)]) else {
            return;
        };
        match outcome {
            Ok(value) => resolver.resolve(cx, &value),
            Err(error) => resolver.reject(cx, &error.to_value(cx)),
        }
    }
}

/// About what an operation that goes on takes up beside its future: with its task, and with what the host does for it.
const OPERATION: usize = 1 << 10;

/// What is charged for a future that a script has begun, until it is done.
///
/// # Errors
///
/// A RangeError where the realm has no room for another.
pub fn charge_for<'js>(cx: &Cx<'js>, future: &impl Sized) -> Fallible<'js, Charge> {
    Charge::new(cx, OPERATION + size_of_val(future))
}

/// The promise of what a future gives: it runs as a task of the realm, and `convert` makes a value of it.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn promise_of<'js, T: 'static>(
    cx: &Cx<'js>,
    future: impl Future<Output = Result<T, Exception>> + 'static,
    convert: impl for<'a> FnOnce(&Cx<'a>, T) -> Fallible<'a, Value<'a>> + 'static,
) -> Fallible<'js, Promise<'js>> {
    let charge = charge_for(cx, &future)?;
    let (promise, settles) = Settles::new(cx)?;
    Realm::of(cx).spawn_then(future, move |cx, outcome| {
        let outcome = match outcome {
            Ok(value) => convert(cx, value),
            Err(exception) => Err(exception.into()),
        };
        settles.settle(cx, outcome);
        drop(charge);
    });
    Ok(promise)
}
