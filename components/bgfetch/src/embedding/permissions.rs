//! The user's permissions: who types the command allows it.

use background_fetch::embedder::{PermissionState, Permissions};
use background_fetch::fetch::Client;
use futures::future::BoxFuture;

pub(super) struct Granted;

impl Permissions for Granted {
    fn state<'a>(&'a self, _client: &'a Client) -> BoxFuture<'a, PermissionState> {
        Box::pin(std::future::ready(PermissionState::Granted))
    }
}
