//! Numbers.

use super::{Error, Fallible, FromJs, ToJs};
use crate::engine::{Cx, Value};

/// A number that must be in the range of its type: `[EnforceRange]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnforceRange<T>(pub T);

/// A number that is moved into the range of its type: `[Clamp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clamp<T>(pub T);

/// An `unrestricted double`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Unrestricted(pub f64);

/// The range that `[EnforceRange]` and `[Clamp]` allow.
fn range(bits: u32, signed: bool) -> (f64, f64) {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    match (bits, signed) {
        (64, true) => (-SAFE, SAFE),
        (64, false) => (0.0, SAFE),
        (bits, true) => (-(2f64.powi(bits as i32 - 1)), 2f64.powi(bits as i32 - 1) - 1.0),
        (bits, false) => (0.0, 2f64.powi(bits as i32) - 1.0),
    }
}

/// The bits of ConvertToInt without an extended attribute: the integer part, modulo two to the bits.
///
/// <https://webidl.spec.whatwg.org/#abstract-opdef-converttoint>
fn wrap(number: f64) -> u64 {
    // 5 and 6. Neither NaN nor an infinity is a number here; the integer part.
    if !number.is_finite() {
        return 0;
    }
    let integer = number.trunc();
    // 8. Modulo 2^64, exactly: what is smaller than that follows by dropping bits.
    let modulus = 2f64.powi(64);
    let remainder = integer % modulus;
    let bits = remainder.abs() as u64;
    if remainder < 0.0 {
        bits.wrapping_neg()
    } else {
        bits
    }
}

fn enforce<'js>(number: f64, (lowest, highest): (f64, f64)) -> Fallible<'js, f64> {
    if !number.is_finite() {
        return Err(Error::type_error("it is not a finite number"));
    }
    let integer = number.trunc();
    if integer < lowest || integer > highest {
        return Err(Error::type_error(format!(
            "{integer} is not between {lowest} and {highest}"
        )));
    }
    Ok(integer)
}

fn clamp(number: f64, (lowest, highest): (f64, f64)) -> f64 {
    if number.is_nan() {
        return 0.0;
    }
    // Halfway goes to the even one.
    number.clamp(lowest, highest).round_ties_even()
}

macro_rules! integers {
    ($($type:ident)*) => {$(
        impl<'js> FromJs<'js> for $type {
            fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                Ok(wrap(value.to_number(cx)?) as Self)
            }
        }

        impl<'js> ToJs<'js> for $type {
            fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
                Ok(cx.number(*self as f64))
            }
        }

        impl<'js> FromJs<'js> for EnforceRange<$type> {
            fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                let range = range($type::BITS, $type::MIN != 0);
                Ok(Self(enforce(value.to_number(cx)?, range)? as $type))
            }
        }

        impl<'js> FromJs<'js> for Clamp<$type> {
            fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                let range = range($type::BITS, $type::MIN != 0);
                Ok(Self(clamp(value.to_number(cx)?, range) as $type))
            }
        }
    )*};
}

integers!(i8 u8 i16 u16 i32 u32 i64 u64);

impl<'js> FromJs<'js> for f64 {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let number = value.to_number(cx)?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Error::type_error("it is not a finite number"))
        }
    }
}

impl<'js> ToJs<'js> for f64 {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.number(*self))
    }
}

impl<'js> FromJs<'js> for Unrestricted {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        Ok(Self(value.to_number(cx)?))
    }
}

impl<'js> ToJs<'js> for Unrestricted {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(cx.number(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_as_web_idl_says() {
        assert_eq!(wrap(-1.0), u64::MAX);
        assert_eq!(wrap(1.9), 1);
        assert_eq!(wrap(-1.9), u64::MAX);
        assert_eq!(wrap(f64::NAN), 0);
        assert_eq!(wrap(f64::INFINITY), 0);
        assert_eq!(wrap(2f64.powi(64)), 0);
        assert_eq!(wrap(2f64.powi(64) + 4096.0), 4096);
        assert_eq!(wrap(-0.5), 0);
        assert_eq!(wrap(300.0) as u8, 44);
        assert_eq!(wrap(-2f64.powi(64) - 4096.0), 0u64.wrapping_sub(4096));
    }

    #[test]
    fn clamping_rounds_halves_to_even() {
        assert_eq!(clamp(0.5, range(8, false)), 0.0);
        assert_eq!(clamp(1.5, range(8, false)), 2.0);
        assert_eq!(clamp(300.0, range(8, false)), 255.0);
        assert_eq!(clamp(-200.0, range(8, true)), -128.0);
        assert_eq!(clamp(f64::NAN, range(8, true)), 0.0);
    }

    #[test]
    fn a_range_is_enforced() {
        assert_eq!(enforce(255.9, range(8, false)).unwrap(), 255.0);
        assert!(enforce(256.0, range(8, false)).is_err());
        assert!(enforce(-1.0, range(64, false)).is_err());
        assert_eq!(enforce(-0.9, range(64, false)).unwrap(), 0.0);
        assert!(enforce(2f64.powi(53), range(64, false)).is_err());
        assert!(enforce(f64::NAN, range(64, false)).is_err());
    }
}
