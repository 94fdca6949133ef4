//! TLS: whom to trust.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// A root certificate that is none.
pub(crate) struct InvalidRoot(pub(crate) String);

/// The roots to trust: the platform's, where wanted, and these.
///
/// The platform's rather than a list compiled in: its owner decides whom to trust, and it is updated when a root
/// falls. Single certificates there that cannot be read are left out, as every other program does.
pub(crate) fn roots(
    platform: bool,
    extra: Vec<CertificateDer<'static>>,
) -> Result<RootCertStore, InvalidRoot> {
    let mut roots = RootCertStore::empty();
    if platform {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for certificate in extra {
        roots
            .add(certificate)
            .map_err(|error| InvalidRoot(error.to_string()))?;
    }
    Ok(roots)
}

/// TLS 1.2 and 1.3 with these roots and no client certificate; ALPN is the connector's.
pub(crate) fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
