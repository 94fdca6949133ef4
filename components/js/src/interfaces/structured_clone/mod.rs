//! Structured data that is safe to pass: values as plain data, for other realms, which are on other threads.
//!
//! <https://html.spec.whatwg.org/multipage/structured-data.html#safe-passing-of-structured-data>

mod deserialize;
mod serialize;
mod transfer;

use background_fetch::DomString;

use crate::bindings::StructuredSerializeOptions;
use crate::engine::{Cx, Value};
use crate::realm::Charge;
use crate::webidl::{Fallible, PlatformData};

pub use deserialize::Deserialized;
pub use serialize::structured_serialize;

/// A value, as plain data. What it had transferred goes with it.
#[derive(Debug, Default)]
pub struct Serialized {
    root: Datum,
    records: Vec<Record>,
    transferred: Vec<Transferred>,
    /// The memory of the realm that it came from, as long as it is on its way.
    _charge: Charge,
}

/// A value; objects are numbered, so that what was one object is one object again.
#[derive(Clone, Debug, Default)]
enum Datum {
    #[default]
    Undefined,
    Null,
    Boolean(bool),
    Number(f64),
    /// Its digits.
    BigInt(String),
    String(DomString),
    Object(usize),
}

/// An object.
#[derive(Debug)]
enum Record {
    /// A Boolean, Number, BigInt or String object.
    Wrapper(Datum),
    Date(f64),
    RegExp {
        source: DomString,
        flags: DomString,
    },
    ArrayBuffer(BufferData),
    View {
        constructor: &'static str,
        buffer: Datum,
        offset: usize,
        /// In elements; in bytes for a DataView. None where it follows the length of a buffer that can be resized.
        length: Option<usize>,
    },
    /// Keys and values by turns.
    Map(Vec<Datum>),
    Set(Vec<Datum>),
    Error {
        constructor: &'static str,
        message: Option<DomString>,
        stack: Option<DomString>,
    },
    Array {
        length: u32,
        properties: Vec<(DomString, Datum)>,
    },
    Object(Vec<(DomString, Datum)>),
    Platform(Option<PlatformData>),
    /// One of what was transferred.
    Transferred(usize),
}

/// The bytes of an ArrayBuffer.
#[derive(Debug)]
struct BufferData {
    bytes: Vec<u8>,
    /// How long it may get, where it can be resized.
    longest: Option<f64>,
}

/// What was transferred.
#[derive(Debug)]
enum Transferred {
    ArrayBuffer(BufferData),
    Platform(PlatformData),
}

/// `structuredClone()`.
///
/// <https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone>
///
/// # Errors
///
/// A DataCloneError where the value cannot be cloned; what a getter throws.
pub fn structured_clone<'js>(
    cx: &Cx<'js>,
    value: &Value<'js>,
    options: &StructuredSerializeOptions<'js>,
) -> Fallible<'js, Value<'js>> {
    let serialized = structured_serialize(cx, value, &options.transfer)?;
    Ok(serialized.deserialize(cx)?.value)
}
