//! The official verifier on a provider of the marketplace.

use contracts::store::Pact;
use serde_json::Value;

use crate::cli::{Done, pact};
use crate::providers::Served;

/// Verifies all of `pacts` on `provider`; what was done, and the verifier's own report.
pub(crate) async fn verify(provider: &Served, pacts: &[Pact]) -> (Done, Value) {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let (port, transport) = (provider.http.port().to_string(), format!("message:{}", provider.messages.port()));
    let (states, to) = (format!("http://{}/_contract/states", provider.http), report.display().to_string());
    let mut arguments = vec!["verifier", "--provider-name", provider.name, "--hostname", "127.0.0.1", "--port", &port];
    arguments.extend(["--transports", &transport, "--json", &to, "--no-colour"]);
    if provider.hooks {
        arguments.extend(["--state-change-url", &states, "--state-change-teardown"]);
    }
    let files: Vec<String> = pacts.iter().map(|pact| pact.path.display().to_string()).collect();
    for file in &files {
        arguments.extend(["--file", file]);
    }
    let done = pact(&arguments).await;
    let report = std::fs::read(report).unwrap_or_else(|error| panic!("no report: {error}\n{}", done.said));
    (done, serde_json::from_slice(&report).unwrap())
}
