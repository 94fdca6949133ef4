//! What the bytes of a blob become in a reader.

use background_fetch::DomString;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_url::mime::Mime;
use encoding_rs::{Encoding, UTF_8};

use super::BlobData;
use crate::bindings::DomStringOrArrayBuffer;
use crate::engine::Cx;
use crate::webidl::{ArrayBuffer, Fallible};

/// What somebody wants.
#[derive(Clone, Debug)]
pub(super) enum Package {
    ArrayBuffer,
    BinaryString,
    DataUrl,
    /// In the encoding of this label, where there is one.
    Text(Option<DomString>),
}

impl Package {
    /// <https://w3c.github.io/FileAPI/#blob-package-data>
    pub(super) fn data<'js>(
        &self,
        cx: &Cx<'js>,
        blob: &BlobData,
    ) -> Fallible<'js, DomStringOrArrayBuffer<'js>> {
        Ok(match self {
            Self::ArrayBuffer => {
                DomStringOrArrayBuffer::ArrayBuffer(ArrayBuffer(cx.array_buffer(blob.bytes.clone())?))
            }
            text => DomStringOrArrayBuffer::DomString(text.text(blob)),
        })
    }

    /// The same, of what is a text.
    pub(super) fn text(&self, blob: &BlobData) -> DomString {
        match self {
            Self::ArrayBuffer | Self::BinaryString => {
                let units: Vec<u16> = blob.bytes.iter().map(|byte| u16::from(*byte)).collect();
                DomString::from_code_units(units)
            }
            Self::DataUrl => {
                let type_ = match blob.type_.as_str() {
                    "" => "application/octet-stream",
                    type_ => type_,
                };
                format!("data:{type_};base64,{}", STANDARD.encode(&blob.bytes)).into()
            }
            Self::Text(label) => {
                // 1 and 2. The encoding that was asked for; 3. that of the type; 4. UTF-8.
                let of_label = |label: &str| Encoding::for_label(label.as_bytes());
                let asked = label.as_ref().and_then(|label| of_label(&label.to_string()));
                let of_type = || {
                    let type_: Mime = blob.type_.parse().ok()?;
                    of_label(type_.get_parameter("charset")?)
                };
                let encoding = asked.or_else(of_type).unwrap_or(UTF_8);
                // 5.
                encoding.decode(&blob.bytes).0.into_owned().into()
            }
        }
    }
}
