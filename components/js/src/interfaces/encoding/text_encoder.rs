//! `TextEncoder`.

use background_fetch::DomString;

use crate::bindings::{TextEncoderEncodeIntoResult, TextEncoderMethods};
use crate::engine::{Cx, Slots};
use crate::webidl::{Fallible, Ref, Uint8Array};

/// Makes UTF-8 of text.
///
/// <https://encoding.spec.whatwg.org/#interface-textencoder>
pub struct TextEncoder(());

impl TextEncoderMethods for TextEncoder {
    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>) -> Fallible<'js, Self> {
        Ok(Self(()))
    }

    fn encoding<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok("utf-8".into())
    }

    fn encode<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, input: String) -> Fallible<'js, Uint8Array<'js>> {
        Ok(Uint8Array(cx.uint8_array(input)?))
    }

    /// <https://encoding.spec.whatwg.org/#dom-textencoder-encodeinto>
    fn encode_into<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        source: String,
        destination: Uint8Array<'js>,
    ) -> Fallible<'js, TextEncoderEncodeIntoResult> {
        let view = destination.0.view(cx)?;
        let room = view.as_ref().map_or(0, |view| view.length);
        // Whole characters only.
        let written = source.floor_char_boundary(room);
        let fits = &source[..written];
        if let Some(view) = view {
            view.buffer.write_array_buffer(view.offset, fits.as_bytes());
        }
        let read: usize = fits.chars().map(char::len_utf16).sum();
        Ok(TextEncoderEncodeIntoResult {
            read: Some(read as u64),
            written: Some(written as u64),
        })
    }
}
