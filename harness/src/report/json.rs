//! `summary.json`: the stable result of a run, described by `schema/summary.schema.json`.

use chaos::verdict::Verdict;
use serde::Serialize;
use serde_json::Value;

use super::model::{self, Run};

/// Version of the shape. A new field does not change it; a removed or redefined one does.
const SCHEMA: u32 = 1;

/// The summary of a run.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema: u32,
    system: &'a str,
    profile: &'a str,
    components: &'a [model::Component],
    seed: u64,
    verdict: Verdict,
    sentence: &'a str,
    error: &'a Option<String>,
    wall_s: f64,
    ready_s: f64,
    replay: &'a str,
    contracts: Contracts<'a>,
    journeys: Journeys<'a>,
    telemetry: Telemetry<'a>,
    load: Load<'a>,
    chaos: Vec<Scenario<'a>>,
    drift: Drift<'a>,
}

#[derive(Debug, Serialize)]
struct Drift<'a> {
    verdict: Verdict,
    #[serde(flatten)]
    seen: &'a contracts::live::Live,
}

#[derive(Debug, Serialize)]
struct Contracts<'a> {
    verdict: Verdict,
    expected: usize,
    verified: usize,
    partial: bool,
    wall_s: f64,
    error: &'a Option<String>,
    failed: Vec<FailedInteraction<'a>>,
    interactions: Vec<Interaction<'a>>,
}

#[derive(Debug, Serialize)]
struct Interaction<'a> {
    consumer: &'a str,
    provider: &'a str,
    interaction: &'a str,
    states: &'a [String],
    kind: &'a str,
    verdict: Verdict,
    pending: bool,
    duration_ms: f64,
    mismatches: &'a [String],
    flaky: Option<Flaky<'a>>,
    trace_id: &'a Option<String>,
    correlation_id: &'a Option<String>,
    logs: &'a [String],
    logs_omitted: usize,
}

#[derive(Debug, Serialize)]
struct Flaky<'a> {
    replays: usize,
    failed: usize,
    seeds: &'a [u64],
    after: &'a Option<String>,
}

#[derive(Debug, Serialize)]
struct FailedInteraction<'a> {
    consumer: &'a str,
    provider: &'a str,
    interaction: &'a str,
    mismatches: &'a [String],
}

#[derive(Debug, Serialize)]
struct Journeys<'a> {
    verdict: Verdict,
    passed: usize,
    failed: Vec<FailedJourney<'a>>,
}

#[derive(Debug, Serialize)]
struct FailedJourney<'a> {
    journey: &'a str,
    failures: &'a [String],
}

#[derive(Debug, Serialize)]
struct Telemetry<'a> {
    verdict: Verdict,
    flows: usize,
    orphan_spans: usize,
    findings: &'a [model::Finding],
}

#[derive(Debug, Serialize)]
struct Load<'a> {
    verdict: Verdict,
    offered_per_s: f64,
    achieved_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    lag_p99_ms: f64,
    errors: u64,
    thresholds: &'a [model::Threshold],
}

#[derive(Debug, Serialize)]
struct Scenario<'a> {
    scenario: &'a str,
    verdict: Verdict,
    bitten: bool,
    recovery_s: Option<f64>,
    reasons: &'a [String],
    invariants: Vec<Invariant<'a>>,
}

#[derive(Debug, Serialize)]
struct Invariant<'a> {
    name: &'a str,
    verdict: Verdict,
    checked: u64,
    sentence: &'a str,
    witness: &'a Option<Value>,
}

/// The summary as indented JSON.
///
/// # Errors
///
/// When the run holds something that JSON cannot express.
pub fn render(run: &Run) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&Summary {
        schema: SCHEMA,
        system: &run.system,
        profile: &run.profile,
        components: &run.components,
        seed: run.seed,
        verdict: run.verdict,
        sentence: &run.sentence,
        error: &run.error,
        wall_s: run.wall_s,
        ready_s: run.ready_s,
        replay: &run.replay,
        contracts: Contracts {
            verdict: run.contracts.verdict,
            expected: run.contracts.expected,
            verified: run.contracts.verified,
            partial: run.contracts.partial,
            wall_s: run.contracts.wall_s,
            error: &run.contracts.error,
            failed: failed_interactions(&run.contracts),
            interactions: run.contracts.interactions.iter().map(interaction).collect(),
        },
        journeys: Journeys {
            verdict: run.journeys.verdict,
            passed: run.journeys.journeys.iter().filter(|journey| journey.verdict == Verdict::Pass).count(),
            failed: failed_journeys(&run.journeys),
        },
        telemetry: Telemetry {
            verdict: run.telemetry.verdict,
            flows: run.telemetry.flows,
            orphan_spans: run.telemetry.orphan_spans,
            findings: &run.telemetry.findings,
        },
        load: Load {
            verdict: run.load.verdict,
            offered_per_s: run.load.offered_per_s,
            achieved_per_s: run.load.achieved_per_s,
            p50_ms: run.load.response.p50_ms,
            p99_ms: run.load.response.p99_ms,
            lag_p99_ms: run.load.lag.p99_ms,
            errors: run.load.errors,
            thresholds: &run.load.thresholds,
        },
        chaos: run.chaos.iter().map(scenario).collect(),
        drift: Drift { verdict: run.drift.verdict, seen: &run.drift.seen },
    })
}

fn failed_interactions(contracts: &model::Contracts) -> Vec<FailedInteraction<'_>> {
    let failed = contracts.interactions.iter().filter(|one| one.is_broken());
    failed
        .map(|one| FailedInteraction {
            consumer: &one.consumer,
            provider: &one.provider,
            interaction: &one.description,
            mismatches: &one.mismatches,
        })
        .collect()
}

fn interaction(one: &model::Interaction) -> Interaction<'_> {
    let evidence = one.evidence.as_ref();
    Interaction {
        consumer: &one.consumer,
        provider: &one.provider,
        interaction: &one.description,
        states: &one.states,
        kind: &one.kind,
        verdict: one.verdict,
        pending: one.pending,
        duration_ms: one.duration_ms,
        mismatches: &one.mismatches,
        flaky: one.flaky.as_ref().map(|flaky| Flaky {
            replays: flaky.replays,
            failed: flaky.failed,
            seeds: &flaky.seeds,
            after: &flaky.after,
        }),
        trace_id: &one.trace_id,
        correlation_id: &one.correlation_id,
        logs: evidence.map_or(&[], |evidence| &evidence.logs),
        logs_omitted: evidence.map_or(0, |evidence| evidence.logs_omitted),
    }
}

fn failed_journeys(journeys: &model::Journeys) -> Vec<FailedJourney<'_>> {
    let failed = journeys.journeys.iter().filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Skipped));
    failed.map(|one| FailedJourney { journey: &one.name, failures: &one.failures }).collect()
}

fn scenario(one: &model::Scenario) -> Scenario<'_> {
    Scenario {
        scenario: &one.scenario,
        verdict: one.verdict,
        bitten: one.bitten,
        recovery_s: one.recovery_s,
        reasons: &one.reasons,
        invariants: one.invariants.iter().map(invariant).collect(),
    }
}

fn invariant(one: &model::Invariant) -> Invariant<'_> {
    Invariant {
        name: &one.name,
        verdict: one.verdict,
        checked: one.checked,
        sentence: &one.sentence,
        witness: &one.witness,
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
