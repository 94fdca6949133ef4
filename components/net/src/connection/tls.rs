//! TLS: whom to trust.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

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

/// Whom to trust.
pub(crate) enum Trust {
    /// Whom one of these vouches for.
    Roots(RootCertStore),
    /// Everybody: for tests against servers whose certificates nobody signed.
    Everybody,
}

/// TLS 1.2 and 1.3 without a client certificate; ALPN is the connector's.
pub(crate) fn client_config(trust: Trust) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::Roots(roots) => builder.with_root_certificates(roots),
        Trust::Everybody => {
            let verifier = Arc::new(TrustsEverybody(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    Ok(builder.with_no_client_auth())
}

/// Takes every certificate; the handshake must still be signed with it.
#[derive(Debug)]
struct TrustsEverybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsEverybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
