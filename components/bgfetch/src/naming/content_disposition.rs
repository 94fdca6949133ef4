//! The file name in a Content-Disposition field.
//!
//! <https://www.rfc-editor.org/rfc/rfc6266>

use percent_encoding::percent_decode;

/// The file name: `filename*` before `filename`; none where there is none, or the field is not well-formed.
pub(super) fn file_name(value: &[u8]) -> Option<String> {
    let mut rest = Parser(value);
    // The type: inline, attachment, or one that is not known.
    rest.spaces();
    rest.token()?;
    let (mut plain, mut extended) = (None, None);
    loop {
        rest.spaces();
        if rest.0.is_empty() {
            return extended.or(plain);
        }
        rest.byte(b';')?;
        rest.spaces();
        if rest.0.is_empty() {
            // A semicolon at the end is common.
            return extended.or(plain);
        }
        let name = rest.token()?.to_ascii_lowercase();
        rest.spaces();
        rest.byte(b'=')?;
        rest.spaces();
        let value = rest.value()?;
        match name.as_slice() {
            b"filename" if plain.is_none() => plain = Some(text(&value)),
            b"filename*" if extended.is_none() => extended = extended_value(&value),
            _ => {}
        }
    }
}

/// Servers send UTF-8 and ISO-8859-1.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// `charset'language'value`, with percent-encoded bytes.
///
/// <https://www.rfc-editor.org/rfc/rfc8187#section-3.2>
fn extended_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |&byte| byte == b'\'');
    let (charset, _language, value) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes: Vec<u8> = percent_decode(value).collect();
    match charset.to_ascii_lowercase().as_slice() {
        b"utf-8" => String::from_utf8(bytes).ok(),
        b"iso-8859-1" => Some(latin1(&bytes)),
        _ => None,
    }
}

/// What is still to be read.
struct Parser<'a>(&'a [u8]);

impl<'a> Parser<'a> {
    fn spaces(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == expected).then(|| self.0 = rest)
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let token =
            self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string, or what stands up to the next semicolon: many servers forget the quotes.
    fn value(&mut self) -> Option<Vec<u8>> {
        if self.byte(b'"').is_none() {
            let value = self.take_while(|byte| byte != b';').trim_ascii_end();
            return (!value.is_empty()).then(|| value.to_vec());
        }
        let mut value = Vec::new();
        loop {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'"' => return Some(value),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(*escaped);
                }
                other => value.push(*other),
            }
        }
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| !belongs(byte));
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_found() {
        for (value, name) in [
            ("attachment; filename=plain.txt", "plain.txt"),
            ("attachment;filename=\"a b.txt\"", "a b.txt"),
            ("Attachment ; FILENAME = \"a\\\"b\" ;", "a\"b"),
            ("inline; x=y; filename=a b.txt; z=1", "a b.txt"),
            ("attachment; filename=\"a;b\"", "a;b"),
            (
                "attachment; filename=fallback; filename*=UTF-8'en'%e2%82%ac.txt",
                "€.txt",
            ),
            ("attachment; filename*=iso-8859-1''%a3.txt", "£.txt"),
            ("attachment; filename*=utf-7''x; filename=\"y\"", "y"),
            ("attachment; filename*=UTF-8''%ff; filename=\"y\"", "y"),
            ("attachment; filename=\"€\"", "€"),
            ("attachment; filename=first; filename=second", "first"),
        ] {
            assert_eq!(file_name(value.as_bytes()).as_deref(), Some(name), "{value}");
        }
        assert_eq!(file_name(b"attachment; filename=\"\xa3\"").as_deref(), Some("£"));
    }

    #[test]
    fn what_is_not_well_formed_has_no_file_name() {
        for value in [
            "",
            ";",
            "filename=x",
            "attachment",
            "attachment filename=x",
            "attachment; filename",
            "attachment; filename=",
            "attachment; filename=\"x",
            "attachment; filename=\"x\\",
            "attachment; =x",
            "attachment; filename*=x",
        ] {
            assert_eq!(file_name(value.as_bytes()), None, "{value}");
        }
    }
}
