//! Building benches and finding what was built.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::output;

/// A bench that was built.
pub(crate) struct Bench {
    pub(crate) name: String,
    pub(crate) executable: String,
}

/// Builds these benches of the telemetry crate, as `cargo bench` would.
pub(crate) fn benches(names: &[&str]) -> Result<Vec<Bench>> {
    benches_of("telemetry", "bench", names)
}

/// Builds these benches of a crate in a profile.
pub(crate) fn benches_of(package: &str, profile: &str, names: &[&str]) -> Result<Vec<Bench>> {
    let mut arguments = vec!["bench", "--package", package, "--profile", profile];
    arguments.extend(["--locked", "--no-run", "--message-format", "json-render-diagnostics"]);
    arguments.extend(names.iter().flat_map(|name| ["--bench", name]));
    let messages = output("cargo", &arguments)?;
    let built: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let find = |name: &&str| {
        let target = built.iter().find(|message| {
            message["reason"] == "compiler-artifact"
                && message["target"]["name"] == *name
                && message["executable"].is_string()
        });
        let executable = target.and_then(|message| message["executable"].as_str()).map(str::to_owned);
        let executable = executable.with_context(|| format!("cargo built no bench `{name}`"))?;
        Ok(Bench { name: (*name).to_owned(), executable })
    };
    names.iter().map(find).collect()
}
