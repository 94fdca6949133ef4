//! Permissions: what the user allowed.

use std::sync::Arc;

use background_fetch::DomString;
use background_fetch::embedder;

use crate::bindings::{PermissionDescriptor, PermissionState, PermissionStatusMethods, PermissionsMethods};
use crate::engine::{Cx, Object, Promise, Slots};
use crate::host::Host;
use crate::interfaces::EventTarget;
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Inherits, Ref, ToJs, create, promise_of};

/// `navigator.permissions`
///
/// <https://w3c.github.io/permissions/#permissions-interface>
pub struct Permissions;

/// What the user allowed of a feature.
///
/// <https://w3c.github.io/permissions/#permissionstatus-interface>
pub struct PermissionStatus {
    target: EventTarget,
    name: &'static str,
    state: PermissionState,
}

/// The features that are known here, and whether the component's permissions say what is allowed; the others are not to be had.
const FEATURES: [(&str, bool); 7] = [
    ("background-fetch", true),
    ("notifications", false),
    ("push", false),
    ("geolocation", false),
    ("persistent-storage", false),
    ("background-sync", false),
    ("periodic-background-sync", false),
];

impl Inherits<EventTarget> for PermissionStatus {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl PermissionsMethods for Permissions {
    /// <https://w3c.github.io/permissions/#query-method>
    fn query<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        permission_desc: Object<'js>,
    ) -> Fallible<'js, Promise<'js>> {
        // 2 to 5. A feature that is known.
        let descriptor = PermissionDescriptor::from_js(cx, &permission_desc.value())?;
        let feature = FEATURES.iter().find(|(name, _)| descriptor.name == **name);
        let (name, is_asked) = *feature.ok_or_else(|| {
            Error::type_error(format!(
                "\"{}\" is no permission that is known here",
                descriptor.name
            ))
        })?;
        // 7 and 8. What the user allowed.
        let permissions = Arc::clone(&Host::of(cx).permissions);
        let client = Realm::of(cx).client();
        let state = async move {
            match is_asked {
                true => Ok(permissions.state(&client).await),
                false => Ok(embedder::PermissionState::Denied),
            }
        };
        promise_of(cx, state, move |cx, state| {
            let state = PermissionState::from_idl(state.as_str()).unwrap_or(PermissionState::Prompt);
            let status = PermissionStatus {
                target: EventTarget::default(),
                name,
                state,
            };
            create(cx, status, Slots::default())?.to_js(cx)
        })
    }
}

impl PermissionStatusMethods for PermissionStatus {
    fn state<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, PermissionState> {
        Ok(this.state)
    }

    fn name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.name.into())
    }
}
