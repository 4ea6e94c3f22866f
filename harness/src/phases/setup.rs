//! What journeys build on: the journeys that are run before them, as often as they have actors.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chaos::history::Operation;
use serde_json::Value;

use super::session::Session;
use crate::error::Error;
use crate::journey::{Cast, Journey, JourneyRun, Start};

/// Longest time for one journey.
const JOURNEY_LIMIT: Duration = Duration::from_secs(60);

impl Session {
    /// Runs a journey once and writes its operations into the history.
    pub(super) async fn run_journey(
        &self,
        journey: &Journey,
        vars: BTreeMap<String, Value>,
        scope: &str,
        iteration: u64,
    ) -> Result<JourneyRun, Error> {
        let began = Instant::now();
        let start = Start { vars, seed: self.seed, iteration, deadline: began + JOURNEY_LIMIT, salt: scope.to_owned() };
        let run = self.runner.run(journey, start).await;
        for (number, step) in run.steps.iter().enumerate() {
            let operation = Operation {
                id: format!("{scope}/{}/{iteration}/{number}", journey.name),
                scope: scope.to_owned(),
                journey: journey.name.clone(),
                iteration,
                operation: step.name.clone(),
                phase: scope.to_owned(),
                intended_us: self.history.micros(began),
                start_us: self.history.micros(step.started),
                end_us: self.history.micros(step.ended),
                outcome: step.outcome,
                status: step.status,
                error: step.error.clone(),
                trace_id: Some(run.trace_id.to_string()),
                correlation_id: Some(run.correlation_id.clone()),
                saved: step.saved.clone(),
            };
            self.history.append(&operation).map_err(|e| Error::failed("the history cannot be written", e))?;
        }
        Ok(run)
    }

    /// Values of the journeys that `journey` builds on, each run `actors` times, unless it was run that often before.
    /// The inner error says in a sentence why one failed.
    pub(super) async fn setup_of(&self, journey: &Journey, actors: u64) -> Result<Result<Cast, String>, Error> {
        let mut cast = Cast::default();
        let mut done = self.setups.lock().await;
        for name in &journey.setup {
            // Loading checked that the journey exists, and that setups do not build on setups.
            let Some(setup) = self.journeys.0.get(name) else {
                return Ok(Err(format!("setup `{name}` is not a journey")));
            };
            let ready = done.entry(name.clone()).or_default();
            for number in ready.len() as u64..actors {
                let run = self.run_journey(setup, BTreeMap::new(), "setup", number).await?;
                if !run.ok {
                    let last = run.steps.last();
                    let step = last.map_or("?", |step| step.name.as_str());
                    let error = last.and_then(|step| step.error.as_deref()).unwrap_or_default();
                    return Ok(Err(format!("setup `{name}`, step `{step}`: {error}")));
                }
                ready.push(run.vars);
            }
            let wanted = usize::try_from(actors).unwrap_or(usize::MAX).min(ready.len());
            cast.add(name, ready[..wanted].to_vec());
        }
        Ok(Ok(cast))
    }
}
