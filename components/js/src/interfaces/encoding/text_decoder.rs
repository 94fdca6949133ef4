//! `TextDecoder`.

use std::cell::RefCell;

use background_fetch::DomString;
use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::bindings::{TextDecodeOptions, TextDecoderMethods, TextDecoderOptions};
use crate::engine::{Cx, Slots};
use crate::webidl::{AllowSharedBufferSource, Error, Fallible, Ref};

/// How bytes become text.
///
/// <https://encoding.spec.whatwg.org/#textdecodercommon>
#[derive(Clone, Copy)]
pub(super) struct Decoding {
    pub(super) encoding: &'static Encoding,
    pub(super) is_fatal: bool,
    pub(super) ignores_bom: bool,
}

impl Decoding {
    /// <https://encoding.spec.whatwg.org/#dom-textdecoder>
    pub(super) fn new<'js>(label: &DomString, options: &TextDecoderOptions) -> Fallible<'js, Self> {
        // 1 and 2.
        let label = label.to_string();
        let encoding = Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
            let label: String = label.chars().take(60).collect();
            Error::Range(format!("\"{label}\" is no encoding"))
        })?;
        // 3 to 5.
        Ok(Self {
            encoding,
            is_fatal: options.fatal,
            ignores_bom: options.ignore_bom,
        })
    }

    pub(super) fn new_decoder(&self) -> Decoder {
        if self.ignores_bom {
            self.encoding.new_decoder_without_bom_handling()
        } else {
            self.encoding.new_decoder_with_bom_removal()
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> DomString {
        self.encoding.name().to_ascii_lowercase().into()
    }

    /// The text of the next bytes, which may be the last.
    pub(super) fn decode<'js>(
        &self,
        decoder: &mut Decoder,
        bytes: &[u8],
        is_last: bool,
    ) -> Fallible<'js, String> {
        let length = decoder.max_utf8_buffer_length(bytes.len());
        let length = length.ok_or_else(|| Error::Range("there are too many bytes".into()))?;
        let mut text = String::with_capacity(length);
        if self.is_fatal {
            let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, is_last);
            if let DecoderResult::Malformed(..) = result {
                let name = self.encoding.name();
                return Err(Error::type_error(format!("the bytes are not {name}")));
            }
        } else {
            // There is room for whatever comes out.
            let _ = decoder.decode_to_string(bytes, &mut text, is_last);
        }
        Ok(text)
    }
}

/// The members of the mixin `TextDecoderCommon`, of what has a field `decoding`.
macro_rules! text_decoder_common {
    () => {
        fn encoding<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok(this.decoding.name())
        }

        fn fatal<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
            Ok(this.decoding.is_fatal)
        }

        fn ignore_bom<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
            Ok(this.decoding.ignores_bom)
        }
    };
}
pub(super) use text_decoder_common;

/// Makes text of bytes in some encoding.
///
/// <https://encoding.spec.whatwg.org/#interface-textdecoder>
pub struct TextDecoder {
    decoding: Decoding,
    /// What goes on with the next bytes, where the last ones were not the end.
    decoder: RefCell<Option<Decoder>>,
}

impl TextDecoderMethods for TextDecoder {
    fn constructor<'js>(
        _: &Cx<'js>,
        _: &Slots<'js>,
        label: DomString,
        options: TextDecoderOptions,
    ) -> Fallible<'js, Self> {
        Ok(Self {
            decoding: Decoding::new(&label, &options)?,
            decoder: RefCell::default(),
        })
    }

    text_decoder_common!();

    /// <https://encoding.spec.whatwg.org/#dom-textdecoder-decode>
    fn decode<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        input: Option<AllowSharedBufferSource<'js>>,
        options: TextDecodeOptions,
    ) -> Fallible<'js, String> {
        // 1. What went on is over where it failed.
        let decoder = this.decoder.take();
        let mut decoder = decoder.unwrap_or_else(|| this.decoding.new_decoder());
        // 2 and 3.
        let is_last = !options.stream;
        let bytes = input
            .map(|input| input.bytes(cx))
            .transpose()?
            .unwrap_or_default();
        // 4 and 5.
        let text = this.decoding.decode(&mut decoder, &bytes, is_last)?;
        if !is_last {
            this.decoder.replace(Some(decoder));
        }
        Ok(text)
    }
}
