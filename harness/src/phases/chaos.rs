//! The chaos phase: every scenario in order, its invariants judged on the tables of the system at rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chaos::Judge;
use chaos::invariants::{InvariantResult, InvariantSpec, Tables, judge};
use chaos::load::LoadResult;
use chaos::scenario::{Plan, ScenarioResult, Stage, run_scenario};
use chaos::system::{BoxFuture, System};
use chaos::undo::UndoJournal;
use chaos::verdict::Verdict;

use super::prepare::Chosen;
use super::relay::Relay;
use super::run::UNDO_JOURNAL;
use super::session::Session;
use super::traces;
use crate::assertions::Seed;
use crate::error::Error;
use crate::events::Event;
use crate::report::model::{self, Tally};
use crate::supervisor::RunningSystem;

/// Planned faults that are told in one line.
const FAULTS_IN_A_LINE: usize = 6;

/// Runs `plans` in order.
pub(super) async fn run(session: &Session, plans: &[Chosen]) -> Result<Vec<model::Scenario>, Error> {
    session.events.send(Event::PhaseStarted {
        phase: "chaos",
        detail: format!("{} scenarios", plans.len()),
        total: Some(plans.len() as u64),
    });
    let journal = UndoJournal::open(session.dir.file(UNDO_JOURNAL))
        .map_err(|e| Error::failed("the undo journal cannot be opened", e))?;
    let judge = TableJudge { system: session.system.clone(), invariants: session.config.invariants.clone() };
    let mut stage = Stage::new(session.system.clone() as Arc<dyn System>, Arc::new(judge), Arc::new(journal));
    stage.history = Some(session.history.clone());
    stage.events = Arc::new(Relay::new(session.events.clone()));
    stage.cancel = session.cancel.clone();
    let mut results: Vec<model::Scenario> = Vec::new();
    for Chosen { plan, obstacle } in plans {
        if session.cancel.is_cancelled() {
            break;
        }
        session.events.note(format!("{}: {}", plan.scenario, plan.title));
        for line in timetable(plan) {
            session.events.note(line);
        }
        let result = match obstacle {
            Some(obstacle) => not_applicable(plan, obstacle),
            None => one(session, plan, &mut stage).await?,
        };
        session.events.send(Event::Judged {
            name: format!("scenario {}", result.scenario),
            verdict: result.verdict,
            detail: result.reasons.first().cloned().unwrap_or_default(),
        });
        results.push(result);
        let failed = results.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::Skipped)).count();
        session.events.send(Event::PhaseAdvanced {
            phase: "chaos",
            done: results.len() as u64,
            failed: failed as u64,
            detail: plan.scenario.clone(),
        });
    }
    let passed = results.iter().filter(|r| r.verdict == Verdict::Pass).count();
    let verdict = Verdict::combine(results.iter().map(|result| result.verdict));
    let inapplicable = results.iter().filter(|r| r.verdict == Verdict::Skipped).count();
    let rest = if inapplicable > 0 { format!(", {inapplicable} not applicable") } else { String::new() };
    session.finished("chaos", verdict, &format!("{passed} of {} scenarios passed{rest}", plans.len()));
    Ok(results)
}

/// What will be broken when, so that a run can be followed and compared with its replay. Times count from the start of the
/// inject phase.
fn timetable(plan: &Plan) -> Vec<String> {
    let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
    let faults: Vec<String> = plan
        .faults
        .iter()
        .map(|planned| {
            let (fault, from, until) = (&planned.fault, seconds(planned.at), seconds(planned.until));
            format!("{} {} {from}-{until} s", fault.kind(), fault.target())
        })
        .collect();
    faults.chunks(FAULTS_IN_A_LINE).map(|line| format!("{}: planned: {}", plan.scenario, line.join(", "))).collect()
}

async fn one(session: &Session, plan: &Plan, stage: &mut Stage) -> Result<model::Scenario, Error> {
    let mut driven = Vec::new();
    for load in &plan.loads {
        match session.workload(&load.journey, load.actors).await? {
            Ok(workload) => {
                driven.push(workload.clone());
                stage.workloads.insert(load.journey.clone(), workload);
            }
            Err(failure) => return Ok(unjudged(plan, failure)),
        }
    }
    let mut scenario = model::Scenario::from(run_scenario(plan, stage).await);
    for line in scenario.loads.iter().map(Tally::to_string) {
        session.events.note(format!("{}: {line}", plan.scenario));
    }
    if plan.telemetry && !scenario.invariants.is_empty() {
        let flows = driven.iter().flat_map(|workload| workload.take_flows());
        let flows: Vec<Seed> = flows.filter(|(phase, _)| phase == traces::UNBROKEN).map(|(_, flow)| flow).collect();
        scenario.add(traces::judge(session, &flows).await);
    }
    Ok(scenario)
}

/// Judges the configured invariants on freshly observed tables.
struct TableJudge {
    system: Arc<RunningSystem>,
    invariants: Vec<InvariantSpec>,
}

impl Judge for TableJudge {
    fn names(&self) -> Vec<String> {
        self.invariants.iter().map(|spec| spec.name.clone()).collect()
    }

    fn judge<'a>(&'a self, scope: &'a str, only: Option<&'a [String]>) -> BoxFuture<'a, Vec<InvariantResult>> {
        Box::pin(async move {
            let here = |spec: &InvariantSpec| spec.only_in.is_empty() || spec.only_in.iter().any(|name| name == scope);
            let wanted = |spec: &&InvariantSpec| here(spec) && only.is_none_or(|names| names.contains(&spec.name));
            let specs: Vec<&InvariantSpec> = self.invariants.iter().filter(wanted).collect();
            let mut tables = Tables::new();
            let mut failures: BTreeMap<&str, String> = BTreeMap::new();
            let names: BTreeSet<&str> = specs.iter().flat_map(|spec| spec.tables()).collect();
            for name in names {
                match self.system.observer().table(name).await {
                    Ok(table) => drop(tables.insert(name.to_owned(), table)),
                    Err(error) => drop(failures.insert(name, error.to_string())),
                }
            }
            let judged = specs.into_iter().map(|spec| {
                let mut result = judge(spec, &tables);
                // Why a table is missing says more than that it is.
                if let Some(failure) = spec.tables().into_iter().find_map(|table| failures.get(table)) {
                    result.sentence.clone_from(failure);
                }
                result
            });
            judged.collect()
        })
    }
}

/// A scenario that asks for what this system cannot be made to do: neither passed nor failed.
fn not_applicable(plan: &Plan, obstacle: &str) -> model::Scenario {
    model::Scenario { verdict: Verdict::Skipped, ..unjudged(plan, format!("not applicable: {obstacle}")) }
}

fn unjudged(plan: &Plan, failure: String) -> model::Scenario {
    model::Scenario {
        scenario: plan.scenario.clone(),
        title: plan.title.clone(),
        verdict: Verdict::Invalid,
        bitten: false,
        recovery_s: None,
        reasons: vec![failure],
        faults: Vec::new(),
        phases: Vec::new(),
        thresholds: Vec::new(),
        invariants: Vec::new(),
        loads: Vec::new(),
        load: model::Load::skipped(),
        seed: plan.seed,
    }
}

impl From<ScenarioResult> for model::Scenario {
    fn from(result: ScenarioResult) -> Self {
        // The report shows one load; of several it shows their sum over time and the first one's operations.
        let loads = result.loads.values().map(Tally::of).collect();
        let mut load = result.loads.into_values().next().map_or_else(model::Load::skipped, model::Load::from);
        load.intervals = result.intervals.into_iter().map(Into::into).collect();
        load.response = result.response.into();
        load.schedule_digest = result.schedule_digest;
        Self {
            scenario: result.scenario,
            title: result.title,
            verdict: result.verdict,
            bitten: result.bitten,
            recovery_s: result.recovery_s,
            reasons: result.reasons,
            faults: result
                .faults
                .into_iter()
                .map(|fault| model::Fault {
                    fault: fault.fault,
                    target: fault.target,
                    at_s: fault.at_s,
                    until_s: fault.until_s,
                    bitten: fault.bitten,
                    evidence: fault.evidence,
                })
                .collect(),
            phases: result
                .phases
                .into_iter()
                .map(|phase| model::Phase { name: phase.name, from_s: phase.from_s, until_s: phase.until_s })
                .collect(),
            thresholds: result.thresholds.into_iter().map(Into::into).collect(),
            invariants: result.invariants.into_iter().map(Into::into).collect(),
            loads,
            load,
            seed: result.seed,
        }
    }
}

impl Tally {
    fn of(load: &LoadResult) -> Self {
        let mut failures: Vec<(String, u64)> = load.failures.clone().into_iter().collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self { load: load.load.clone(), offered: load.offered, ok: load.ok, failures }
    }
}

impl From<InvariantResult> for model::Invariant {
    fn from(result: InvariantResult) -> Self {
        Self {
            name: result.name,
            says: result.says,
            verdict: result.verdict,
            checked: result.checked,
            violations: result.violations,
            witness: result.witness,
            sentence: result.sentence,
            trace_ids: result.trace_ids,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_names_the_most_frequent_failures_and_no_more() {
        let tally = |failures: &[(&str, u64)]| {
            let failures = failures.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            Tally { load: "buy".to_owned(), offered: 9, ok: 5, failures }.to_string()
        };
        assert_eq!(tally(&[]), "`buy`: 5 of 9 succeeded");
        assert_eq!(
            tally(&[("pay: 503", 4), ("pay: no answer", 3), ("order: 503", 2), ("order: 409", 1)]),
            "`buy`: 5 of 9 succeeded; most often `pay: 503` 4 times, `pay: no answer` 3 times, `order: 503` 2 times"
        );
    }
}
