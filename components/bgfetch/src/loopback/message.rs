//! Reading requests: HTTP/1.1, as far as a test server needs it.

use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};

/// The longest head of a request, in bytes.
const LONGEST_HEAD: u64 = 4 << 20;

/// A request.
pub(super) struct Message {
    pub(super) method: String,
    pub(super) path: String,
    /// With names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// Of the body, once it is read.
    pub(super) body_length: u64,
    pub(super) body_sha256: String,
}

impl Message {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The first byte of a range that has no end, which is what is asked for on resume.
    pub(super) fn range_start(&self) -> Option<u64> {
        self.header("range")?
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// Reads a request with its body; none where the client closed the connection.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut message = read_head(from)?;
    if let Some(message) = &mut message {
        read_body(from, message)?;
    }
    Ok(message)
}

/// Reads a request up to its body.
pub(super) fn read_head(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut head = from.take(LONGEST_HEAD);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        head.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Some(Message {
        method,
        path,
        headers,
        body_length: 0,
        body_sha256: String::new(),
    }))
}

fn read_body(from: &mut impl BufRead, message: &mut Message) -> io::Result<()> {
    let mut digest = Sha256::new();
    if message.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            message.body_length += copy(from, size, &mut digest)?;
            line.clear();
            from.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = message.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        message.body_length = copy(from, length, &mut digest)?;
    }
    message.body_sha256 = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(())
}

fn copy(from: &mut impl BufRead, length: u64, digest: &mut Sha256) -> io::Result<u64> {
    let mut rest = from.take(length);
    let copied = io::copy(&mut rest, digest)?;
    if copied < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(copied)
}
