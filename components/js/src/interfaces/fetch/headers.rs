//! `Headers`: a header list, and who may change it.

use std::cell::RefCell;
use std::rc::Rc;

use super::HeaderList;
use super::header_rules::{
    PRIVILEGED_NO_CORS, is_forbidden_request_header, is_forbidden_response_header_name, is_header_name,
    is_header_value, is_no_cors_safelisted, is_no_cors_safelisted_name, normalize,
};
use crate::bindings::{HeadersInit, HeadersMethods};
use crate::engine::{Cx, Slots};
use crate::webidl::{ByteString, Error, Fallible, Ref, create};

/// A header list, and who may change it.
///
/// <https://fetch.spec.whatwg.org/#headers-class>
pub struct Headers {
    list: SharedHeaders,
    guard: Guard,
}

/// A header list that a `Headers` object and the object that has it share.
pub type SharedHeaders = Rc<RefCell<HeaderList>>;

/// What may change.
///
/// <https://fetch.spec.whatwg.org/#concept-headers-guard>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Immutable,
    /// What scripts may say in a request.
    Request,
    /// The same, where nobody is asked whether he wants it.
    RequestNoCors,
    /// What scripts may say in a response.
    Response,
    /// Everything.
    #[default]
    None,
}

impl Headers {
    /// What may be done with a list.
    pub(super) fn new(list: SharedHeaders, guard: Guard) -> Self {
        Self { list, guard }
    }

    /// An object for a list.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(cx: &Cx<'js>, list: SharedHeaders, guard: Guard) -> Fallible<'js, Ref<'js, Self>> {
        create(cx, Self::new(list, guard), Slots::default())
    }

    /// Its list.
    pub fn list(&self) -> &SharedHeaders {
        &self.list
    }

    /// Who may change it.
    pub fn guard(&self) -> Guard {
        self.guard
    }

    /// Whether a header may be set; without effect, where it may not.
    ///
    /// <https://fetch.spec.whatwg.org/#headers-validate>
    fn validate<'js>(&self, name: &[u8], value: &[u8]) -> Fallible<'js, bool> {
        // 1.
        check_name(name)?;
        if !is_header_value(value) {
            return Err(Error::type_error(format!(
                "\"{}\" is no value of a header",
                excerpt(value)
            )));
        }
        match self.guard {
            // 2.
            Guard::Immutable => Err(Error::type_error("these headers cannot be changed")),
            // 3.
            Guard::Request => Ok(!is_forbidden_request_header(name, value)),
            // 4.
            Guard::Response => Ok(!is_forbidden_response_header_name(name)),
            // 5.
            Guard::RequestNoCors | Guard::None => Ok(true),
        }
    }

    /// <https://fetch.spec.whatwg.org/#concept-headers-append>
    pub(super) fn append_header<'js>(&self, name: &[u8], value: &[u8]) -> Fallible<'js, ()> {
        // 1.
        let value = normalize(value);
        // 2.
        if !self.validate(name, value)? {
            return Ok(());
        }
        let mut list = self.list.borrow_mut();
        // 3. The combined value is what counts.
        if self.guard == Guard::RequestNoCors {
            let combined = match list.get(name) {
                Some(before) => [&before, &b", "[..], value].concat(),
                None => value.to_vec(),
            };
            if !is_no_cors_safelisted(name, &combined) {
                return Ok(());
            }
        }
        // 4.
        list.append(name, value.to_vec());
        // 5.
        self.remove_privileged(&mut list);
        Ok(())
    }

    /// <https://fetch.spec.whatwg.org/#concept-headers-remove-privileged-no-cors-request-headers>
    fn remove_privileged(&self, list: &mut HeaderList) {
        if self.guard == Guard::RequestNoCors {
            list.delete(PRIVILEGED_NO_CORS);
        }
    }

    /// <https://fetch.spec.whatwg.org/#concept-headers-fill>
    pub(super) fn fill<'js>(&self, init: HeadersInit) -> Fallible<'js, ()> {
        match init {
            // 1.
            HeadersInit::ByteStringSequenceSequence(headers) => {
                for header in headers {
                    let [name, value] = <[ByteString; 2]>::try_from(header).map_err(|header| {
                        let count = header.len();
                        Error::type_error(format!("a header is a name and a value, not {count} strings"))
                    })?;
                    self.append_header(&name.0, &value.0)?;
                }
            }
            // 2.
            HeadersInit::Record(headers) => {
                for (name, value) in headers.0 {
                    self.append_header(&name.0, &value.0)?;
                }
            }
        }
        Ok(())
    }
}

fn check_name<'js>(name: &[u8]) -> Fallible<'js, ()> {
    if is_header_name(name) {
        return Ok(());
    }
    Err(Error::type_error(format!(
        "\"{}\" is no name of a header",
        excerpt(name)
    )))
}

/// As much as a message has room for.
fn excerpt(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(60)].escape_ascii().to_string()
}

impl HeadersMethods for Headers {
    fn kept_bytes(&self) -> usize {
        self.list.borrow().kept()
    }

    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>, init: Option<HeadersInit>) -> Fallible<'js, Self> {
        let this = Self {
            list: Rc::default(),
            guard: Guard::None,
        };
        init.map_or(Ok(()), |init| this.fill(init))?;
        Ok(this)
    }

    fn append<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        name: ByteString,
        value: ByteString,
    ) -> Fallible<'js, ()> {
        this.append_header(&name.0, &value.0)
    }

    fn delete<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: ByteString) -> Fallible<'js, ()> {
        // 1.
        if !this.validate(&name.0, b"")? {
            return Ok(());
        }
        // 2.
        let is_privileged = name.0.eq_ignore_ascii_case(PRIVILEGED_NO_CORS);
        if this.guard == Guard::RequestNoCors && !is_no_cors_safelisted_name(&name.0) && !is_privileged {
            return Ok(());
        }
        // 3 to 5.
        let mut list = this.list.borrow_mut();
        list.delete(&name.0);
        this.remove_privileged(&mut list);
        Ok(())
    }

    fn get<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: ByteString) -> Fallible<'js, Option<ByteString>> {
        check_name(&name.0)?;
        Ok(this.list.borrow().get(&name.0).map(ByteString))
    }

    fn get_set_cookie<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Vec<ByteString>> {
        let list = this.list.borrow();
        let cookies = list.values(b"set-cookie");
        Ok(cookies.map(|value| ByteString(value.to_vec())).collect())
    }

    fn has<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: ByteString) -> Fallible<'js, bool> {
        check_name(&name.0)?;
        Ok(this.list.borrow().contains(&name.0))
    }

    fn set<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        name: ByteString,
        value: ByteString,
    ) -> Fallible<'js, ()> {
        // 1.
        let value = normalize(&value.0);
        // 2.
        if !this.validate(&name.0, value)? {
            return Ok(());
        }
        // 3.
        if this.guard == Guard::RequestNoCors && !is_no_cors_safelisted(&name.0, value) {
            return Ok(());
        }
        // 4 and 5.
        let mut list = this.list.borrow_mut();
        list.set(&name.0, value.to_vec());
        this.remove_privileged(&mut list);
        Ok(())
    }

    fn pair_at<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        index: usize,
    ) -> Fallible<'js, Option<(ByteString, ByteString)>> {
        let sorted = this.list.borrow().sorted();
        let pair = sorted.get(index).cloned();
        Ok(pair.map(|(name, value)| (ByteString(name), ByteString(value))))
    }
}
