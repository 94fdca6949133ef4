//! Structured field values, as far as the fields of resumable uploads need them: integers and booleans are told
//! apart, everything else is only parsed, so that what is malformed anywhere is ignored as a whole.
//!
//! <https://www.rfc-editor.org/rfc/rfc9651.html#section-4.2>

/// A bare item; an inner list too, where a dictionary's member may be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BareItem {
    /// An Integer: at most 15 digits.
    Integer(i64),
    /// A Boolean.
    Boolean(bool),
    /// Anything else.
    Other,
}

impl BareItem {
    /// A non-negative Integer.
    pub(super) fn unsigned(self) -> Option<u64> {
        match self {
            Self::Integer(value) => value.try_into().ok(),
            _ => None,
        }
    }
}

/// An Item, without its parameters; none where it is malformed.
pub(super) fn item(value: &[u8]) -> Option<BareItem> {
    let mut rest = Parser(value);
    rest.spaces();
    let item = rest.item()?;
    rest.spaces();
    rest.0.is_empty().then_some(item)
}

/// The members of a Dictionary, in which the last of a key counts; none where it is malformed.
pub(super) fn dictionary(value: &[u8]) -> Option<Vec<(&[u8], BareItem)>> {
    let mut rest = Parser(value);
    let mut members = Vec::new();
    rest.spaces();
    while !rest.0.is_empty() {
        let key = rest.key()?;
        let member = if !rest.next_is(b'=') {
            rest.parameters()?;
            BareItem::Boolean(true)
        } else if rest.0.starts_with(b"(") {
            rest.inner_list()?;
            BareItem::Other
        } else {
            rest.item()?
        };
        members.retain(|(found, _)| *found != key);
        members.push((key, member));
        rest.optional_white_space();
        if rest.0.is_empty() {
            break;
        }
        rest.expect(b',')?;
        rest.optional_white_space();
        if rest.0.is_empty() {
            // A comma at the end.
            return None;
        }
    }
    Some(members)
}

/// What is still to be read.
struct Parser<'a>(&'a [u8]);

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.0.first() == Some(&byte);
        if is {
            self.0 = &self.0[1..];
        }
        is
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.next_is(byte).then_some(())
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| !belongs(byte));
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    fn spaces(&mut self) {
        self.take_while(|byte| byte == b' ');
    }

    fn optional_white_space(&mut self) {
        self.take_while(|byte| byte == b' ' || byte == b'\t');
    }

    /// 4.2.3. An item with its parameters.
    fn item(&mut self) -> Option<BareItem> {
        let item = self.bare_item()?;
        self.parameters()?;
        Some(item)
    }

    /// 4.2.1.2. An inner list with its parameters.
    fn inner_list(&mut self) -> Option<()> {
        self.expect(b'(')?;
        loop {
            self.spaces();
            if self.next_is(b')') {
                return self.parameters();
            }
            self.item()?;
            if !matches!(self.0.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    /// 4.2.3.2. Parameters.
    fn parameters(&mut self) -> Option<()> {
        while self.next_is(b';') {
            self.spaces();
            self.key()?;
            if self.next_is(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    /// 4.2.3.3. A key.
    fn key(&mut self) -> Option<&'a [u8]> {
        let key = self
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte));
        let first = key.first()?;
        (first.is_ascii_lowercase() || *first == b'*').then_some(key)
    }

    /// 4.2.3.1. A bare item.
    fn bare_item(&mut self) -> Option<BareItem> {
        match self.0.first()? {
            b'-' | b'0'..=b'9' => return self.number(),
            b'?' => return self.boolean(),
            b'"' => self.string()?,
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => self.token(),
            b':' => self.byte_sequence()?,
            b'@' => self.date()?,
            b'%' => self.display_string()?,
            _ => return None,
        }
        Some(BareItem::Other)
    }

    /// 4.2.4. An Integer or a Decimal.
    fn number(&mut self) -> Option<BareItem> {
        let sign = if self.next_is(b'-') { -1 } else { 1 };
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if !self.next_is(b'.') {
            let value: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            return (digits.len() <= 15).then_some(BareItem::Integer(sign * value));
        }
        let fraction = self.take_while(|byte| byte.is_ascii_digit());
        let is_decimal = (1..=12).contains(&digits.len()) && (1..=3).contains(&fraction.len());
        is_decimal.then_some(BareItem::Other)
    }

    /// 4.2.5. A String.
    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' if !matches!(self.next()?, b'"' | b'\\') => return None,
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    /// 4.2.6. A Token.
    fn token(&mut self) {
        self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
    }

    /// 4.2.7. A Byte Sequence: base64, whose padding may be missing.
    fn byte_sequence(&mut self) -> Option<()> {
        self.expect(b':')?;
        let digits = self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        let padding = self.take_while(|byte| byte == b'=');
        let over = digits.len() % 4;
        let is_base64 = over != 1 && padding.len() <= (4 - over) % 4;
        is_base64.then(|| self.expect(b':'))?
    }

    /// 4.2.8. A Boolean.
    fn boolean(&mut self) -> Option<BareItem> {
        self.expect(b'?')?;
        match self.next()? {
            b'0' => Some(BareItem::Boolean(false)),
            b'1' => Some(BareItem::Boolean(true)),
            _ => None,
        }
    }

    /// 4.2.9. A Date.
    fn date(&mut self) -> Option<()> {
        self.expect(b'@')?;
        matches!(self.number()?, BareItem::Integer(_)).then_some(())
    }

    /// 4.2.10. A Display String.
    fn display_string(&mut self) -> Option<()> {
        self.expect(b'%')?;
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b'"' => return std::str::from_utf8(&text).is_ok().then_some(()),
                b'%' => {
                    let (high, low) = (hex_digit(self.next()?)?, hex_digit(self.next()?)?);
                    text.push(16 * high + low);
                }
                byte @ b' '..=b'~' => text.push(byte),
                _ => return None,
            }
        }
    }
}

/// A hexadecimal digit, in lower case.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BareItem::*;

    #[test]
    fn items_are_read_whole_or_not_at_all() {
        for (value, expected) in [
            ("0", Some(Integer(0))),
            (" 25 ", Some(Integer(25))),
            ("-7;a=b", Some(Integer(-7))),
            ("999999999999999", Some(Integer(999_999_999_999_999))),
            ("1000000000000000", None),
            ("?1;x=(a)", None),
            ("?1;x=\"a;b\"; y", Some(Boolean(true))),
            ("?0", Some(Boolean(false))),
            ("?2", None),
            ("1.5", Some(Other)),
            ("1.", None),
            ("1.2345", None),
            ("\"a\\\"b\"", Some(Other)),
            ("\"a\\b\"", None),
            ("token/x:y", Some(Other)),
            (":aGk=:", Some(Other)),
            (":aGk:", Some(Other)),
            ("::", Some(Other)),
            (":aGk=", None),
            (":=kGa:", None),
            (":aGk==:", None),
            (":aGkxx:", None),
            ("@1659578233", Some(Other)),
            ("@1.5", None),
            ("%\"%c3%bc\"", Some(Other)),
            ("%\"%C3%BC\"", None),
            ("%\"%c3\"", None),
            ("", None),
            ("1, 2", None),
            ("1;", None),
            ("1;=", None),
            ("\t1", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(item(value.as_bytes()), expected, "{value:?}");
        }
    }

    #[test]
    fn the_last_member_of_a_key_counts_and_what_is_quoted_is_none() {
        let found = |value: &'static str| dictionary(value.as_bytes());
        let member = |key: &'static str, item| (key.as_bytes(), item);
        assert_eq!(found(""), Some(Vec::new()));
        assert_eq!(
            found("a=1,\tb;x=2 , c=(1 \"two, a=3\");y, a=4"),
            Some(vec![
                member("b", Boolean(true)),
                member("c", Other),
                member("a", Integer(4))
            ])
        );
        assert_eq!(
            found("note=\"x, a=1\", b=?0"),
            Some(vec![member("note", Other), member("b", Boolean(false))])
        );
        for malformed in ["a=1,", ",a", "a=", "A=1", "a=1 b=2", "a=(1", "a=(1,2)", "a==1"] {
            assert_eq!(found(malformed), None, "{malformed:?}");
        }
    }
}
