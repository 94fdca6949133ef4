//! `TextDecoderStream`.

use std::cell::RefCell;

use background_fetch::DomString;
use encoding_rs::Decoder;

use super::text_decoder::{Decoding, text_decoder_common};
use crate::bindings::{TextDecoderOptions, TextDecoderStreamMethods};
use crate::engine::{Cx, Slots, Value};
use crate::interfaces::streams::transform::{Transformer, generic_transform_stream, set_up};
use crate::webidl::{AllowSharedBufferSource, Fallible, FromJs, Ref};

/// Makes text of bytes that go through it.
///
/// <https://encoding.spec.whatwg.org/#interface-textdecoderstream>
pub struct TextDecoderStream {
    decoding: Decoding,
}

struct Decodes {
    decoding: Decoding,
    decoder: RefCell<Decoder>,
}

impl Decodes {
    fn decode<'js>(&self, cx: &Cx<'js>, bytes: &[u8], is_last: bool) -> Fallible<'js, Value<'js>> {
        let mut decoder = self.decoder.borrow_mut();
        let text = self.decoding.decode(&mut decoder, bytes, is_last)?;
        Ok(match text.as_str() {
            "" => cx.undefined(),
            text => cx.string(text),
        })
    }
}

impl Transformer for Decodes {
    /// <https://encoding.spec.whatwg.org/#decode-and-enqueue-a-chunk>
    fn transform<'js>(&self, cx: &Cx<'js>, chunk: &Value<'js>) -> Fallible<'js, Value<'js>> {
        let bytes = AllowSharedBufferSource::from_js(cx, chunk)?.bytes(cx)?;
        self.decode(cx, &bytes, false)
    }

    /// <https://encoding.spec.whatwg.org/#flush-and-enqueue>
    fn flush<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        self.decode(cx, &[], true)
    }
}

impl TextDecoderStreamMethods for TextDecoderStream {
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        label: DomString,
        options: TextDecoderOptions,
    ) -> Fallible<'js, Self> {
        let decoding = Decoding::new(&label, &options)?;
        let decodes = Decodes {
            decoding,
            decoder: RefCell::new(decoding.new_decoder()),
        };
        set_up(cx, slots, decodes)?;
        Ok(Self { decoding })
    }

    text_decoder_common!();
    generic_transform_stream!();
}
