//! [`HttpNetworkBuilder`]: the options of an [`HttpNetwork`].

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Handle;
use url::Origin;

use crate::connection::proxies::{InvalidProxy, Proxies};
use crate::connection::resolver::Resolver;
use crate::connection::stand_ins::StandIns;
use crate::connection::{ConnectOptions, Connections, Timeouts, tls};
use crate::cookies::CookieJar;
use crate::network::{HttpNetwork, Runtime};

/// Options of an [`HttpNetwork`], each with a default.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct HttpNetworkBuilder {
    runtime: Option<Handle>,
    platform_roots: bool,
    der_roots: Vec<Vec<u8>>,
    pem_roots: Vec<Vec<u8>>,
    timeouts: Timeouts,
    user_agent: String,
    http2: bool,
    proxies: Option<Proxies>,
    cookies: Option<CookieJar>,
    known_names: Vec<(String, IpAddr)>,
    stand_ins: Vec<(Origin, SocketAddr)>,
    trusts_everybody: bool,
    goodbye_may_be_missing: bool,
}

impl Default for HttpNetworkBuilder {
    fn default() -> Self {
        Self {
            runtime: None,
            platform_roots: true,
            der_roots: Vec::new(),
            pem_roots: Vec::new(),
            timeouts: Timeouts {
                connect: Some(Duration::from_secs(30)),
                first_byte: Some(Duration::from_secs(60)),
                stall: Some(Duration::from_secs(60)),
                least_bytes: 64,
            },
            user_agent: concat!("background-fetch/", env!("CARGO_PKG_VERSION")).to_owned(),
            http2: true,
            proxies: None,
            cookies: None,
            known_names: Vec::new(),
            stand_ins: Vec::new(),
            trusts_everybody: false,
            goodbye_may_be_missing: false,
        }
    }
}

impl HttpNetworkBuilder {
    /// Runs requests on this runtime, which must have its I/O and time drivers on and outlive the fetches. By
    /// default the network has a runtime of its own with one thread.
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.runtime = Some(handle);
        self
    }

    /// Whether to trust the platform's root certificates; yes by default.
    pub fn platform_roots(mut self, trust: bool) -> Self {
        self.platform_roots = trust;
        self
    }

    /// Trusts this root certificate too, given in DER.
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.der_roots.push(der.into());
        self
    }

    /// Trusts the root certificates in this PEM file's content too; at least one must be there.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.pem_roots.push(pem.into());
        self
    }

    /// How long to wait for a connection: name, TCP and TLS together. 30 s by default, none for ever.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.connect = limit.into();
        self
    }

    /// How long to wait for a response's header after the connection is there, and after each piece of the
    /// request's body. 60 s by default, none for ever.
    pub fn first_byte_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.first_byte = limit.into();
        self
    }

    /// How long to wait for the next bytes of a response's body while somebody reads it. 60 s by default, none
    /// for ever.
    pub fn stall_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.stall = limit.into();
        self
    }

    /// The bytes of a response's body that must come in the time of [`stall_timeout`](Self::stall_timeout), while
    /// somebody reads it: a server cannot hold a fetch by a byte now and then. 64 by default, 0 for any.
    pub fn least_bytes(mut self, bytes: u64) -> Self {
        self.timeouts.least_bytes = bytes;
        self
    }

    /// The environment default `User-Agent` value.
    ///
    /// <https://fetch.spec.whatwg.org/#environment-default-user-agent-value>
    pub fn user_agent(mut self, value: impl Into<String>) -> Self {
        self.user_agent = value.into();
        self
    }

    /// Whether to offer HTTP/2 to servers with TLS; yes by default.
    pub fn http2(mut self, offer: bool) -> Self {
        self.http2 = offer;
        self
    }

    /// Which requests go through a proxy. By default [`Proxies::from_env`], which is read by [`build`](Self::build).
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// The profile's cookies. By default there is no jar: no cookie is sent, and none kept.
    pub fn cookie_jar(mut self, jar: CookieJar) -> Self {
        self.cookies = Some(jar);
        self
    }

    /// Says where a name is, with every name below it; the platform is not asked for these.
    pub fn resolve(mut self, name: impl Into<String>, address: IpAddr) -> Self {
        self.known_names.push((name.into(), address));
        self
    }

    /// Has a server on this machine, which speaks HTTP without TLS, answer for an origin. Everything else is as if it were the
    /// origin's own, also where that is `https`; proxies are not asked.
    pub fn stand_in(mut self, origin: Origin, address: SocketAddr) -> Self {
        self.stand_ins.push((origin, address));
        self
    }

    /// Whether to take every server for who it says it is; no by default. For tests against servers of your own: anybody
    /// between could read and change everything.
    pub fn danger_trust_everybody(mut self, trust: bool) -> Self {
        self.trusts_everybody = trust;
        self
    }

    /// Whether a body whose length nobody said may end with its connection even where TLS did not announce the end, as
    /// browsers take it; no by default: anybody between could have cut it short. For servers that are known to do so.
    pub fn tls_goodbye_may_be_missing(mut self, may: bool) -> Self {
        self.goodbye_may_be_missing = may;
        self
    }

    /// Makes the network. Reads the platform's root certificates, so it may block for some milliseconds.
    pub fn build(self) -> Result<HttpNetwork, BuildError> {
        let user_agent = HeaderValue::try_from(&self.user_agent).map_err(|_| BuildError::UserAgent)?;
        let mut extra: Vec<CertificateDer<'static>> = self.der_roots.into_iter().map(Into::into).collect();
        for pem in &self.pem_roots {
            let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
                .collect::<Result<_, _>>()
                .map_err(|error| BuildError::RootCertificate(error.to_string()))?;
            if found.is_empty() {
                return Err(BuildError::RootCertificate(
                    "no certificate in the PEM text".to_owned(),
                ));
            }
            extra.extend(found);
        }
        let roots = tls::roots(self.platform_roots, extra)
            .map_err(|tls::InvalidRoot(reason)| BuildError::RootCertificate(reason))?;
        let has_roots = self.trusts_everybody || !roots.is_empty();
        let trust = match self.trusts_everybody {
            true => tls::Trust::Everybody,
            false => tls::Trust::Roots(roots),
        };
        let tls = tls::client_config(trust).map_err(|error| BuildError::Tls(error.to_string()))?;
        let proxies = match self.proxies {
            Some(proxies) => proxies,
            None => Proxies::from_env().map_err(BuildError::Proxy)?,
        };
        let runtime = match self.runtime {
            Some(handle) => Runtime::Borrowed(handle),
            None => Runtime::own().map_err(BuildError::Runtime)?,
        };
        let connections = Connections::new(
            tls,
            has_roots,
            self.http2,
            self.timeouts,
            user_agent,
            proxies,
            self.cookies,
            ConnectOptions {
                resolver: Resolver::new(self.known_names),
                stand_ins: StandIns::new(self.stand_ins),
                goodbye_may_be_missing: self.goodbye_may_be_missing,
            },
        );
        Ok(HttpNetwork::new(runtime, connections))
    }
}

/// Why there is no network.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The runtime's thread could not be started.
    Runtime(io::Error),
    /// A given root certificate is none.
    RootCertificate(String),
    /// TLS could not be set up.
    Tls(String),
    /// The user agent is no header value.
    UserAgent,
    /// A proxy of the environment is none.
    Proxy(InvalidProxy),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(f, "cannot start the network's thread: {error}"),
            Self::RootCertificate(reason) => write!(f, "cannot trust a root certificate: {reason}"),
            Self::Tls(reason) => write!(f, "cannot set up TLS: {reason}"),
            Self::UserAgent => f.write_str("the user agent is not a valid header value"),
            Self::Proxy(error) => error.fmt(f),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Runtime(error) => Some(error),
            _ => None,
        }
    }
}
