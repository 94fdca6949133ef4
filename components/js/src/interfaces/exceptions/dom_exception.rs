//! `DOMException`.

use background_fetch::DomString;

use super::{QuotaExceededError, set_stack, stack_of};
use crate::bindings::DOMExceptionMethods;
use crate::engine::{Cx, Slots, Value};
use crate::webidl::{Fallible, Ref, Serializable, create};

/// An exception with a name.
///
/// <https://webidl.spec.whatwg.org/#idl-DOMException>
pub struct DOMException {
    name: DomString,
    message: DomString,
}

/// The names that have a code, by it.
///
/// <https://webidl.spec.whatwg.org/#dfn-error-names-table>
const CODES: [(u16, &str); 22] = [
    (1, "IndexSizeError"),
    (3, "HierarchyRequestError"),
    (4, "WrongDocumentError"),
    (5, "InvalidCharacterError"),
    (7, "NoModificationAllowedError"),
    (8, "NotFoundError"),
    (9, "NotSupportedError"),
    (10, "InUseAttributeError"),
    (11, "InvalidStateError"),
    (12, "SyntaxError"),
    (13, "InvalidModificationError"),
    (14, "NamespaceError"),
    (15, "InvalidAccessError"),
    (17, "TypeMismatchError"),
    (18, "SecurityError"),
    (19, "NetworkError"),
    (20, "AbortError"),
    (21, "URLMismatchError"),
    (22, "QuotaExceededError"),
    (23, "TimeoutError"),
    (24, "InvalidNodeTypeError"),
    (25, "DataCloneError"),
];

impl DOMException {
    /// What a constructor gives.
    pub fn new(name: impl Into<DomString>, message: impl Into<DomString>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
        }
    }

    /// A DOMException itself, also where its name has an interface of its own by now.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn plain<'js>(cx: &Cx<'js>, name: &str, message: &str) -> Fallible<'js, Value<'js>> {
        let exception = create(cx, Self::new(name, message), Slots::default())?;
        Ok(exception.value())
    }

    /// An exception of this name: a QuotaExceededError, where that is its name.
    ///
    /// <https://webidl.spec.whatwg.org/#dfn-create-exception>
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(cx: &Cx<'js>, name: &str, message: &str) -> Fallible<'js, Value<'js>> {
        if name == "QuotaExceededError" {
            return Ok(QuotaExceededError::create(cx, message, None, None)?.value());
        }
        Ok(create(cx, Self::new(name, message), Slots::default())?.value())
    }
}

/// An exception, outside of its realm.
#[derive(Debug)]
pub struct ExceptionData {
    name: DomString,
    message: DomString,
    stack: Option<String>,
}

impl ExceptionData {
    pub(super) fn of<'js>(this: &Ref<'js, DOMException>, cx: &Cx<'js>) -> Self {
        Self {
            name: this.name.clone(),
            message: this.message.clone(),
            stack: stack_of(cx, this.object()),
        }
    }

    /// The exception, and the stack that it is to have.
    pub(super) fn into_parts(self) -> (DOMException, Option<String>) {
        (DOMException::new(self.name, self.message), self.stack)
    }
}

impl Serializable for DOMException {
    type Data = ExceptionData;

    fn serialize<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ExceptionData> {
        Ok(ExceptionData::of(this, cx))
    }

    fn deserialize<'js>(cx: &Cx<'js>, data: ExceptionData) -> Fallible<'js, Ref<'js, Self>> {
        let (exception, stack) = data.into_parts();
        let exception = create(cx, exception, Slots::default())?;
        set_stack(cx, exception.object(), stack.as_deref())?;
        Ok(exception)
    }
}

impl DOMExceptionMethods for DOMException {
    fn kept_bytes(&self) -> usize {
        2 * (self.name.len() + self.message.len())
    }

    fn constructor<'js>(
        _: &Cx<'js>,
        _: &Slots<'js>,
        message: DomString,
        name: DomString,
    ) -> Fallible<'js, Self> {
        Ok(Self { name, message })
    }

    fn name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.name.clone())
    }

    fn message<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.message.clone())
    }

    fn code<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u16> {
        let known = CODES.iter().find(|(_, name)| this.name == *name);
        Ok(known.map_or(0, |(code, _)| *code))
    }
}
