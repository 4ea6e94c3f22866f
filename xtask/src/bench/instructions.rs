//! Instructions, counted by callgrind through gungraun: the same on a busy machine as on an idle one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{output, root, run, say, succeeds};

/// Requests or lines in one benchmark, as in `benches/instructions.rs`.
const TIMES: f64 = 1_000.0;

/// Instructions of the thread that answers, per request or line.
pub(crate) struct Instructions(BTreeMap<String, f64>);

/// Installs what is missing: valgrind, and the runner of the version that the benches were built with.
pub(crate) fn prepare() -> Result<()> {
    if !succeeds("valgrind", &["--version"]) {
        say("valgrind is missing: installing it with apt-get");
        let installed = succeeds("apt-get", &["--version"])
            && run("apt-get", &["update"])
                .and_then(|()| run("apt-get", &["install", "--yes", "--no-install-recommends", "valgrind"]))
                .is_ok();
        if !installed {
            bail!(
                "valgrind is missing and could not be installed: please install it, instructions are counted with it"
            );
        }
    }
    let version = locked("gungraun")?;
    let installed = output("cargo", &["install", "--list"]).unwrap_or_default();
    if !installed.lines().any(|line| line.starts_with(&format!("gungraun-runner v{version}"))) {
        say("gungraun-runner is missing: installing it");
        run("cargo", &["install", "--locked", "--version", &version, "gungraun-runner"])?;
    }
    Ok(())
}

/// The version of a package in Cargo.lock.
fn locked(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\"")).skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = ")).map(|text| text.trim_matches('"'));
    Ok(version.with_context(|| format!("`{package}` is not in Cargo.lock"))?.to_owned())
}

/// Counts in the group of this name, or in all when it is empty.
pub(crate) fn count(group: &str) -> Result<Instructions> {
    let mut arguments = vec!["bench", "--package", "telemetry", "--locked", "--bench", "instructions", "--"];
    let filter = format!("instructions::{group}::*");
    if !group.is_empty() {
        arguments.push(&filter);
    }
    arguments.push("--output-format=json");
    parse(&output("cargo", &arguments)?)
}

/// One JSON object per line and benchmark.
fn parse(lines: &str) -> Result<Instructions> {
    let counted = lines.lines().filter(|line| line.starts_with('{')).map(|line| {
        let summary: Value = serde_json::from_str(line).context("gungraun printed something else than JSON")?;
        let id = summary["id"].as_str().context("a benchmark without an id")?.to_owned();
        let instructions = summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"].as_f64();
        anyhow::Ok((id.clone(), instructions.with_context(|| format!("`{id}` without instructions"))? / TIMES))
    });
    let counted: BTreeMap<_, _> = counted.collect::<Result<_>>()?;
    if counted.is_empty() {
        bail!("no instructions were counted");
    }
    Ok(Instructions(counted))
}

impl Instructions {
    /// Of one stack, if it was counted.
    pub(crate) fn of(&self, stack: &str, unsampled: bool) -> Option<f64> {
        let suffix = if unsampled { "_unsampled" } else { "" };
        self.0.get(&format!("{}{suffix}", stack.replace('-', "_"))).copied()
    }

    /// All of them, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(id, instructions)| (id.as_str(), *instructions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_benchmark_is_found_by_its_stack() {
        let line = |id: &str, ir: u64| {
            format!(
                r#"{{"id":"{id}","profiles":[{{"data":{{"total":{{"metrics":{{"Ir":{{"values":{{"new":{ir}}}}}}}}}}}}}]}}"#
            )
        };
        let lines =
            [line("tower_http", 9_000_000), "noise".to_owned(), line("telemetry_unsampled", 5_500_000)].join("\n");
        let counted = parse(&lines).unwrap();
        assert_eq!(counted.of("tower-http", false), Some(9_000.0));
        assert_eq!(counted.of("telemetry", true), Some(5_500.0));
        assert_eq!(counted.of("telemetry", false), None);
    }

    #[test]
    fn nothing_counted_is_an_error() {
        assert!(parse("no JSON at all\n").is_err());
    }
}
