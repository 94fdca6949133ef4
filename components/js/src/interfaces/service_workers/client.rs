//! `Client` and `WindowClient`.

use super::message::post_to_client;
use crate::bindings::{
    ClientMethods, ClientType, DocumentVisibilityState, FrameType, StructuredSerializeOptions,
    WindowClientMethods,
};
use crate::engine::{Cx, Object, Promise, Slots, Value};
use crate::host::service_workers::{Environment, Refusal};
use crate::webidl::{Fallible, FromJs, Globals, Inherits, Ref, ToJs, create, resolved};

use background_fetch::DomString;

/// A client of a worker.
///
/// <https://w3c.github.io/ServiceWorker/#client-interface>
pub struct Client {
    pub(super) environment: Environment,
}

/// A page.
///
/// <https://w3c.github.io/ServiceWorker/#windowclient-interface>
pub struct WindowClient(Client);

const ANCESTORS: &str = "ancestorOrigins";

impl Inherits<Client> for WindowClient {
    fn parent(&self) -> &Client {
        &self.0
    }
}

impl Client {
    /// The object of an environment, a new one each time.
    ///
    /// <https://w3c.github.io/ServiceWorker/#create-client>
    pub(super) fn object<'js>(cx: &Cx<'js>, environment: Environment) -> Fallible<'js, Value<'js>> {
        let kind = environment.kind;
        let client = Self { environment };
        match kind {
            Globals::WINDOW => create(cx, WindowClient(client), Slots::default())?.to_js(cx),
            _ => create(cx, client, Slots::default())?.to_js(cx),
        }
    }
}

impl ClientMethods for Client {
    fn url<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.environment.url.to_string())
    }

    fn frame_type<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, FrameType> {
        Ok(match this.environment.kind {
            Globals::WINDOW => FrameType::TopLevel,
            _ => FrameType::None,
        })
    }

    fn id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.environment.uuid.as_str().into())
    }

    fn type_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ClientType> {
        Ok(match this.environment.kind {
            Globals::WINDOW => ClientType::Window,
            Globals::SHARED_WORKER => ClientType::Sharedworker,
            _ => ClientType::Worker,
        })
    }

    fn post_message<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        post_to_client(cx, &this.environment, &message, &transfer)
    }

    fn post_message_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: StructuredSerializeOptions<'js>,
    ) -> Fallible<'js, ()> {
        post_to_client(cx, &this.environment, &message, &options.transfer)
    }
}

impl WindowClientMethods for WindowClient {
    fn visibility_state<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DocumentVisibilityState> {
        Ok(DocumentVisibilityState::Visible)
    }

    fn focused<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(false)
    }

    fn ancestor_origins<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        if let Some(origins) = this.slots().named(ANCESTORS) {
            return Object::from_js(cx, &origins);
        }
        let origins = cx.array(&[])?;
        origins.freeze(cx)?;
        this.slots().set_named(ANCESTORS, origins.value());
        Ok(origins)
    }

    /// A page has the focus of whoever looks at it; there is nothing to be brought to the front.
    fn focus<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        if this.0.environment.realm.is_closed() {
            return Err(Refusal::type_error("the page is closed").into());
        }
        resolved(cx, &this.value())
    }

    fn navigate<'js>(_: &Ref<'js, Self>, _: &Cx<'js>, url: String) -> Fallible<'js, Promise<'js>> {
        Err(Refusal::type_error(format!(
            "pages stay where they are: this one does not go to {url:.200}"
        ))
        .into())
    }
}
