//! Runs a load.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::pacer::{Arrival, pace};
use super::recorder::{Ending, Recorder, Sample, quantile};
use super::{Iteration, IterationResult, LoadPlan, LoadResult, OperationRun, Pacing, Percentiles, Schedule, Workload};
use crate::events::{Events, Quiet};
use crate::history::{History, Operation, Outcome};
use crate::verdict::Verdict;

/// Time after its deadline in which an iteration may still tell what became of its operations.
const GRACE: Duration = Duration::from_secs(2);
/// An iteration that gave up this shortly before its deadline gave up because of it.
const AT_DEADLINE: Duration = Duration::from_millis(20);
/// Time from the call to the first arrival that a load leaves itself, so that the first one is not late already.
const RUN_UP: Duration = Duration::from_millis(5);

/// How a load is controlled from outside.
#[derive(Clone)]
pub struct LoadControl {
    /// Start of the load: time 0 of its schedule.
    pub start: Instant,
    /// Stops it early.
    pub cancel: CancellationToken,
    /// How arrivals are timed.
    pub pacing: Pacing,
    /// Hears about every second.
    pub events: Arc<dyn Events>,
}

impl LoadControl {
    /// Starts now, precisely timed, with nobody listening.
    #[must_use]
    pub fn now() -> Self {
        Self {
            start: Instant::now() + RUN_UP,
            cancel: CancellationToken::new(),
            pacing: Pacing::default(),
            events: Arc::new(Quiet),
        }
    }

    /// The same, with somebody listening.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn Events>) -> Self {
        self.events = events;
        self
    }

    /// The same, stopped by a token.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }
}

/// Everything that the tasks of a load share.
struct Shared {
    plan: LoadPlan,
    start: Instant,
    workload: Arc<dyn Workload>,
    recorder: Arc<Recorder>,
    history: Option<Arc<History>>,
    /// The first reason why the history is not complete.
    history_error: Mutex<Option<String>>,
}

/// Runs a load to its end and judges it. Every iteration is recorded in `recorder`, every operation in `history`.
///
/// Arrivals come when they are due, whatever became of those before. One that finds `max_inflight` iterations in flight is
/// shed, which counts as failed. One that has not ended `timeout` after its intended start counts as failed with that
/// latency. A generator that was late itself makes the result invalid.
pub async fn run_load(
    plan: LoadPlan,
    workload: Arc<dyn Workload>,
    recorder: Arc<Recorder>,
    history: Option<Arc<History>>,
    control: LoadControl,
) -> LoadResult {
    let schedule = Schedule::new(plan.shape.clone(), plan.arrivals, plan.seed, &plan.name);
    let digest = schedule.digest(plan.duration());
    let shared =
        Arc::new(Shared { start: control.start, workload, recorder, history, history_error: Mutex::new(None), plan });
    let stopped = match pace(schedule, control.start, shared.plan.duration(), control.pacing) {
        Ok(arrivals) => drive(&shared, arrivals, &control).await,
        Err(error) => Some(format!("the generator's thread could not be started: {error}")),
    };
    shared.finish(stopped, digest)
}

/// Starts iterations as they are due, and waits for the last one. Returns why it stopped early, if so.
async fn drive(
    shared: &Arc<Shared>,
    mut arrivals: tokio::sync::mpsc::Receiver<Arrival>,
    control: &LoadControl,
) -> Option<String> {
    let plan = &shared.plan;
    let mut running = JoinSet::new();
    let mut second = 0;
    let mut arriving = true;
    let mut stopped = None;
    while arriving || !running.is_empty() {
        tokio::select! {
            biased;
            // Nothing new arrives; what is in flight ends by its deadline and tells what it did: an operation that took
            // effect and is in no history would look like something that nobody asked for.
            () = control.cancel.cancelled(), if stopped.is_none() => {
                stopped = Some("stopped before its end".to_owned());
                arrivals.close();
                arriving = false;
            }
            arrival = arrivals.recv(), if arriving => match arrival {
                Some(arrival) if running.len() >= plan.max_inflight => shared.shed(arrival),
                Some(arrival) => {
                    running.spawn(iterate(Arc::clone(shared), arrival));
                }
                None => arriving = false,
            },
            Some(_) = running.join_next() => {}
            () = sleep_until(control.start + Duration::from_secs(second + 1)) => {
                control.events.second(&plan.scope, &plan.name, &shared.recorder.second(Some(&plan.name), second));
                second += 1;
            }
        }
    }
    // What is left of the last second.
    control.events.second(&plan.scope, &plan.name, &shared.recorder.second(Some(&plan.name), second));
    stopped
}

/// Records an iteration that ends without a result, because its task panicked or was stopped.
struct Unfinished<'a> {
    shared: &'a Shared,
    intended: Duration,
    started: Duration,
    armed: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.armed {
            let (intended, started, ended) = (self.intended, self.started, self.shared.elapsed());
            let sample = Sample { intended, started, ended, ending: Ending::Failed };
            self.shared.record(sample, Some("the iteration was broken off"));
        }
    }
}

async fn iterate(shared: Arc<Shared>, arrival: Arrival) {
    let plan = &shared.plan;
    let intended = shared.start + arrival.at;
    let deadline = intended + plan.timeout;
    let phase = plan.phase_at(arrival.at).to_owned();
    let iteration = Iteration {
        scope: plan.scope.clone(),
        load: plan.name.clone(),
        journey: plan.journey.clone(),
        index: arrival.index,
        seed: plan.seed,
        intended: intended.into_std(),
        deadline: deadline.into_std(),
        phase: phase.clone(),
    };
    let started = shared.elapsed();
    let mut unfinished = Unfinished { shared: &shared, intended: arrival.at, started, armed: true };
    let mut running = shared.workload.iterate(iteration);
    let in_time = timeout_at(deadline, &mut running).await;
    let elapsed = shared.elapsed();
    let deadline_at = arrival.at + plan.timeout;
    let (ending, ended) = match &in_time {
        Ok(result) if result.ok => (Ending::Ok, elapsed),
        Ok(_) if elapsed + AT_DEADLINE < deadline_at => (Ending::Failed, elapsed),
        _ => (Ending::TimedOut, deadline_at),
    };
    let failure = match (&in_time, ending) {
        (_, Ending::Ok) => None,
        (Ok(IterationResult { error: Some(error), .. }), _) => Some(error.as_str()),
        (_, Ending::TimedOut) => Some("timed out"),
        _ => Some("failed"),
    };
    unfinished.armed = false;
    shared.record(Sample { intended: arrival.at, started, ended, ending }, failure);
    let result = match in_time {
        Ok(result) => Some(result),
        // It counts as timed out; what it did before is still wanted for the history.
        Err(_) => timeout_at(deadline + GRACE, &mut running).await.ok(),
    };
    shared.keep(arrival, &phase, started, result);
}

impl Shared {
    fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.start)
    }

    fn shed(&self, arrival: Arrival) {
        let at = arrival.at;
        let sample = Sample { intended: at, started: at, ended: at, ending: Ending::Shed };
        self.record(sample, Some("shed: too many iterations in flight"));
    }

    /// Records an iteration; kinds of failures are told apart only where they count.
    fn record(&self, sample: Sample, failure: Option<&str>) {
        let failure = failure.filter(|_| sample.intended >= self.plan.measured_from());
        self.recorder.iteration(&self.plan.name, sample, failure);
    }

    /// Keeps what is known of an iteration's operations. Of one that never told, only that its effects are unknown.
    fn keep(&self, arrival: Arrival, phase: &str, started: Duration, result: Option<IterationResult>) {
        let now = Instant::now().into_std();
        let operations = result.map_or_else(
            || {
                vec![OperationRun {
                    name: "*".to_owned(),
                    outcome: Outcome::Info,
                    status: None,
                    error: Some("the iteration did not end, so its effects are unknown".to_owned()),
                    started: (self.start + started).into_std(),
                    ended: now,
                    trace_id: None,
                    correlation_id: None,
                    saved: std::collections::BTreeMap::new(),
                    waits: true,
                }]
            },
            |result| result.operations,
        );
        for (number, operation) in operations.into_iter().enumerate() {
            if operation.outcome == Outcome::Ok && !operation.waits && arrival.at >= self.plan.measured_from() {
                let took = operation.ended.saturating_duration_since(operation.started);
                self.recorder.operation(&self.plan.name, &operation.name, took);
            }
            let Some(history) = &self.history else { continue };
            let written = history.append(&Operation {
                id: format!("{}/{}/{}/{number}", self.plan.scope, self.plan.name, arrival.index),
                scope: self.plan.scope.clone(),
                journey: self.plan.journey.clone(),
                iteration: arrival.index,
                operation: operation.name,
                phase: phase.to_owned(),
                intended_us: history.micros((self.start + arrival.at).into_std()),
                start_us: history.micros(operation.started),
                end_us: history.micros(operation.ended),
                outcome: operation.outcome,
                status: operation.status,
                error: operation.error,
                trace_id: operation.trace_id,
                correlation_id: operation.correlation_id,
                saved: operation.saved,
            });
            self.note(written);
        }
    }

    fn note(&self, written: Result<(), crate::error::FileError>) {
        if let Err(error) = written {
            let mut first = self.history_error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.to_string());
        }
    }

    fn finish(&self, stopped: Option<String>, schedule_digest: String) -> LoadResult {
        if let Some(history) = &self.history {
            self.note(history.flush());
        }
        let (plan, recorder) = (&self.plan, &self.recorder);
        let (from, until) = (plan.measured_from(), plan.duration());
        let measured = recorder.stretch(Some(&plan.name), from, until);
        let thresholds: Vec<_> = plan
            .thresholds
            .iter()
            .map(|threshold| {
                let (from, until) = threshold.phase.as_deref().map_or((from, until), |name| plan.span(name));
                recorder.judge(threshold, &plan.name, threshold.phase.as_deref().unwrap_or(""), from, until)
            })
            .collect();
        let mut verdict = Verdict::combine(thresholds.iter().map(|threshold| threshold.verdict).chain([Verdict::Pass]));
        let mut reasons: Vec<String> = thresholds
            .iter()
            .filter(|threshold| threshold.verdict != Verdict::Pass)
            .map(|threshold| format!("`{}` was not met: {}", threshold.expression, threshold.measured))
            .collect();
        // What the generator did wrong outweighs what the system seems to have done wrong.
        let lag = quantile(&measured.lag, 0.99);
        let most = plan.max_lag.as_secs_f64() * 1e3;
        let broken = [
            (measured.offered == 0).then(|| format!("load `{}` offered nothing, so nothing was measured", plan.name)),
            (lag > most).then(|| {
                format!("the generator was late: 99% of iterations started within {lag:.1} ms, expected {most:.1} ms")
            }),
            self.history_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        ];
        for reason in broken.into_iter().flatten() {
            verdict = Verdict::Invalid;
            reasons.insert(0, reason);
        }
        if let Some(reason) = stopped {
            verdict = Verdict::Aborted;
            reasons.insert(0, format!("load `{}` was {reason}", plan.name));
        }
        let seconds = measured.seconds.max(f64::MIN_POSITIVE);
        LoadResult {
            load: plan.name.clone(),
            journey: plan.journey.clone(),
            verdict,
            reasons,
            offered_per_s: measured.offered as f64 / seconds,
            achieved_per_s: measured.ok as f64 / seconds,
            offered: measured.offered,
            ok: measured.ok,
            errors: measured.failed,
            shed: measured.shed,
            timeouts: measured.timeouts,
            failures: recorder.failures(&plan.name),
            response: Percentiles::of(&measured.response),
            service: Percentiles::of(&measured.service),
            lag: Percentiles::of(&measured.lag),
            operations: recorder.operations(&plan.name),
            intervals: recorder.seconds(Some(&plan.name), until),
            thresholds,
            schedule_digest,
        }
    }
}
