//! [`Browser`]: a user agent for one test, with nothing stored, and a page that runs it.

use std::sync::Arc;
use std::time::Duration;

use background_fetch_js::engine::{Arguments, Completion, Cx, Value};
use background_fetch_js::host::Host;
use background_fetch_js::host::page::{PageSource, open_page};
use background_fetch_js::realm::Settings;
use background_fetch_net::TokioRuntime;
use tokio::sync::mpsc;

use super::discover::Test;
use super::network::WptNetwork;
use super::results::{HarnessStatus, TestResult};
use crate::failure::Failure;

/// A user agent for one test.
pub(crate) struct Browser {
    host: Arc<Host>,
}

impl Browser {
    /// One with nothing stored.
    pub(crate) async fn open(network: Arc<WptNetwork>) -> Result<Self, Failure> {
        let tokio = Arc::new(TokioRuntime::current());
        Ok(Self {
            host: Arc::new(Host::new(network, tokio.clone(), tokio)),
        })
    }

    /// Runs a test in a page of its own.
    pub(crate) async fn run(&self, test: &Test) -> TestResult {
        let name = test.name();
        let (sender, mut completed) = mpsc::unbounded_channel();
        let mut settings = Settings::page(Arc::clone(&self.host), test.url.clone());
        settings.time_limit = Duration::from_secs(60);
        let before = Box::new(move |cx: &Cx<'_>| {
            // Where the engine has no memory the harness tells nothing, which is a result.
            let _ = define(cx, sender);
        });
        let page = match open_page(settings, PageSource::Network, before) {
            Ok(page) => page,
            Err(message) => return TestResult::without_result(&name, HarnessStatus::Error, &message),
        };
        // The harness has its own limits, of 10 and 60 s.
        let limit = Duration::from_secs(if test.is_long { 90 } else { 30 });
        let told = tokio::time::timeout(limit, completed.recv()).await;
        page.close();
        page.closed().await;
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
    pub(crate) async fn close(self) {}
}

/// What the harness tells its results with.
fn define<'js>(cx: &Cx<'js>, completed: mpsc::UnboundedSender<String>) -> Completion<'js, ()> {
    let object = cx.object();
    let complete = move |arguments: &Arguments<'_, '_>| {
        let json = arguments.get(0).to_text(&arguments.cx).unwrap_or_default();
        let _ = completed.send(json);
    };
    let complete = cx.function(
        "complete",
        1,
        Box::new(move |arguments| {
            complete(arguments);
            Ok(arguments.cx.undefined())
        }),
    )?;
    object.define_value(cx, "complete", complete.value())?;
    let value: Value<'js> = object.value();
    cx.global().define_value(cx, "bgfetchWpt", value)
}
