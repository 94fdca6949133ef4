//! MIME types of header lists.

use std::str::FromStr;

use data_url::mime::Mime;

use super::HeaderList;

/// <https://mimesniff.spec.whatwg.org/#parse-a-mime-type-from-bytes>
pub(super) fn parse(bytes: &[u8]) -> Option<Mime> {
    Mime::from_str(&isomorphic(bytes)).ok()
}

/// Bytes as the characters of the same numbers.
///
/// <https://infra.spec.whatwg.org/#isomorphic-decode>
pub(super) fn isomorphic(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// <https://mimesniff.spec.whatwg.org/#mime-type-essence>
pub(super) fn essence(mime: &Mime) -> String {
    format!("{}/{}", mime.type_, mime.subtype)
}

/// The MIME type that the `Content-Type` headers say.
///
/// <https://fetch.spec.whatwg.org/#concept-header-extract-mime-type>
pub(super) fn extract(headers: &HeaderList) -> Option<Mime> {
    // 1 to 3.
    let mut charset: Option<String> = None;
    let mut found: Option<Mime> = None;
    // 4 to 6. For each value.
    let values = headers.get(b"content-type")?;
    for value in split(&values) {
        // 6.1 and 6.2.
        let Some(mut temporary) = parse(value).filter(|mime| essence(mime) != "*/*") else {
            continue;
        };
        let own_charset = temporary.get_parameter("charset").map(ToOwned::to_owned);
        // 6.3 and 6.4.
        if found.as_ref().map(essence) != Some(essence(&temporary)) {
            charset = own_charset;
        } else if let (None, Some(charset)) = (own_charset, &charset) {
            // 6.5. That of the one before.
            temporary.parameters.push(("charset".to_owned(), charset.clone()));
        }
        found = Some(temporary);
    }
    // 7 and 8.
    found
}

/// The values of a combined header: split at the commas that stand outside of quotation marks.
///
/// <https://fetch.spec.whatwg.org/#header-value-get-decode-and-split>
fn split(value: &[u8]) -> Vec<&[u8]> {
    let mut values = Vec::new();
    let (mut begin, mut is_quoted, mut is_escaped) = (0, false, false);
    for (place, byte) in value.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                values.push(value[begin..place].trim_ascii());
                begin = place + 1;
            }
            _ => {}
        }
    }
    values.push(value[begin..].trim_ascii());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_valid_type_wins_and_inherits_a_charset_of_the_same_type() {
        let extracted = |values: &[&str]| {
            let mut headers = HeaderList::default();
            for value in values {
                headers.append(b"Content-Type", value.as_bytes().to_vec());
            }
            extract(&headers).map(|mime| mime.to_string())
        };
        assert_eq!(extracted(&[]), None);
        assert_eq!(
            extracted(&["text/plain;charset=gbk", "text/html"]).unwrap(),
            "text/html"
        );
        assert_eq!(
            extracted(&["text/html;charset=gbk;a=b", "text/html;x=y"]).unwrap(),
            "text/html;x=y;charset=gbk"
        );
        assert_eq!(
            extracted(&["text/html;charset=gbk", "*/*", "nonsense", "text/html"]).unwrap(),
            "text/html;charset=gbk"
        );
        assert_eq!(extracted(&["text/html;a=\"b,c\\\",d\", x/y"]).unwrap(), "x/y");
    }
}
