//! A root certificate and one for this machine, made for this run.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

struct Made {
    issuer: CertifiedIssuer<'static, KeyPair>,
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
    let params = CertificateParams::new(NAMES.map(str::to_owned)).expect("leaf");
    let (leaf, key) = signed(params, &root);
    Made {
        root: root.der().to_vec(),
        root_pem: root.pem(),
        leaf,
        key,
        issuer: root,
    }
});

fn signed(params: CertificateParams, issuer: &CertifiedIssuer<'static, KeyPair>) -> (Vec<u8>, Vec<u8>) {
    let key = KeyPair::generate().expect("key");
    let leaf = params.signed_by(&key, issuer).expect("leaf");
    (leaf.der().to_vec(), key.serialize_der())
}

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
    config(MADE.leaf.clone(), MADE.key.clone(), alpn)
}

/// TLS for a server with these names.
pub(crate) fn server_of(names: &[&str]) -> Arc<ServerConfig> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let (leaf, key) = signed(CertificateParams::new(names).expect("leaf"), &MADE.issuer);
    config(leaf, key, &[])
}

/// TLS for a server at 127.0.0.1 whose certificate was good until long ago, or will be in a far future.
pub(crate) fn server_of_another_time(years: std::ops::Range<i32>) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned)).expect("leaf");
    params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    let (leaf, key) = signed(params, &MADE.issuer);
    config(leaf, key, &[])
}

/// TLS for a server at 127.0.0.1 that vouches for itself.
pub(crate) fn self_signed_server() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("leaf");
    config(made.cert.der().to_vec(), made.signing_key.serialize_der(), &[])
}

fn config(leaf: Vec<u8>, key: Vec<u8>, alpn: &[&str]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key).expect("key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(leaf)], key)
        .expect("certificate");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}
