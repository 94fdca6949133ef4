//! A certificate for the server on the loopback, from an authority that lives as long as the session.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, Error, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::failure::Failure;

/// Files in PEM.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// Whom to trust.
    pub(crate) root: PathBuf,
    /// The server's.
    pub(crate) server: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes one for 127.0.0.1, in files of a folder.
    pub(crate) fn make(folder: &Path) -> Result<Self, Failure> {
        let made = || -> Result<_, Error> {
            let mut root = CertificateParams::new(Vec::new())?;
            root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            root.distinguished_name
                .push(DnType::CommonName, "the root of a benchmark");
            let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
            let key = KeyPair::generate()?;
            let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
            let server = server.signed_by(&key, &root)?;
            Ok([root.pem(), server.pem(), key.serialize_pem()])
        };
        let pems = made().map_err(|error| Failure::new(format!("cannot make a certificate: {error}")))?;
        let paths = ["root.pem", "server.pem", "key.pem"].map(|name| folder.join(name));
        for (path, pem) in paths.iter().zip(pems) {
            fs::write(path, pem).map_err(|error| Failure::file("write", path, error))?;
        }
        let [root, server, key] = paths;
        Ok(Self { root, server, key })
    }
}
