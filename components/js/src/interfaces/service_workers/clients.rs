//! `Clients`.

use super::{Client, WorkerRealm};
use crate::bindings::{ClientQueryOptions, ClientsMethods};
use crate::engine::{Cx, Promise, Value};
use crate::host::Host;
use crate::host::service_workers::{Refusal, ServiceWorkers};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Ref, Settles, resolved};

use background_fetch::DomString;

/// The clients of a worker.
///
/// <https://w3c.github.io/ServiceWorker/#clients-interface>
pub struct Clients;

impl ClientsMethods for Clients {
    /// <https://w3c.github.io/ServiceWorker/#clients-get>
    fn get<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        let worker = WorkerRealm::worker_of(cx)?;
        let host = Host::of(cx);
        let found = host
            .service_workers
            .environment(&worker.registration.storage_key, &id.to_string());
        let client = match found {
            Some(environment) => Client::object(cx, environment)?,
            None => cx.undefined(),
        };
        resolved(cx, &client)
    }

    /// <https://w3c.github.io/ServiceWorker/#clients-matchall>
    fn match_all<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        options: ClientQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let worker = WorkerRealm::worker_of(cx)?;
        let found = Host::of(cx).service_workers.match_clients(&worker, &options);
        let clients: Result<Vec<Value<'js>>, _> = found
            .into_iter()
            .map(|environment| Client::object(cx, environment))
            .collect();
        let array = cx.array(&clients?)?;
        array.freeze(cx)?;
        resolved(cx, &array.value())
    }

    /// <https://w3c.github.io/ServiceWorker/#clients-openwindow>
    fn open_window<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, url: String) -> Fallible<'js, Promise<'js>> {
        // 1 to 3. The URL.
        let base = Realm::of(cx).settings().client.base_url.clone();
        let url = base
            .join(&url)
            .map_err(|error| Error::type_error(format!("{url:.200} is not a URL: {error}")))?;
        // A window that is nowhere is not opened.
        if url.scheme() == "about" && url.path() == "blank" {
            return Err(Error::type_error("about:blank is not opened for a worker"));
        }
        // 4. Whether windows may be opened.
        let host = Host::of(cx);
        let open = host.service_workers.open_window.lock().clone();
        let Some(open) = open else {
            return Err(Error::dom("InvalidAccessError", "no window may be opened"));
        };
        let (promise, settles) = Settles::new(cx)?;
        let key = Realm::of(cx).settings().client.storage_key.clone();
        Realm::of(cx).spawn_then(open(url), move |cx, opened| {
            let host = Host::of(cx);
            let environment = |id| host.service_workers.environment_by_id(id);
            let outcome = match opened {
                // 7.9. Another site's page is nobody's client here.
                Ok(id) => match id
                    .and_then(environment)
                    .filter(|opened| opened.storage_key == key)
                {
                    Some(environment) => Client::object(cx, environment),
                    None => Ok(cx.null()),
                },
                Err(message) => Err(Error::type_error(message)),
            };
            settles.settle(cx, outcome);
        });
        Ok(promise)
    }

    fn claim<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let worker = WorkerRealm::worker_of(cx)?;
        let claimed: Result<(), Refusal> = ServiceWorkers::claim(&Host::of(cx), &worker);
        claimed?;
        resolved(cx, &cx.undefined())
    }
}
