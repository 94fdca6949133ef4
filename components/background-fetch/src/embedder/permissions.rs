//! [`Permissions`].

use futures::future::BoxFuture;

use crate::fetch::Client;
use crate::fetch::request::idl_enum;

idl_enum! {
    /// <https://w3c.github.io/permissions/#dfn-permission-state>
    PermissionState {
        /// The user allowed it.
        Granted = "granted",
        /// The user refused it.
        Denied = "denied",
        /// The user has to be asked.
        #[default]
        Prompt = "prompt",
    }
}

/// Knows the user's permissions.
///
/// <https://wicg.github.io/background-fetch/#permissions>
pub trait Permissions: Send + Sync {
    /// Gets the permission state of "background-fetch" for an environment.
    ///
    /// It answers at once, without asking the user: calls of the same registration wait for it.
    ///
    /// With [`Prompt`](PermissionState::Prompt) a background fetch starts paused:
    /// [`Display`](super::Display) shows it as waiting, and the user interface answers with
    /// [`Engine::allow`](crate::Engine::allow) or [`Engine::refuse`](crate::Engine::refuse).
    fn state<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, PermissionState>;
}

/// The same answer for every environment.
impl Permissions for PermissionState {
    fn state<'a>(&'a self, _client: &'a Client) -> BoxFuture<'a, PermissionState> {
        Box::pin(std::future::ready(*self))
    }
}
