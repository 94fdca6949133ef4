//! `btoa` and `atob`.

use background_fetch::DomString;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::webidl::{ByteString, Error, Fallible};

/// Forgiving: padding may be there, and the last bits are whatever they are.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// <https://html.spec.whatwg.org/multipage/webappapis.html#dom-btoa>
pub(super) fn btoa<'js>(data: &DomString) -> Fallible<'js, DomString> {
    let bytes: Result<Vec<u8>, _> = data.code_units().iter().map(|unit| u8::try_from(*unit)).collect();
    let bytes = bytes.map_err(|_| {
        Error::dom(
            "InvalidCharacterError",
            "the string has a character above U+00FF: encode it as UTF-8 first",
        )
    })?;
    Ok(FORGIVING.encode(bytes).into())
}

/// <https://html.spec.whatwg.org/multipage/webappapis.html#dom-atob>
pub(super) fn atob<'js>(data: &DomString) -> Fallible<'js, ByteString> {
    let invalid = || Error::dom("InvalidCharacterError", "the string is not base64");
    let text: Result<Vec<u8>, _> = data.code_units().iter().map(|unit| u8::try_from(*unit)).collect();
    let bytes = forgiving_base64_decode(&text.map_err(|_| invalid())?).ok_or_else(invalid)?;
    Ok(ByteString(bytes))
}

/// <https://infra.spec.whatwg.org/#forgiving-base64-decode>
fn forgiving_base64_decode(data: &[u8]) -> Option<Vec<u8>> {
    // 1. No ASCII white space.
    let mut text: Vec<u8> = data.to_vec();
    text.retain(|byte| !matches!(byte, b'\t' | b'\n' | b'\x0C' | b'\r' | b' '));
    // 2. One or two equals signs, where they fill up the last four.
    if text.len().is_multiple_of(4) {
        for _ in 0..2 {
            if text.last() == Some(&b'=') {
                text.pop();
            }
        }
    }
    // 3. and 4. What remains is of the alphabet, and not one over.
    if text.len() % 4 == 1 || text.contains(&b'=') {
        return None;
    }
    FORGIVING.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_is_forgiving_as_far_as_the_standard_says() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            (" Y\nQ = = ", Some(b"a")),
            ("YQ", Some(b"a")),
            ("YR", Some(b"a")),
            ("YQ=", None),
            ("YQ===", None),
            ("Y", None),
            ("=", None),
            ("YQ==YQ==", None),
            ("-_", None),
        ] {
            assert_eq!(
                forgiving_base64_decode(text.as_bytes()).as_deref(),
                bytes,
                "{text:?}"
            );
        }
    }
}
