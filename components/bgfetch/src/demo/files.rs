//! The files of the demo.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::loopback::{self, Resource};
use crate::output::bytes;

const MIB: u64 = 1 << 20;

/// A file that the demo's server has.
pub(super) struct File {
    pub(super) path: &'static str,
    /// The name that it is saved under.
    pub(super) name: &'static str,
    pub(super) length: u64,
    /// In bytes a second.
    pub(super) rate: u64,
    /// Where the server drops the connection.
    pub(super) drops: &'static [u64],
    /// Whether the server says the name, and the URL another.
    named_by_server: bool,
}

pub(super) const FILES: &[File] = &[
    File {
        path: "/atlas.tiff",
        name: "atlas.tiff",
        length: 24 * MIB,
        rate: 6 * MIB,
        drops: &[17 * MIB],
        named_by_server: false,
    },
    File {
        path: "/ocean.flac",
        name: "ocean.flac",
        length: 16 * MIB,
        rate: 4 * MIB,
        drops: &[],
        named_by_server: false,
    },
    File {
        path: "/manual.pdf",
        name: "manual.pdf",
        length: 12 * MIB,
        rate: 4 * MIB,
        drops: &[3 * MIB, 9 * MIB],
        named_by_server: false,
    },
    File {
        path: "/tables.csv",
        name: "tables.csv",
        length: 6 * MIB,
        rate: 3 * MIB / 2,
        drops: &[],
        named_by_server: false,
    },
    File {
        path: "/d7",
        name: "field notes.txt",
        length: 2 * MIB,
        rate: MIB / 2,
        drops: &[],
        named_by_server: true,
    },
];

impl File {
    pub(super) fn resource(&self) -> Resource {
        let resource = Resource::pattern(self.length, self.length).rate(self.rate);
        let resource = self
            .drops
            .iter()
            .fold(resource, |resource, &at| resource.drop_at(at));
        if self.named_by_server {
            resource.header(
                "Content-Disposition",
                &format!("attachment; filename=\"{}\"", self.name),
            )
        } else {
            resource
        }
    }

    /// What the server does to it, in words.
    pub(super) fn trouble(&self) -> String {
        match self.drops {
            [] if self.named_by_server => format!("  is called {:?}", self.name),
            [] => String::new(),
            drops => {
                let at: Vec<String> = drops.iter().map(|&at| bytes(at)).collect();
                format!("  drops the connection at {}", at.join(" and "))
            }
        }
    }

    pub(super) fn sha256(&self) -> String {
        loopback::sha256(self.length, self.length)
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
