//! A journey as load: every arrival runs it once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use chaos::load::{Iteration, IterationResult, OperationRun, Workload};
use chaos::system::BoxFuture;

use super::cast::Cast;
use super::plan::Journey;
use super::run::{JourneyRun, Runner, Start};
use crate::assertions::Seed;

/// Most flows that are remembered for the check of their telemetry.
const REMEMBERED: usize = 20_000;

/// Runs a journey for each arrival of a load.
pub struct JourneyWorkload {
    runner: Runner,
    journey: Journey,
    cast: Cast,
    finished: Mutex<VecDeque<(String, Seed)>>,
}

impl JourneyWorkload {
    /// A workload that starts every iteration from the values that `cast` gives it.
    #[must_use]
    pub fn new(runner: Runner, journey: Journey, cast: Cast) -> Self {
        Self { runner, journey, cast, finished: Mutex::default() }
    }

    /// Flows of the iterations that ended well since the last call, each with the phase in which it began.
    #[must_use]
    pub fn take_flows(&self) -> Vec<(String, Seed)> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

impl Workload for JourneyWorkload {
    fn iterate(&self, iteration: Iteration) -> BoxFuture<'_, IterationResult> {
        Box::pin(async move {
            let salt = format!("{}/{}", iteration.scope, iteration.load);
            let start = Start {
                vars: self.cast.of(iteration.seed, &salt, iteration.index),
                seed: iteration.seed,
                iteration: iteration.index,
                deadline: iteration.deadline,
                salt,
            };
            let run = self.runner.run(&self.journey, start).await;
            if run.ok {
                let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
                // The newest: of a long run, the end is what is asked about.
                if finished.len() == REMEMBERED {
                    finished.pop_front();
                }
                finished.push_back((iteration.phase, run.seed()));
            }
            run.into()
        })
    }
}

impl From<JourneyRun> for IterationResult {
    fn from(run: JourneyRun) -> Self {
        let error = match run.steps.last() {
            Some(last) if !run.ok => Some(match last.status {
                Some(status) => format!("{}: {status}", last.name),
                None => format!("{}: no answer", last.name),
            }),
            _ => None,
        };
        let operations = run.steps.into_iter().map(|step| OperationRun {
            name: step.name,
            outcome: step.outcome,
            status: step.status,
            error: step.error,
            started: step.started,
            ended: step.ended,
            trace_id: Some(run.trace_id.to_string()),
            correlation_id: Some(run.correlation_id.clone()),
            saved: step.saved,
            waits: step.waits,
        });
        Self { operations: operations.collect(), ok: run.ok, error }
    }
}
