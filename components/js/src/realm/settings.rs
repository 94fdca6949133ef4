//! [`Settings`]: what a realm is.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::DomString;
use background_fetch::fetch::Client;
use url::Url;

use super::Account;
use crate::engine::Limits;
use crate::host::Host;
use crate::webidl::Globals;

/// What a realm is: its settings object, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user agent that it is of.
    pub host: Arc<Host>,
    /// Its global.
    pub kind: Globals,
    /// Where it comes from, and what it may.
    pub client: Client,
    /// Whether it is a secure context.
    pub is_secure_context: bool,
    /// Whether it has the guide extension.
    pub has_guide: bool,
    /// How long a script may run before it is ended.
    pub time_limit: Duration,
    /// Whether a worker's script is a module.
    pub is_module: bool,
    /// The name of a dedicated worker.
    pub name: DomString,
    /// What its scripts may use up.
    pub limits: Limits,
    /// What its scripts have the host keep; dedicated workers share it.
    pub account: Account,
}

impl Settings {
    /// Those of a page at a URL: a secure context where the URL says so.
    pub fn page(host: Arc<Host>, url: Url) -> Self {
        Self {
            host,
            kind: Globals::WINDOW,
            is_secure_context: is_potentially_trustworthy(&url),
            client: Client::page(url),
            has_guide: false,
            time_limit: Duration::from_secs(10),
            is_module: false,
            name: DomString::default(),
            limits: Limits::default(),
            account: Account::default(),
        }
    }
}

/// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
pub fn is_potentially_trustworthy(url: &Url) -> bool {
    match url.host() {
        _ if matches!(url.scheme(), "https" | "wss" | "file") => true,
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        None => false,
    }
}
