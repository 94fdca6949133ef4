//! What a test that is a document says of itself in its `meta` elements.
//!
//! <https://web-platform-tests.org/writing-tests/testharness.html#specifying-test-variants>

use super::meta::Meta;

/// The metadata of a document: its variants, and whether it may take long.
pub(crate) fn meta_of(source: &str) -> Meta {
    let mut meta = Meta::default();
    for attributes in meta_elements(source) {
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let content = value("content").unwrap_or_default();
        match value("name").map(str::to_ascii_lowercase).as_deref() {
            Some("variant") => meta.variants.push(content.to_owned()),
            Some("timeout") => meta.is_long = content.trim() == "long",
            _ => {}
        }
    }
    meta
}

/// An attribute: its name in lower case, and its value.
type Attribute = (String, String);

/// The attributes of each `meta` element that is neither in a comment nor in a script.
fn meta_elements(source: &str) -> Vec<Vec<Attribute>> {
    let mut elements = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = after(rest, "-->");
        } else if let Some(inside) = tag(rest, "script") {
            let (_, behind) = attributes(inside);
            rest = after_ignoring_case(behind, "</script");
        } else if let Some(inside) = tag(rest, "meta") {
            let (found, behind) = attributes(inside);
            elements.push(found);
            rest = behind;
        } else {
            rest = &rest[1..];
        }
    }
    elements
}

/// What comes after a text; nothing where it is not there.
fn after<'a>(source: &'a str, text: &str) -> &'a str {
    source.split_once(text).map_or("", |(_, behind)| behind)
}

fn after_ignoring_case<'a>(source: &'a str, text: &str) -> &'a str {
    // It has the same length: only ASCII changes.
    let lower = source.to_ascii_lowercase();
    lower.find(text).map_or("", |at| &source[at + text.len()..])
}

/// What follows the name of a tag, where it has this name.
fn tag<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let found = source.get(1..1 + name.len())?;
    let inside = &source[1 + name.len()..];
    let ends = inside.starts_with(|char: char| char.is_ascii_whitespace() || char == '/' || char == '>');
    (found.eq_ignore_ascii_case(name) && ends).then_some(inside)
}

/// The attributes of a tag, and what comes behind it.
///
/// <https://html.spec.whatwg.org/multipage/parsing.html#before-attribute-name-state>
fn attributes(source: &str) -> (Vec<Attribute>, &str) {
    let mut found = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (found, rest.strip_prefix('>').unwrap_or(rest));
        }
        let is_end = |char: char| char.is_ascii_whitespace() || matches!(char, '/' | '>' | '=');
        // An equals sign in front is part of a name.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(is_end).map_or(rest.len(), |end| end + first);
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(behind) = rest.strip_prefix('=') {
            let behind = behind.trim_start();
            (value, rest) = match behind.chars().next() {
                Some(quote @ ('"' | '\'')) => behind[1..].split_once(quote).unwrap_or((&behind[1..], "")),
                _ => {
                    let is_end = |char: char| char.is_ascii_whitespace() || char == '>';
                    behind.split_at(behind.find(is_end).unwrap_or(behind.len()))
                }
            };
        }
        found.push((name, value.replace("&amp;", "&")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_found_in_any_order_and_quoting() {
        for long in [
            "<meta name=\"timeout\" content=\"long\">",
            "<meta name=timeout content=long>",
            "<META content='long'\n name='timeout' />",
            "<!doctype html><meta charset=utf-8><title>a</title><meta  name = timeout content = \"long\">",
            "<script src=a></script><meta name=timeout content=long/ content=long>",
        ] {
            let is_long = meta_of(long).is_long;
            // A slash behind a value without quotes is part of it.
            assert_eq!(is_long, !long.contains("long/"), "{long}");
        }
        for short in [
            "",
            "<",
            "<meta",
            "<meta name=timeout",
            "<meta name=timeout content=short>",
            "<metadata name=timeout content=long>",
            "<!-- <meta name=timeout content=long> -->",
            "<script>'<meta name=timeout content=long>'</SCRIPT >",
            "<meta name=title content='<meta name=timeout content=long>'>",
        ] {
            assert!(!meta_of(short).is_long, "{short}");
        }
    }

    #[test]
    fn a_document_has_all_of_its_variants() {
        let source = "<meta name=\"variant\" content=\"?a&amp;b\">\n<meta content='?c&d' name=variant>\n<meta name=variant content=''>\
                      <!-- <meta name=variant content=?no> --><meta name=viewport content=?no>";
        assert_eq!(meta_of(source).variants, ["?a&b", "?c&d", ""]);
    }
}
