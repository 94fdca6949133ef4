//! A root certificate and one for this machine, made for this run.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

struct Made {
    root: Vec<u8>,
    root_pem: String,
    leaf: Vec<u8>,
    key: Vec<u8>,
}

/// The second reaches the loopback and is not of it, so that a page must not trust it without TLS.
const NAMES: [&str; 2] = ["127.0.0.1", "0.0.0.0"];

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::new()).expect("root");
    params
        .distinguished_name
        .push(DnType::CommonName, "The root of this test run");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("root");
    let key = KeyPair::generate().expect("key");
    let leaf = CertificateParams::new(NAMES.map(str::to_owned))
        .and_then(|params| params.signed_by(&key, &root))
        .expect("leaf");
    Made {
        root: root.der().to_vec(),
        root_pem: root.pem(),
        leaf: leaf.der().to_vec(),
        key: key.serialize_der(),
    }
});

/// The root certificate in DER.
pub(crate) fn root() -> Vec<u8> {
    MADE.root.clone()
}

/// The root certificate in PEM.
pub(crate) fn root_pem() -> String {
    MADE.root_pem.clone()
}

/// TLS for a server at 127.0.0.1 that offers these protocols.
pub(crate) fn server(alpn: &[&str]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(MADE.key.clone()).expect("key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(MADE.leaf.clone())], key)
        .expect("certificate");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}
