//! Dependencies point one way: this fails when one of the forbidden arrows appears.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::output;

/// Folder whose crates no part of the harness may depend on.
const SYSTEM: &str = "marketplace/";
/// Crates that know nothing of any system.
const NEUTRAL: [&str; 6] = ["shakedown", "chaos", "contracts", "telemetry", "amqp-broker", "backends"];
/// Crates that depend on no other crate of the workspace.
const LEAVES: [&str; 4] = ["chaos", "contracts", "telemetry", "amqp-broker"];

struct Member {
    name: String,
    in_system: bool,
    dependencies: Vec<String>,
}

/// Fails when a normal dependency points the wrong way.
pub(crate) fn run() -> Result<()> {
    let json = output("cargo", &["metadata", "--format-version", "1", "--no-deps", "--locked"])?;
    let members = members(&serde_json::from_str(&json)?)?;
    let wrong = wrong_arrows(&members);
    if !wrong.is_empty() {
        bail!("dependencies point the wrong way:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn members(metadata: &Value) -> Result<Vec<Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let members = packages.iter().map(|package| {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        Member {
            name: package["name"].as_str().unwrap_or_default().to_owned(),
            in_system: package["manifest_path"].as_str().is_some_and(|path| path.contains(SYSTEM)),
            dependencies: dependencies
                // `kind` is null for a normal dependency.
                .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string())
                .filter_map(|dependency| Some(dependency["name"].as_str()?.to_owned()))
                .collect(),
        }
    });
    Ok(members.collect())
}

fn wrong_arrows(members: &[Member]) -> Vec<String> {
    let in_system = |name: &str| members.iter().any(|m| m.in_system && m.name == name);
    let mut wrong = Vec::new();
    for member in members {
        for dependency in &member.dependencies {
            let reason = if dependency == "shakedown" {
                "nothing depends on the harness"
            } else if NEUTRAL.contains(&member.name.as_str()) && in_system(dependency) {
                "the harness and its parts know no system"
            } else if LEAVES.contains(&member.name.as_str()) {
                "this crate depends on no other of the workspace"
            } else if member.in_system && in_system(dependency) && dependency != "platform" {
                "no service depends on another"
            } else {
                continue;
            };
            wrong.push(format!("{} -> {dependency}: {reason}", member.name));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, in_system: bool, dependencies: &[&str]) -> Member {
        let dependencies = dependencies.iter().map(|&d| d.to_owned()).collect();
        Member { name: name.into(), in_system, dependencies }
    }

    #[test]
    fn every_forbidden_arrow_is_found() {
        let members = [
            member("platform", true, &["telemetry"]),
            member("order", true, &["platform", "users"]),
            member("users", true, &["platform", "shakedown"]),
            member("shakedown", false, &["chaos", "order"]),
            member("chaos", false, &["contracts"]),
        ];
        assert_eq!(
            wrong_arrows(&members),
            [
                "order -> users: no service depends on another",
                "users -> shakedown: nothing depends on the harness",
                "shakedown -> order: the harness and its parts know no system",
                "chaos -> contracts: this crate depends on no other of the workspace",
            ]
        );
    }

    #[test]
    fn the_intended_arrows_are_allowed() {
        let members = [
            member("platform", true, &["telemetry"]),
            member("order", true, &["platform", "telemetry"]),
            member("shakedown", false, &["chaos", "contracts", "amqp-broker", "telemetry"]),
        ];
        assert!(wrong_arrows(&members).is_empty());
    }
}
