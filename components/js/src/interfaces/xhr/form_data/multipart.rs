//! `multipart/form-data`: entries as a body, and back.
//!
//! <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data>

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use super::{FormEntry, FormValue};
use crate::interfaces::{BlobData, FileData};

/// A boundary that no file has by accident.
pub fn boundary() -> String {
    // Each state of the standard library's hashers is a random one.
    let random = || RandomState::new().hash_one(0);
    format!("----form-data-{:016x}{:016x}", random(), random())
}

/// The entries as a body, in the pieces that it consists of; the bytes of files are shared, not copied.
///
/// <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart/form-data-encoding-algorithm>
pub fn serialize(entries: &[FormEntry], boundary: &str) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    for entry in entries {
        let name = escaped(&with_crlf(&entry.name));
        text += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        match &entry.value {
            FormValue::Text(value) => {
                text += "\r\n\r\n";
                text += &with_crlf(value);
            }
            FormValue::File(file) => {
                let type_ = match file.blob.type_.as_str() {
                    "" => "application/octet-stream",
                    type_ => type_,
                };
                let name = escaped(&file.name);
                text += &format!("; filename=\"{name}\"\r\nContent-Type: {type_}\r\n\r\n");
                pieces.push(std::mem::take(&mut text).into());
                pieces.push(file.blob.bytes.clone());
            }
        }
        text += "\r\n";
    }
    text += &format!("--{boundary}--\r\n");
    pieces.push(text.into());
    pieces
}

/// With CR LF for each end of a line.
fn with_crlf(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\n']) {
        return text.into();
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.replace('\n', "\r\n").into()
}

/// As it stands between quotation marks.
fn escaped(text: &str) -> String {
    text.replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22")
}

fn unescaped(text: &str) -> String {
    text.replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%22", "\"")
}

/// The entries of a body; none where it is not what the boundary says. The bytes of files are parts of the body's.
///
/// <https://fetch.spec.whatwg.org/#dom-body-formdata>
pub fn parse(body: &Bytes, boundary: &str) -> Option<Vec<FormEntry>> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut entries = Vec::new();
    let mut place = 0;
    while body[place..].starts_with(b"\r\n") {
        place += 2;
    }
    loop {
        // Each part begins with the boundary; the last is followed by two hyphens.
        let rest = body[place..].strip_prefix(delimiter)?;
        if let Some(end) = rest.strip_prefix(b"--") {
            return matches!(end, b"" | b"\r\n").then_some(entries);
        }
        place += delimiter.len() + if rest.starts_with(b"\r\n") { 2 } else { return None };
        let (head, length) = parse_head(&body[place..])?;
        place += length;
        let end = [b"\r\n", delimiter].concat();
        let length = find(&body[place..], &end)?;
        entries.push(head.entry(body.slice(place..place + length)));
        place += length + 2;
    }
}

/// What the header lines of a part say.
#[derive(Default)]
struct Head {
    name: Option<String>,
    filename: Option<String>,
    type_: Option<String>,
}

impl Head {
    fn entry(self, content: Bytes) -> FormEntry {
        let value = match self.filename {
            Some(name) => {
                let type_ = self.type_.unwrap_or_else(|| "text/plain".to_owned());
                let blob = BlobData {
                    bytes: content,
                    type_: type_.to_ascii_lowercase(),
                };
                FormValue::File(FileData::new(blob, name))
            }
            None => FormValue::Text(String::from_utf8_lossy(&content).into_owned()),
        };
        FormEntry {
            name: self.name.unwrap_or_default(),
            value,
        }
    }
}

/// The header lines of a part, and how many bytes they are with the empty line after them.
fn parse_head(bytes: &[u8]) -> Option<(Head, usize)> {
    let mut head = Head::default();
    let mut place = 0;
    loop {
        let length = find(&bytes[place..], b"\r\n")?;
        let line = &bytes[place..place + length];
        place += length + 2;
        if line.is_empty() {
            head.name.as_ref()?;
            return Some((head, place));
        }
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-disposition") {
            (head.name, head.filename) = parse_disposition(value)?;
        } else if name.eq_ignore_ascii_case("content-type") {
            head.type_ = Some(value.to_owned());
        }
    }
}

/// The name and the filename of `form-data; name="…"; filename="…"`.
fn parse_disposition(value: &str) -> Option<(Option<String>, Option<String>)> {
    let (kind, mut rest) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename) = (None, None);
    loop {
        let (key, after) = rest.split_once('=')?;
        let (text, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => name = Some(unescaped(text)),
            "filename" => filename = Some(unescaped(text)),
            _ => {}
        }
        let after = after.trim_start();
        match after.strip_prefix(';') {
            Some(after) if !after.trim().is_empty() => rest = after,
            Some(_) => return Some((name, filename)),
            None => return after.is_empty().then_some((name, filename)),
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: FormValue) -> FormEntry {
        FormEntry {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let blob = BlobData {
            bytes: Bytes::from_static(b"a\r\n--x\n\0\xff"),
            type_: "image/png".to_owned(),
        };
        let file = FileData::new(blob, "a \"b\"\n.png".to_owned());
        let entries = [
            entry("a\nb\"c", FormValue::Text("1\r2\n3\r\n".into())),
            entry("", FormValue::Text(String::new())),
            entry("file", FormValue::File(file.clone())),
        ];
        let body = serialize(&entries, "xyz").concat();
        let text = String::from_utf8_lossy(&body);
        assert!(text.starts_with(
            "--xyz\r\nContent-Disposition: form-data; name=\"a%0D%0Ab%22c\"\r\n\r\n1\r\n2\r\n3\r\n\r\n"
        ));
        assert!(
            text.contains("name=\"file\"; filename=\"a %22b%22%0A.png\"\r\nContent-Type: image/png\r\n\r\n")
        );
        assert!(text.ends_with("\r\n--xyz--\r\n"));
        let read = parse(&body.into(), "xyz").unwrap();
        assert_eq!(
            read[0],
            entry("a\r\nb\"c", FormValue::Text("1\r\n2\r\n3\r\n".into()))
        );
        assert_eq!(read[1], entries[1]);
        let FormValue::File(other) = &read[2].value else {
            panic!("it is a file")
        };
        assert_eq!((&other.blob, &other.name), (&file.blob, &file.name));
    }

    #[test]
    fn what_is_no_multipart_body_is_refused() {
        let ok = "--b\r\ncontent-disposition: FORM-DATA; Name=a; x=\"1\"\r\nX: y\r\n\r\nv\r\n--b--";
        let parse = |text: &str| parse(&Bytes::copy_from_slice(text.as_bytes()), "b");
        assert_eq!(parse(ok), Some(vec![entry("a", FormValue::Text("v".into()))]));
        assert_eq!(parse("--b--\r\n"), Some(Vec::new()));
        for end in 0..ok.len() {
            assert_eq!(parse(&ok[..end]), None, "{end}");
        }
        assert_eq!(parse("--b\r\n\r\nv\r\n--b--"), None);
        assert_eq!(
            parse("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n--b--"),
            None
        );
        assert_eq!(parse("--c\r\n"), None);
    }
}
