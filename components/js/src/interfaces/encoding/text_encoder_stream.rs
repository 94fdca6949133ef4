//! `TextEncoderStream`.

use std::cell::Cell;

use background_fetch::DomString;

use crate::bindings::TextEncoderStreamMethods;
use crate::engine::{Cx, Slots, Value};
use crate::interfaces::streams::transform::{Transformer, generic_transform_stream, set_up};
use crate::webidl::{Fallible, FromJs, Ref};

/// Makes UTF-8 of text that goes through it.
///
/// <https://encoding.spec.whatwg.org/#interface-textencoderstream>
pub struct TextEncoderStream(());

#[derive(Default)]
struct Encodes {
    /// The leading surrogate at the end of the last chunk: its other half may come with the next.
    leading: Cell<Option<u16>>,
}

impl Transformer for Encodes {
    /// <https://encoding.spec.whatwg.org/#encode-and-enqueue-a-chunk>
    fn transform<'js>(&self, cx: &Cx<'js>, chunk: &Value<'js>) -> Fallible<'js, Value<'js>> {
        let chunk = DomString::from_js(cx, chunk)?;
        let units = chunk.code_units();
        if units.is_empty() {
            return Ok(cx.undefined());
        }
        let mut rest = units;
        let leading = match units.last() {
            Some(last @ 0xD800..=0xDBFF) => {
                rest = &units[..units.len() - 1];
                Some(*last)
            }
            _ => None,
        };
        let units = self
            .leading
            .replace(leading)
            .into_iter()
            .chain(rest.iter().copied());
        let text: String = char::decode_utf16(units)
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        match text.is_empty() {
            true => Ok(cx.undefined()),
            false => Ok(cx.uint8_array(text)?.value()),
        }
    }

    /// <https://encoding.spec.whatwg.org/#encode-and-flush>
    fn flush<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        match self.leading.take() {
            Some(_) => Ok(cx.uint8_array("\u{fffd}")?.value()),
            None => Ok(cx.undefined()),
        }
    }
}

impl TextEncoderStreamMethods for TextEncoderStream {
    fn constructor<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, Self> {
        set_up(cx, slots, Encodes::default())?;
        Ok(Self(()))
    }

    fn encoding<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok("utf-8".into())
    }

    generic_transform_stream!();
}
