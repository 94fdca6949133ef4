//! The methods of the mixin `Body`: all bytes of a body, as what a script wants.

use background_fetch::{Exception, ExceptionName};
use bytes::Bytes;
use encoding_rs::UTF_8;
use futures::TryStreamExt;
use url::form_urlencoded;

use super::{HasBody, Taken, take};
use crate::engine::{Cx, Promise, Resolver, Slots, Value};
use crate::interfaces::fetch::{HeaderList, SharedHeaders, mime};
use crate::interfaces::form_data::{FormEntry, FormValue, multipart};
use crate::interfaces::{Blob, BlobData, ByteStream, Failure, FormData, Reader};
use crate::realm::{ChargedBytes, Realm, Room};
use crate::webidl::{Error, Fallible, Ref, Settles, rejected};

/// What a script wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::interfaces::fetch) enum Package {
    ArrayBuffer,
    Blob,
    Bytes,
    FormData,
    Json,
    Text,
}

const RESOLVE: &str = "resolve";
const REJECT: &str = "reject";

/// Consumes the body.
///
/// <https://fetch.spec.whatwg.org/#concept-body-consume-body>
pub(in crate::interfaces::fetch) fn consume<'js, T: HasBody>(
    this: &Ref<'js, T>,
    cx: &Cx<'js>,
    package: Package,
) -> Fallible<'js, Promise<'js>> {
    let headers = SharedHeaders::clone(this.headers());
    // 1.
    let taken = match this.is_body_hidden() {
        true => Ok(Taken::Null),
        false => take(this, cx),
    };
    let taken = match taken {
        Ok(taken) => taken,
        Err(error) => return rejected(cx, &error),
    };
    // 2 to 4.
    match taken {
        // 5.
        Taken::Null => finished(cx, package, &headers, Bytes::new()),
        Taken::Bytes(bytes) => finished(cx, package, &headers, bytes),
        // 6.
        Taken::Stream(stream) => {
            let (promise, settles) = Settles::new(cx)?;
            Realm::of(cx).spawn_then(collect(stream, Room::of(cx)), move |cx, bytes| {
                let value = match bytes {
                    Ok(bytes) => package.convert(cx, bytes, &headers.borrow()),
                    Err(failure) => Err(failure.into_error(cx)),
                };
                settles.settle(cx, value);
            });
            Ok(promise)
        }
        Taken::Object(stream) => {
            let (promise, resolver) = cx.promise()?;
            let slots = Slots::default();
            let [resolve, reject] = resolver.values();
            slots.set_named(RESOLVE, resolve);
            slots.set_named(REJECT, reject);
            let reader: Reader<'js> = stream.reader(cx)?;
            reader.read_all(cx, slots, move |cx, slots, bytes| {
                let value = bytes.and_then(|bytes| package.convert(cx, bytes, &headers.borrow()));
                let functions = slots.named(RESOLVE).zip(slots.named(REJECT));
                let resolver =
                    functions.and_then(|(resolve, reject)| Resolver::from_values([resolve, reject]));
                match (resolver, value) {
                    (Some(resolver), Ok(value)) => resolver.resolve(cx, &value),
                    (Some(resolver), Err(error)) => resolver.reject(cx, &error.to_value(cx)),
                    (None, _) => {}
                }
            })?;
            Ok(promise)
        }
    }
}

fn finished<'js>(
    cx: &Cx<'js>,
    package: Package,
    headers: &SharedHeaders,
    bytes: Bytes,
) -> Fallible<'js, Promise<'js>> {
    let (promise, resolver) = cx.promise()?;
    match package.convert(cx, bytes, &headers.borrow()) {
        Ok(value) => resolver.resolve(cx, &value),
        Err(error) => resolver.reject(cx, &error.to_value(cx)),
    }
    Ok(promise)
}

/// Every byte that comes. What comes in one piece is not copied.
async fn collect(mut stream: ByteStream, room: Room) -> Result<Bytes, Failure> {
    let Some(first) = stream.try_next().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = stream.try_next().await? else {
        return Ok(first);
    };
    let mut all = ChargedBytes::default();
    let mut extend = |bytes: &[u8]| {
        let extended = all.extend(&room, bytes);
        extended.map_err(|message| Failure::from(Exception::new(ExceptionName::TypeError, message)))
    };
    extend(&first)?;
    extend(&second)?;
    while let Some(bytes) = stream.try_next().await? {
        extend(&bytes)?;
    }
    Ok(all.into_bytes())
}

impl Package {
    /// What the bytes are, in this package.
    fn convert<'js>(self, cx: &Cx<'js>, bytes: Bytes, headers: &HeaderList) -> Fallible<'js, Value<'js>> {
        match self {
            // https://fetch.spec.whatwg.org/#dom-body-arraybuffer
            Self::ArrayBuffer => Ok(cx.array_buffer(bytes)?.value()),
            // https://fetch.spec.whatwg.org/#dom-body-bytes
            Self::Bytes => Ok(cx.uint8_array(bytes)?.value()),
            // https://fetch.spec.whatwg.org/#dom-body-blob
            Self::Blob => {
                // Types of blobs are in lower case.
                let type_ = mime::extract(headers).map(|mime| mime.to_string().to_ascii_lowercase());
                let data = BlobData {
                    bytes,
                    type_: type_.unwrap_or_default(),
                };
                Ok(Blob::create(cx, data)?.value())
            }
            Self::FormData => form_data(cx, &bytes, headers),
            // https://fetch.spec.whatwg.org/#dom-body-json
            Self::Json => Ok(cx.parse_json(&UTF_8.decode_with_bom_removal(&bytes).0)?),
            // https://fetch.spec.whatwg.org/#dom-body-text
            Self::Text => Ok(cx.string(&UTF_8.decode_with_bom_removal(&bytes).0)),
        }
    }
}

/// <https://fetch.spec.whatwg.org/#dom-body-formdata>
fn form_data<'js>(cx: &Cx<'js>, bytes: &Bytes, headers: &HeaderList) -> Fallible<'js, Value<'js>> {
    // 2. The MIME type.
    let type_ = mime::extract(headers);
    let essence = type_.as_ref().map(mime::essence).unwrap_or_default();
    let entries = match (&*essence, type_) {
        ("multipart/form-data", Some(type_)) => {
            let boundary = type_.get_parameter("boundary");
            boundary.and_then(|boundary| multipart::parse(bytes, boundary))
        }
        ("application/x-www-form-urlencoded", _) => {
            let pairs = form_urlencoded::parse(bytes);
            let entries = pairs.map(|(name, value)| FormEntry {
                name: name.into_owned(),
                value: FormValue::Text(value.into_owned()),
            });
            Some(entries.collect())
        }
        // 4. Throw a TypeError.
        _ => None,
    };
    let entries = entries
        .ok_or_else(|| Error::type_error(format!("the body is no form: its type is \"{essence}\"")))?;
    Ok(FormData::from_entries(cx, entries)?.value())
}
