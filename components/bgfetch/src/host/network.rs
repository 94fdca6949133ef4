//! The network of a site.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use background_fetch::embedder::Network;
use background_fetch_net::{CookieJar, HttpNetwork};
use url::{Position, Url};

use super::Site;
use super::guide_worker::GuideWorker;
use crate::failure::Failure;
use crate::loopback;

/// That of a site: its folder stands in for its server, where it has one.
pub(super) fn of(site: &Site, cookies: &CookieJar) -> Result<Arc<dyn Network>, Failure> {
    let mut network = HttpNetwork::builder()
        .cookie_jar(cookies.clone())
        .user_agent(concat!("bgfetch/", env!("CARGO_PKG_VERSION")));
    if let Some(folder) = &site.folder {
        network = network.stand_in(site.url.origin(), serve(folder, &site.url)?);
    }
    let network = network.build().map_err(|error| Failure::new(error.to_string()))?;
    Ok(match site.has_guide {
        true => Arc::new(GuideWorker {
            network: Arc::new(network),
            origin: site.url.origin(),
        }),
        false => Arc::new(network),
    })
}

/// Serves a folder below Fetch, so that its rules hold as with any server.
fn serve(folder: &Path, url: &Url) -> Result<SocketAddr, Failure> {
    // As requests name it.
    let host = &url[Position::BeforeHost..Position::AfterPort];
    loopback::folder::serve(folder.to_owned(), host.to_owned())
        .map_err(|error| Failure::new(format!("cannot serve {}: {error}", folder.display())))
}
