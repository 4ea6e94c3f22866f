//! The journeys phase: each journey once, then its telemetry.

use std::time::{Duration, Instant};

use chaos::history::Outcome;
use chaos::verdict::Verdict;

use super::session::Session;
use crate::assertions;
use crate::error::Error;
use crate::events::Event;
use crate::journey::{CLIENT, Journey, JourneyRun};
use crate::report::model;

/// Longest wait for the telemetry of a journey to be complete.
const TELEMETRY_LIMIT: Duration = Duration::from_secs(8);
/// Rows of a waterfall that the report shows.
const WATERFALL_LIMIT: usize = 400;

/// Runs `journeys` in order.
pub(super) async fn run(session: &Session, journeys: &[Journey]) -> Result<model::Journeys, Error> {
    session.events.send(Event::PhaseStarted {
        phase: "journeys",
        detail: format!("{} through {}", journeys.len(), session.system.entry_url()),
        total: Some(journeys.len() as u64),
    });
    let mut results = Vec::new();
    for journey in journeys {
        if session.cancel.is_cancelled() {
            break;
        }
        let result = one(session, journey).await?;
        session.events.send(Event::Judged {
            name: format!("journey {}", result.name),
            verdict: result.verdict,
            detail: result.failures.first().cloned().unwrap_or_default(),
        });
        results.push(result);
        let failed = results.iter().filter(|r| r.verdict != Verdict::Pass).count();
        session.events.send(Event::PhaseAdvanced {
            phase: "journeys",
            done: results.len() as u64,
            failed: failed as u64,
            detail: journey.name.clone(),
        });
    }
    let verdict = match results.len() {
        _ if session.cancel.is_cancelled() => Verdict::Aborted,
        // A system without journeys was not shown to do anything.
        0 => Verdict::Invalid,
        _ => Verdict::combine(results.iter().map(|journey| journey.verdict)),
    };
    let passed = results.iter().filter(|r| r.verdict == Verdict::Pass).count();
    session.events.send(Event::PhaseFinished {
        phase: "journeys",
        verdict,
        detail: format!("{passed} of {} passed", results.len()),
    });
    Ok(model::Journeys { verdict, journeys: results })
}

async fn one(session: &Session, journey: &Journey) -> Result<model::Journey, Error> {
    let vars = match session.setup_of(journey, 1).await? {
        Ok(cast) => cast.of(session.seed, "journeys", 0),
        Err(failure) => return Ok(failed_setup(journey, failure)),
    };
    let run = session.run_journey(journey, vars, "journeys", 0).await?;
    let seed = run.seed();
    let deadline = Instant::now() + TELEMETRY_LIMIT;
    let judged = assertions::judge_flow(&session.collector.store, &seed, &journey.flow, deadline).await;
    let steps = run.steps.iter().filter_map(|step| Some((step, step.error.as_deref()?)));
    let mut failures: Vec<String> = steps
        .map(|(step, error)| match answered_by(&judged.waterfall, &step.name) {
            Some(service) => format!("step `{}`, answered by `{service}`: {error}", step.name),
            None => format!("step `{}`: {error}", step.name),
        })
        .collect();
    failures.extend(judged.failures);
    let mut waterfall = judged.waterfall;
    let waterfall_omitted = waterfall.len().saturating_sub(WATERFALL_LIMIT);
    waterfall.truncate(WATERFALL_LIMIT);
    session.remember_flow(seed);
    Ok(model::Journey {
        name: journey.name.clone(),
        verdict: if failures.is_empty() && run.ok { Verdict::Pass } else { Verdict::Fail },
        duration_ms: run.duration.as_secs_f64() * 1e3,
        failures,
        steps: run.steps.iter().map(|step| step_row(step, &run)).collect(),
        waterfall,
        waterfall_omitted,
    })
}

/// The service that a step's request reached at last: the deepest server below the client's span.
fn answered_by<'a>(waterfall: &'a [model::WaterfallRow], step: &str) -> Option<&'a str> {
    let is_step = |row: &model::WaterfallRow| {
        row.service == CLIENT && row.name.split_once(' ').is_some_and(|(_, name)| name == step)
    };
    let at = waterfall.iter().rposition(is_step)?;
    let below = waterfall[at + 1..].iter().take_while(|row| row.depth > waterfall[at].depth && !row.linked);
    let deepest = below.filter(|row| row.kind == "server").max_by_key(|row| row.depth)?;
    Some(&deepest.service)
}

fn failed_setup(journey: &Journey, failure: String) -> model::Journey {
    model::Journey {
        name: journey.name.clone(),
        verdict: Verdict::Fail,
        duration_ms: 0.0,
        failures: vec![failure],
        steps: Vec::new(),
        waterfall: Vec::new(),
        waterfall_omitted: 0,
    }
}

fn step_row(step: &crate::journey::StepRun, run: &JourneyRun) -> model::Step {
    model::Step {
        name: step.name.clone(),
        verdict: if step.outcome == Outcome::Ok { Verdict::Pass } else { Verdict::Fail },
        status: step.status,
        duration_ms: step.ended.saturating_duration_since(step.started).as_secs_f64() * 1e3,
        failure: step.error.clone(),
        trace_id: Some(run.trace_id.to_string()),
    }
}
