//! `Blob`: bytes that never change, and their type.

use background_fetch::DomString;
use bytes::Bytes;
use encoding_rs::UTF_8;
use futures::{StreamExt, stream};

use crate::bindings::{BlobMethods, BlobPart, BlobPropertyBag, EndingType};
use crate::engine::{Cx, Promise, Slots};
use crate::interfaces::ReadableStream;
use crate::realm::Charge;
use crate::webidl::{Clamp, Fallible, Ref, Serializable, ToJs, create, promise_of};

/// Bytes that never change, and their type.
///
/// <https://w3c.github.io/FileAPI/#dfn-Blob>
pub struct Blob(BlobData);

/// What a blob is, outside of its realm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobData {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its type: in lower case, with characters of ASCII that can be printed, or empty.
    pub type_: String,
}

/// The size of the chunks of its stream.
const STREAM_CHUNK: usize = 64 << 10;

impl Blob {
    /// A blob of this data.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(cx: &Cx<'js>, data: BlobData) -> Fallible<'js, Ref<'js, Self>> {
        create(cx, Self(data), Slots::default())
    }

    /// What it is.
    pub fn data(&self) -> &BlobData {
        &self.0
    }

    /// What the constructors of blobs and files make.
    pub(super) fn from_parts<'js>(
        cx: &Cx<'js>,
        parts: Vec<BlobPart<'js>>,
        options: &BlobPropertyBag,
    ) -> Fallible<'js, Self> {
        Ok(Self(BlobData {
            bytes: process_parts(cx, parts, options.endings)?,
            type_: normalized_type(&options.type_),
        }))
    }
}

impl From<BlobData> for Blob {
    fn from(data: BlobData) -> Self {
        Self(data)
    }
}

/// <https://w3c.github.io/FileAPI/#process-blob-parts>
fn process_parts<'js>(cx: &Cx<'js>, parts: Vec<BlobPart<'js>>, endings: EndingType) -> Fallible<'js, Bytes> {
    // What is one blob already is not copied.
    if let [BlobPart::Blob(only)] = &parts[..] {
        return Ok(only.data().bytes.clone());
    }
    let mut charge = Charge::default();
    let mut bytes = Vec::new();
    let mut append = |part: &[u8]| -> Fallible<'js, ()> {
        if bytes.len() + part.len() > bytes.capacity() {
            // The vector doubles.
            charge = Charge::new(cx, (bytes.len() * 2).max(bytes.len() + part.len()))?;
        }
        bytes.extend_from_slice(part);
        Ok(())
    };
    for part in parts {
        match part {
            BlobPart::UsvString(text) if endings == EndingType::Native => {
                append(with_native_line_endings(&text).as_bytes())?;
            }
            BlobPart::UsvString(text) => append(text.as_bytes())?,
            BlobPart::BufferSource(source) => append(&source.bytes(cx)?)?,
            BlobPart::Blob(blob) => append(&blob.data().bytes)?,
        }
    }
    drop(charge);
    bytes.shrink_to_fit();
    Charge::bytes(cx, bytes)
}

/// <https://w3c.github.io/FileAPI/#convert-line-endings-to-native>
fn with_native_line_endings(text: &str) -> String {
    let native = if cfg!(windows) { "\r\n" } else { "\n" };
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\n', native)
}

/// The type that a script's string stands for.
fn normalized_type(type_: &DomString) -> String {
    let is_allowed = type_.code_units().iter().all(|unit| (0x20..=0x7e).contains(unit));
    if is_allowed {
        type_.to_string().to_ascii_lowercase()
    } else {
        String::new()
    }
}

impl Serializable for Blob {
    type Data = BlobData;

    fn serialize<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, BlobData> {
        Ok(this.0.clone())
    }

    fn deserialize<'js>(cx: &Cx<'js>, data: BlobData) -> Fallible<'js, Ref<'js, Self>> {
        Self::create(cx, data)
    }
}

impl BlobMethods for Blob {
    fn kept_bytes(&self) -> usize {
        // Its bytes are charged where they were made.
        self.0.type_.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        blob_parts: Option<Vec<BlobPart<'js>>>,
        options: BlobPropertyBag,
    ) -> Fallible<'js, Self> {
        Self::from_parts(cx, blob_parts.unwrap_or_default(), &options)
    }

    fn size<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
        Ok(this.0.bytes.len() as u64)
    }

    fn type_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.0.type_.as_str().into())
    }

    /// <https://w3c.github.io/FileAPI/#slice-blob>
    fn slice<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        start: Option<Clamp<i64>>,
        end: Option<Clamp<i64>>,
        content_type: Option<DomString>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        // 1.
        let size = this.0.bytes.len() as i64;
        // 2 and 3. What is negative counts from the end.
        let relative = |place: i64| {
            let place = if place < 0 { size + place } else { place };
            place.clamp(0, size) as usize
        };
        let start = start.map_or(0, |start| relative(start.0));
        let end = end.map_or(size as usize, |end| relative(end.0));
        // 4 to 6.
        Self::create(
            cx,
            BlobData {
                bytes: this.0.bytes.slice(start..end.max(start)),
                type_: content_type.as_ref().map(normalized_type).unwrap_or_default(),
            },
        )
    }

    /// <https://w3c.github.io/FileAPI/#blob-get-stream>
    fn stream<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ReadableStream<'js>> {
        let mut rest = this.0.bytes.clone();
        let chunks = std::iter::from_fn(move || {
            let chunk = rest.split_to(rest.len().min(STREAM_CHUNK));
            (!chunk.is_empty()).then_some(Ok(chunk))
        });
        ReadableStream::from_bytes(cx, stream::iter(chunks).boxed_local())
    }

    fn text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let bytes = this.0.bytes.clone();
        promise_of(cx, async { Ok(bytes) }, |cx, bytes| {
            let (text, _) = UTF_8.decode_with_bom_removal(&bytes);
            Ok(cx.string(&text))
        })
    }

    fn array_buffer<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let bytes = this.0.bytes.clone();
        promise_of(cx, async { Ok(bytes) }, |cx, bytes| {
            cx.array_buffer(bytes)?.to_js(cx)
        })
    }

    fn bytes<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let bytes = this.0.bytes.clone();
        promise_of(cx, async { Ok(bytes) }, |cx, bytes| {
            cx.uint8_array(bytes)?.to_js(cx)
        })
    }
}
