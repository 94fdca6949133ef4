//! [`Browser`]: a user agent for one test, with nothing stored, and a page that runs it.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::Engine;
use background_fetch::embedder::{PermissionState, Permissions, RetryPolicy};
use background_fetch::fetch::Client;
use background_fetch_js::engine::{Arguments, Completion, Cx};
use background_fetch_js::host::page::PageSource;
use background_fetch_js::host::{Parts, UserAgent};
use background_fetch_net::{CookieJar, TokioRuntime};
use background_fetch_storage::MemoryStorage;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::discover::Test;
use super::network::WptNetwork;
use super::results::{HarnessStatus, TestResult};
use crate::failure::Failure;

/// What a site may store.
const QUOTA: u64 = 1 << 30;

/// A user agent for one test.
pub(crate) struct Browser {
    user_agent: UserAgent,
    permission: Permission,
    cookies: CookieJar,
}

/// What tests say that the user allows.
#[derive(Clone)]
struct Permission(Arc<Mutex<PermissionState>>);

impl Permissions for Permission {
    fn state<'a>(&'a self, _: &'a Client) -> BoxFuture<'a, PermissionState> {
        let state = *self.0.lock();
        Box::pin(std::future::ready(state))
    }
}

impl Browser {
    /// One with nothing stored.
    pub(crate) async fn open(network: Arc<WptNetwork>, cookies: CookieJar) -> Result<Self, Failure> {
        let tokio = Arc::new(TokioRuntime::current());
        let permission = Permission(Arc::new(Mutex::new(PermissionState::Granted)));
        let storage = Arc::new(MemoryStorage::new(QUOTA));
        let mut parts = Parts::new(network, storage, tokio.clone(), tokio);
        parts.permissions = Arc::new(permission.clone());
        // Tests that wait for a failure wait ten seconds.
        parts.policies.retry = RetryPolicy {
            retries: 2,
            first_backoff: Duration::from_millis(100),
            ..RetryPolicy::default()
        };
        Ok(Self {
            user_agent: UserAgent::open(parts).await?,
            permission,
            cookies,
        })
    }

    /// Runs a test in a page of its own.
    pub(crate) async fn run(&self, test: &Test) -> TestResult {
        let name = test.name();
        let (sender, mut completed) = mpsc::unbounded_channel();
        let (engine, permission) = (self.user_agent.engine().clone(), self.permission.clone());
        let cookies = self.cookies.clone();
        let page = self.user_agent.open_page(
            test.url.clone(),
            PageSource::Network,
            Box::new(move |cx| {
                // Where the engine has no memory the harness tells nothing, which is a result.
                let _ = define(cx, sender, engine, permission, cookies);
            }),
        );
        let page = match page {
            Ok(page) => page,
            Err(message) => return TestResult::without_result(&name, HarnessStatus::Error, &message),
        };
        // The harness has its own limits, of 10 and 60 s.
        let limit = Duration::from_secs(if test.is_long { 90 } else { 30 });
        let told = tokio::time::timeout(limit, completed.recv()).await;
        page.end(&*self.user_agent.host().clock).await;
        match told {
            Ok(Some(json)) => TestResult::told(&name, &json),
            Ok(None) => {
                TestResult::without_result(&name, HarnessStatus::Error, "the page ended before its tests")
            }
            Err(_) => {
                TestResult::without_result(&name, HarnessStatus::Timeout, "the harness told nothing in time")
            }
        }
    }

    /// Ends everything.
    pub(crate) async fn close(self) {
        // Nothing of it is kept.
        let _ = self.user_agent.close().await;
    }
}

/// What the harness tells its results with, and asks the user's part of.
fn define<'js>(
    cx: &Cx<'js>,
    completed: mpsc::UnboundedSender<String>,
    engine: Engine,
    permission: Permission,
    cookies: CookieJar,
) -> Completion<'js, ()> {
    let object = cx.object();
    let complete = cx.function(
        "complete",
        1,
        Box::new(move |arguments| {
            let _ = completed.send(arguments.get(0).to_text(&arguments.cx)?);
            Ok(arguments.cx.undefined())
        }),
    )?;
    object.define_value(cx, "complete", complete.value())?;
    let command = cx.function(
        "command",
        2,
        Box::new(
            move |arguments| match command(arguments, &engine, &permission, &cookies) {
                Ok(()) => Ok(arguments.cx.undefined()),
                Err(message) => Err(arguments.cx.type_error(message)),
            },
        ),
    )?;
    object.define_value(cx, "command", command.value())?;
    cx.global().define_value(cx, "bgfetchWpt", object.value())
}

/// A command of testdriver.js, with its arguments in JSON.
fn command(
    arguments: &Arguments<'_, '_>,
    engine: &Engine,
    permission: &Permission,
    cookies: &CookieJar,
) -> Result<(), String> {
    let text = |index: usize| arguments.get(index).to_text(&arguments.cx).unwrap_or_default();
    let (name, values) = (text(0), text(1));
    let values: serde_json::Value = serde_json::from_str(&values).unwrap_or_default();
    match name.as_str() {
        "set_permission" => {
            let state = values[0]["state"]
                .as_str()
                .or(values[1].as_str())
                .unwrap_or_default();
            let state = match state {
                "granted" => PermissionState::Granted,
                "denied" => PermissionState::Denied,
                "prompt" => PermissionState::Prompt,
                other => return Err(format!("{other:?} is no state of a permission")),
            };
            *permission.0.lock() = state;
            Ok(())
        }
        "background_fetch_click" => {
            let id = values[0].as_str().unwrap_or_default();
            let fetch = engine.inspect().into_iter().find(|fetch| fetch.id == *id);
            let clicked = fetch.is_some_and(|fetch| engine.click(fetch.key));
            if clicked {
                Ok(())
            } else {
                Err(format!("there is no background fetch {id:?} to click"))
            }
        }
        // Nothing here asks for a gesture.
        "bless" => Ok(()),
        "delete_all_cookies" => {
            cookies.clear();
            Ok(())
        }
        other => Err(format!("the command {other} is not known here")),
    }
}
