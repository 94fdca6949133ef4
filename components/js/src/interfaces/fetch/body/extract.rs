//! A body of what a script gives.

use super::{Body, Moved};
use crate::bindings::BodyInit;
use crate::engine::Cx;
use crate::interfaces::FormData;
use crate::interfaces::form_data::multipart;
use crate::realm::Charge;
use crate::webidl::{Error, Fallible};

/// A body with its type.
///
/// <https://fetch.spec.whatwg.org/#body-with-type>
pub(in crate::interfaces::fetch) struct Extracted<'js> {
    /// The body.
    pub(in crate::interfaces::fetch) body: Moved<'js>,
    /// Its type; empty where it has none.
    pub(in crate::interfaces::fetch) type_: String,
    /// Whether its bytes are here: what a stream gives is not.
    pub(in crate::interfaces::fetch) has_source: bool,
}

/// Extracts a body.
///
/// <https://fetch.spec.whatwg.org/#concept-bodyinit-extract>
///
/// # Errors
///
/// A TypeError where it is a stream that was read from, or that somebody reads, or that is to outlive its page.
pub(in crate::interfaces::fetch) fn extract<'js>(
    cx: &Cx<'js>,
    object: &BodyInit<'js>,
    keepalive: bool,
) -> Fallible<'js, Extracted<'js>> {
    let (bytes, type_) = match object {
        BodyInit::Blob(blob) => {
            let data = blob.data();
            (data.bytes.clone(), data.type_.clone())
        }
        BodyInit::BufferSource(source) => (Charge::bytes(cx, source.bytes(cx)?)?, String::new()),
        BodyInit::FormData(form) => {
            let boundary = multipart::boundary();
            let pieces = multipart::serialize(&FormData::entries(form, cx)?, &boundary);
            let type_ = format!("multipart/form-data; boundary={boundary}");
            (Charge::bytes(cx, pieces.concat())?, type_)
        }
        BodyInit::URLSearchParams(params) => {
            let type_ = "application/x-www-form-urlencoded;charset=UTF-8";
            (
                Charge::bytes(cx, params.serialize().into_bytes())?,
                type_.to_owned(),
            )
        }
        BodyInit::UsvString(text) => {
            let bytes = Charge::bytes(cx, text.clone().into_bytes())?;
            (bytes, "text/plain;charset=UTF-8".to_owned())
        }
        BodyInit::ReadableStream(stream) => {
            if keepalive {
                return Err(Error::type_error(
                    "the body of a request with keepalive is no stream",
                ));
            }
            if stream.is_disturbed(cx) || stream.is_locked(cx) {
                return Err(Error::type_error(
                    "the stream is locked, or was read from already",
                ));
            }
            return Ok(Extracted {
                body: Moved::of_stream(stream),
                type_: String::new(),
                has_source: false,
            });
        }
    };
    Ok(Extracted {
        body: Body::bytes(bytes).into(),
        type_,
        has_source: true,
    })
}
