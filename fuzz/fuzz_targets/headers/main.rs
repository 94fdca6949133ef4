//! Every header that is read here, in any header list: what is read keeps its rules, says what an independent reader
//! says, and is the same when it is written and read again.
//!
//! The input is a byte of choices, and lines of `name:value`. The name `integrity` stands for a request's integrity
//! metadata.
#![no_main]

mod component;
mod network;
mod program;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choices, lines)) = data.split_first() else {
        return;
    };
    let headers = read(lines);
    component::check(choices, &headers);
    network::check(choices, &headers);
    program::check(&headers);
});

fn read(lines: &[u8]) -> HeaderMap {
    let fields = lines.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((
            name,
            HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
        ))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    headers
}

/// The combined value of every header of this name.
fn combined(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}
