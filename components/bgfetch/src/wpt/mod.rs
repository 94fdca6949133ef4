//! `bgfetch wpt`: runs tests of the web platform from a running server of them.

mod browser;
mod discover;
mod expectations;
mod html;
mod meta;
mod network;
mod results;
mod wrappers;

use std::path::Path;
use std::sync::Arc;

use background_fetch_net::{CookieJar, HttpNetwork, Proxies};

use crate::cli::WptArguments;
use crate::failure::{Failure, Status};
use crate::output::{error_line, line};
use browser::Browser;
use discover::{Servers, discover};
use expectations::Expectations;
use network::WptNetwork;
use results::{SubtestStatus, TestResult};

/// Runs the tests.
pub(crate) async fn run(arguments: WptArguments) -> Result<Status, Failure> {
    let expectations = match &arguments.expectations {
        Some(file) => Expectations::read(file)?,
        None => Expectations::default(),
    };
    let cookies = CookieJar::in_memory();
    let network = network(&arguments, &cookies)?;
    let servers = Servers(arguments.servers);
    let tests = discover(&servers, &network, &arguments.tests).await?;
    if tests.is_empty() {
        let names = arguments.tests.join(" ");
        return Err(Failure::new(format!(
            "there is no test in {names} that can run here"
        )));
    }
    let mut results = Vec::new();
    let mut differences = Vec::new();
    for test in &tests {
        cookies.clear();
        let browser = Browser::open(Arc::clone(&network), cookies.clone()).await?;
        let result = browser.run(test).await;
        browser.close().await;
        show(&result);
        differences.extend(expectations.differences(&result));
        results.push(result);
    }
    if let Some(file) = &arguments.json {
        write(file, &results)?;
    }
    summary(&results);
    if differences.is_empty() {
        return Ok(Status::Success);
    }
    error_line(&format!("{} differ from what is expected:", differences.len()));
    for difference in &differences {
        error_line(&format!("  {difference}"));
    }
    Ok(Status::Failure)
}

/// The servers are where the command says they are, and nobody is between.
fn network(arguments: &WptArguments, cookies: &CookieJar) -> Result<Arc<WptNetwork>, Failure> {
    let mut builder = HttpNetwork::builder()
        .proxies(Proxies::none())
        .platform_roots(false)
        .cookie_jar(cookies.clone())
        .danger_trust_everybody(arguments.insecure)
        // The platform's server never says goodbye.
        .tls_goodbye_may_be_missing(true)
        .user_agent(concat!("bgfetch/", env!("CARGO_PKG_VERSION")));
    for (name, address) in &arguments.resolve {
        builder = builder.resolve(name, *address);
    }
    if let Some(file) = &arguments.ca {
        let pem = std::fs::read(file).map_err(|error| {
            Failure::new(format!(
                "cannot read the certificates {}: {error}",
                file.display()
            ))
        })?;
        builder = builder.root_certificates_pem(pem);
    }
    let network = builder.build().map_err(|error| Failure::new(error.to_string()))?;
    Ok(Arc::new(WptNetwork(Arc::new(network))))
}

fn show(result: &TestResult) {
    line(&format!(
        "{:<8} {}",
        format!("{:?}", result.status).to_uppercase(),
        result.test
    ));
    if let Some(message) = &result.message {
        line(&format!("         {message}"));
    }
    for subtest in &result.subtests {
        let status = format!("{:?}", subtest.status).to_uppercase();
        let message = subtest
            .message
            .as_deref()
            .filter(|_| subtest.status != SubtestStatus::Pass);
        let message = message.map(|message| format!(": {message}")).unwrap_or_default();
        line(&format!("  {status:<6} {}{message}", subtest.name));
    }
}

fn summary(results: &[TestResult]) {
    let subtests = results.iter().flat_map(|result| &result.subtests);
    let passed = subtests
        .clone()
        .filter(|subtest| subtest.status == SubtestStatus::Pass);
    line(&format!(
        "{} tests, {} of {} subtests pass",
        results.len(),
        passed.count(),
        subtests.count()
    ));
}

fn write(file: &Path, results: &[TestResult]) -> Result<(), Failure> {
    let json = serde_json::json!({ "results": results });
    let written = serde_json::to_string_pretty(&json).map_err(|error| error.to_string());
    let written =
        written.and_then(|text| std::fs::write(file, text + "\n").map_err(|error| error.to_string()));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))
}
