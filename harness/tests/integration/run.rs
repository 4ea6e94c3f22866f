//! A whole run of a system that the harness knows nothing about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chaos::Outcome;
use serde_json::Value;

use crate::program::{Ended, Program};
use crate::{leftovers, toy};

#[test]
fn whole_run_passes_and_leaves_its_evidence() {
    let ended = {
        let _turn = toy::turn();
        Program::new().config(&toy::config()).args(["--format", "json", "run", "--quick", "--no-build"]).run()
    };
    ended.expect_code(0);
    let summary: Value = serde_json::from_str(&ended.stdout).expect("standard output is the summary and nothing else");
    every_phase_passed(&summary);
    leftovers::expect_none(&ended.run_id());

    let dir = ended.run_dir();
    let file = fs::read_to_string(dir.join("summary.json")).expect("summary.json");
    assert_eq!(serde_json::from_str::<Value>(&file).expect("JSON"), summary);
    let cases = fs::read_to_string(dir.join("junit.xml")).expect("junit.xml");
    assert!(cases.contains("no_lost_visit") && cases.contains(r#"failures="0" errors="0""#), "{cases}");
    report_needs_nothing_else(&dir);
    telemetry_is_kept(&dir);
    history_is_kept(&dir, &summary);
    report_is_rendered_again(ended, &summary);
}

fn every_phase_passed(summary: &Value) {
    let at = |pointer: &str| summary.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {summary:#}"));
    let count = |pointer: &str| at(pointer).as_u64().unwrap_or_else(|| panic!("{pointer} in {summary:#}"));
    for phase in ["", "/contracts", "/journeys", "/telemetry", "/load", "/chaos/0"] {
        assert_eq!(at(&format!("{phase}/verdict")), "pass", "{phase} in {summary:#}");
    }
    assert_eq!((at("/schema"), at("/system")), (&Value::from(1), &Value::from("toy")));
    // The two interactions of `pacts/front-counter.json`.
    assert_eq!((count("/contracts/expected"), count("/contracts/verified")), (2, 2));
    assert_eq!(count("/journeys/passed"), 1);
    assert_eq!(count("/telemetry/orphan_spans"), 0);
    assert!(count("/telemetry/flows") > 10, "the journey and every iteration of the load: {summary:#}");
    assert_eq!(count("/load/errors"), 0);
    assert_eq!(at("/load/thresholds").as_array().map(Vec::len), Some(2));
    assert_eq!((at("/chaos/0/scenario"), at("/chaos/0/bitten")), (&"counter-killed".into(), &true.into()));
    assert!(at("/chaos/0/recovery_s").is_number(), "{summary:#}");
    assert_eq!(at("/chaos/0/invariants/0/name"), "no_lost_visit");
    assert_eq!(at("/chaos/0/invariants/0/verdict"), "pass");
    assert!(count("/chaos/0/invariants/0/checked") > 10, "{summary:#}");
}

fn report_needs_nothing_else(dir: &Path) {
    let page = fs::read_to_string(dir.join("report.html")).expect("report.html");
    assert!(page.contains("toy passed: 2 promises between its services hold"), "the verdict in a sentence");
    for fetch in ["src=", "url(", "@import", "href=\"http", "href=\"//", "fetch(", "\nimport "] {
        assert!(!page.contains(fetch), "the report fetches something by `{fetch}`");
    }
}

fn telemetry_is_kept(dir: &Path) {
    let traces = lines(&dir.join("telemetry/traces.jsonl"));
    let services: BTreeSet<&str> = traces
        .iter()
        .flat_map(|line| line["resourceSpans"].as_array().expect("OTLP/JSON"))
        .flat_map(|resource| resource["resource"]["attributes"].as_array().expect("OTLP/JSON"))
        .filter(|attribute| attribute["key"] == "service.name")
        .filter_map(|attribute| attribute["value"]["stringValue"].as_str())
        .collect();
    assert_eq!(services, BTreeSet::from(["client", "counter", "front"]));
    assert!(!lines(&dir.join("telemetry/metrics.jsonl")).is_empty());
    assert!(!lines(&dir.join("telemetry/logs.jsonl")).is_empty());
    for service in ["front", "counter"] {
        let log = lines(&dir.join(format!("logs/{service}.jsonl")));
        assert!(log.iter().any(|line| line["correlation_id"].is_string()), "{service}: {log:?}");
    }
}

fn history_is_kept(dir: &Path, summary: &Value) {
    let operations = chaos::history::read(dir.join("history.jsonl")).expect("history.jsonl");
    let operations = operations.collect::<Result<Vec<_>, _>>().expect("operations");
    let acknowledged = operations.iter().filter(|one| one.operation == "record visit" && one.outcome == Outcome::Ok);
    assert_eq!(summary.pointer("/chaos/0/invariants/0/checked"), Some(&acknowledged.count().into()));
    // The fault was felt by clients, so what holds does not hold because nothing happened.
    assert!(operations.iter().any(|one| one.scope == "counter-killed" && one.outcome == Outcome::Info));
}

fn report_is_rendered_again(ended: Ended, summary: &Value) {
    let again = Program::new().args(["--format", "json", "report"]).arg(ended.run_dir()).run();
    again.expect_code(0);
    assert_eq!(&serde_json::from_str::<Value>(&again.stdout).expect("JSON"), summary);
}

/// Lines of a file, each a JSON document.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(parse).collect()
}
