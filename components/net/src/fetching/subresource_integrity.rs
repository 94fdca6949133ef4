//! Subresource integrity: whether the bytes of a body are those that the author expects.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Integrity metadata on its way through a body. The standard reads the body in full, and compares; here its bytes
/// are digested as they stream by, and whoever takes them must not use them before the end.
pub(super) struct IntegrityCheck {
    digest: Digest,
    /// The strongest metadata's values, in base64.
    expected: Vec<String>,
}

/// A valid SRI hash algorithm, the stronger the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

enum Digest {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl IntegrityCheck {
    /// What a body has to match; none where the metadata asks for nothing that is known.
    ///
    /// <https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist>, 1 to 3.
    pub(super) fn new(metadata_list: &str) -> Option<Self> {
        // 1. The parsed metadata.
        let parsed_metadata = parse_metadata(metadata_list);
        // 2. Without any everything matches. 3. The strongest metadata.
        let strongest = parsed_metadata.iter().map(|(algorithm, _)| *algorithm).max()?;
        let of_strongest = parsed_metadata
            .into_iter()
            .filter(|(algorithm, _)| *algorithm == strongest);
        Some(Self {
            digest: Digest::new(strongest),
            expected: of_strongest.map(|(_, value)| value.to_owned()).collect(),
        })
    }

    /// Takes the next bytes of the body.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.digest {
            Digest::Sha256(digest) => digest.update(bytes),
            Digest::Sha384(digest) => digest.update(bytes),
            Digest::Sha512(digest) => digest.update(bytes),
        }
    }

    /// Whether the bytes match.
    ///
    /// <https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist>, 4 and 5.
    pub(super) fn finish(self) -> Result<(), Mismatch> {
        // 4. For each item, with the actual value.
        let actual = match self.digest {
            Digest::Sha256(digest) => ("sha256", STANDARD.encode(digest.finalize())),
            Digest::Sha384(digest) => ("sha384", STANDARD.encode(digest.finalize())),
            Digest::Sha512(digest) => ("sha512", STANDARD.encode(digest.finalize())),
        };
        // 4.4. One match is enough. 5. There is none.
        if self.expected.contains(&actual.1) {
            return Ok(());
        }
        Err(Mismatch {
            algorithm: actual.0,
            actual: actual.1,
        })
    }
}

impl Digest {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }
}

/// <https://w3c.github.io/webappsec-subresource-integrity/#parse-metadata-section>
fn parse_metadata(metadata: &str) -> Vec<(Algorithm, &str)> {
    let item = |item: &'_ str| -> Option<(Algorithm, usize)> {
        // 2.4. and 2.5. The algorithm. 2.6. It must be known.
        let name = item.split('-').next()?;
        let algorithm = match name.to_ascii_lowercase().as_str() {
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return None,
        };
        Some((algorithm, name.len()))
    };
    // 2. For each item, 2.1. and 2.2. without its options.
    metadata
        .split_ascii_whitespace()
        .map(|text| text.split('?').next().unwrap_or_default())
        .filter_map(|text| {
            let (algorithm, length) = item(text)?;
            // 2.7. The value; the empty string where there is none.
            let value = text[length..].split('-').nth(1).unwrap_or_default();
            Some((algorithm, value))
        })
        .collect()
}

/// The bytes are not those that the author expects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    algorithm: &'static str,
    actual: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, actual } = self;
        write!(
            f,
            "its body does not match the integrity metadata, its digest is {algorithm}-{actual}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Of "abc", as NIST publishes them.
    const SHA256: &str = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    const SHA384: &str = "sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn";
    const SHA512: &str =
        "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

    fn matches(metadata: &str) -> Option<bool> {
        let mut check = IntegrityCheck::new(metadata)?;
        check.update(b"a");
        check.update(b"bc");
        Some(check.finish().is_ok())
    }

    #[test]
    fn the_strongest_metadata_decides() {
        let wrong384 = SHA384.replace('y', "z");
        let table = [
            (SHA256.to_owned(), Some(true)),
            (SHA384.to_owned(), Some(true)),
            (SHA512.to_owned(), Some(true)),
            (SHA256.replace("sha256", "SHA256"), Some(true)),
            (format!("{SHA256}?option"), Some(true)),
            (format!(" \t{SHA256}\n "), Some(true)),
            ("sha256-AAAA".to_owned(), Some(false)),
            ("sha256".to_owned(), Some(false)),
            ("sha256-".to_owned(), Some(false)),
            (SHA256.replace("sha256", "sha512"), Some(false)),
            (SHA256.trim_end_matches('=').to_owned(), Some(false)),
            // One of the strongest is enough, and the weaker ones do not count.
            (format!("{wrong384} {SHA384}"), Some(true)),
            (format!("sha256-AAAA {SHA384}"), Some(true)),
            (format!("{SHA256} {wrong384}"), Some(false)),
            (format!("{SHA512} {wrong384}"), Some(true)),
            // What is not known asks for nothing.
            (String::new(), None),
            ("md5-kAFQmDzST7DWlj99KOF/cg==".to_owned(), None),
            (format!("md5-x {SHA256}"), Some(true)),
        ];
        for (metadata, expected) in table {
            assert_eq!(matches(&metadata), expected, "{metadata:?}");
        }
    }
}
