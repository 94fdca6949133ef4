//! `QuotaExceededError`.

use background_fetch::DomString;

use super::dom_exception::{DOMException, ExceptionData};
use super::set_stack;
use crate::bindings::{QuotaExceededErrorMethods, QuotaExceededErrorOptions};
use crate::engine::{Cx, Slots};
use crate::webidl::{Error, Fallible, Inherits, Ref, Serializable, create};

/// A quota was exceeded.
///
/// <https://webidl.spec.whatwg.org/#quotaexceedederror>
pub struct QuotaExceededError {
    exception: DOMException,
    quota: Option<f64>,
    requested: Option<f64>,
}

const NAME: &str = "QuotaExceededError";

impl QuotaExceededError {
    /// One that says how much there is, and how much was asked for, where that is known.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(
        cx: &Cx<'js>,
        message: &str,
        quota: Option<f64>,
        requested: Option<f64>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let error = Self {
            exception: DOMException::new(NAME, message),
            quota,
            requested,
        };
        create(cx, error, Slots::default())
    }
}

impl Inherits<DOMException> for QuotaExceededError {
    fn parent(&self) -> &DOMException {
        &self.exception
    }
}

impl Serializable for QuotaExceededError {
    type Data = (ExceptionData, [Option<f64>; 2]);

    fn serialize<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Self::Data> {
        let exception = ExceptionData::of(&this.upcast(), cx);
        Ok((exception, [this.quota, this.requested]))
    }

    fn deserialize<'js>(
        cx: &Cx<'js>,
        (data, [quota, requested]): Self::Data,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let (exception, stack) = data.into_parts();
        let error = Self {
            exception,
            quota,
            requested,
        };
        let error = create(cx, error, Slots::default())?;
        set_stack(cx, error.object(), stack.as_deref())?;
        Ok(error)
    }
}

impl QuotaExceededErrorMethods for QuotaExceededError {
    /// <https://webidl.spec.whatwg.org/#dom-quotaexceedederror-quotaexceedederror>
    fn constructor<'js>(
        _: &Cx<'js>,
        _: &Slots<'js>,
        message: DomString,
        options: QuotaExceededErrorOptions,
    ) -> Fallible<'js, Self> {
        let QuotaExceededErrorOptions { quota, requested } = options;
        // 3 and 4.
        for (name, value) in [("quota", quota), ("requested", requested)] {
            if value.is_some_and(|value| value < 0.0) {
                return Err(Error::Range(format!("{name} is negative")));
            }
        }
        // 5.
        if let (Some(quota), Some(requested)) = (quota, requested)
            && requested < quota
        {
            return Err(Error::Range("requested is less than quota".to_owned()));
        }
        // 1 and 2.
        Ok(Self {
            exception: DOMException::new(NAME, message),
            quota,
            requested,
        })
    }

    fn quota<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Option<f64>> {
        Ok(this.quota)
    }

    fn requested<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Option<f64>> {
        Ok(this.requested)
    }
}
