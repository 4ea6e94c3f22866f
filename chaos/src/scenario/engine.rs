//! Runs a scenario: load, baseline, faults, recovery, rest, judgement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::injection::{Injected, Surgeon};
use super::outcome::Observed;
use super::plan::Plan;
use super::result::{PhaseTimes, ScenarioResult};
use crate::events::{Events, Quiet};
use crate::history::History;
use crate::judge::Judge;
use crate::load::{
    LoadControl, LoadPlan, LoadResult, Pacing, Recorder, Threshold, ThresholdResult, Workload, run_load,
};
use crate::system::System;
use crate::undo::UndoJournal;
use crate::verdict::Verdict;

/// Time from the call to the first arrival.
const RUN_UP: Duration = Duration::from_millis(5);
/// Window of an abort condition that does not name one.
const ABORT_WINDOW: Duration = Duration::from_secs(5);
/// Seconds in a row in which an abort condition must hold.
const ABORT_AFTER: u32 = 2;

/// Everything that a scenario is run on.
#[derive(Clone)]
pub struct Stage {
    /// The system under test.
    pub system: Arc<dyn System>,
    /// Journeys by name.
    pub workloads: BTreeMap<String, Arc<dyn Workload>>,
    /// Judges the invariants.
    pub judge: Arc<dyn Judge>,
    /// Keeps every operation of the clients.
    pub history: Option<Arc<History>>,
    /// Keeps how faults are undone.
    pub journal: Arc<UndoJournal>,
    /// Hears about progress.
    pub events: Arc<dyn Events>,
    /// Stops the scenario; its faults are undone.
    pub cancel: CancellationToken,
    /// How arrivals are timed.
    pub pacing: Pacing,
}

impl Stage {
    /// A stage without history, listeners and workloads, to which these can be added.
    #[must_use]
    pub fn new(system: Arc<dyn System>, judge: Arc<dyn Judge>, journal: Arc<UndoJournal>) -> Self {
        Self {
            system,
            workloads: BTreeMap::new(),
            judge,
            history: None,
            journal,
            events: Arc::new(Quiet),
            cancel: CancellationToken::new(),
            pacing: Pacing::default(),
        }
    }
}

/// Runs a scenario to its verdict. Faults are undone whatever happens: at their end, when a condition aborts the
/// scenario, when it is cancelled, when a task panics, and in the background when the returned future is dropped.
pub async fn run_scenario(plan: &Plan, stage: &Stage) -> ScenarioResult {
    let start = Instant::now() + RUN_UP;
    let stop = stage.cancel.child_token();
    // Dropping this future ends faults early, and their tasks undo them.
    let _stop_when_dropped = stop.clone().drop_guard();
    let recorder = Arc::new(Recorder::new());
    let surgeon = Surgeon {
        scope: plan.scenario.clone(),
        system: Arc::clone(&stage.system),
        journal: Arc::clone(&stage.journal),
        events: Arc::clone(&stage.events),
        start,
        stop: stop.clone(),
        turns: Arc::default(),
    };
    let mut run = Run { plan, stage, surgeon, recorder, start, phases: Vec::new(), abort: Vec::new() };
    let load_stop = stage.cancel.child_token();
    let _loads_stop_when_dropped = load_stop.clone().drop_guard();
    let loads = run.start_loads(&load_stop);
    let mut observed = Observed::default();

    let [(_, warmup), (_, baseline), (_, inject), (_, recover)] = plan.phases.ends();
    let mut going = run.phase("warmup", Duration::ZERO, warmup).await && run.phase("baseline", warmup, baseline).await;
    if going {
        observed.before = run.judge_all(&plan.steady_state, "before", warmup, baseline);
        if observed.before.iter().any(|threshold| threshold.verdict != Verdict::Pass) {
            // Breaking what is broken already shows nothing.
            observed.baseline_failed = true;
            going = false;
            load_stop.cancel();
        }
    }
    if going {
        stage.events.phase(&plan.scenario, "inject");
        let faults = run.start_faults(start + baseline);
        if let Err(reason) = run.watch(inject).await {
            observed.aborted = Some(reason);
            stop.cancel();
        }
        // An undo may take longer than its phase, such as a service that is slow to become ready.
        observed.faults = run.finish_faults(faults).await;
        let ended = run.surgeon.elapsed().max(baseline.as_secs_f64());
        run.phases.push(PhaseTimes { name: "inject".to_owned(), from_s: baseline.as_secs_f64(), until_s: ended });
        if observed.aborted.is_none() {
            let from = Duration::from_secs_f64(ended).min(recover);
            run.phase("recover", from, recover).await;
        }
    }
    if observed.aborted.is_some() {
        load_stop.cancel();
    }
    if stage.cancel.is_cancelled() && observed.aborted.is_none() {
        observed.aborted = Some("stopped by the user".to_owned());
    }
    observed.loads = finish_loads(loads).await;
    if observed.aborted.is_none() {
        run.come_to_rest(&mut observed).await;
    }
    observed.finish(plan, &run.recorder, run.phases)
}

type LoadTask = (LoadPlan, JoinHandle<LoadResult>);

struct Run<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    surgeon: Surgeon,
    recorder: Arc<Recorder>,
    start: Instant,
    phases: Vec<PhaseTimes>,
    /// For each abort condition, the seconds in a row in which it held.
    abort: Vec<u32>,
}

impl Run<'_> {
    fn start_loads(&self, cancel: &CancellationToken) -> Vec<LoadTask> {
        let mut tasks = Vec::new();
        for load in &self.plan.loads {
            let Some(workload) = self.stage.workloads.get(&load.journey) else { continue };
            let control = LoadControl {
                start: self.start,
                cancel: cancel.clone(),
                pacing: self.stage.pacing,
                events: Arc::clone(&self.stage.events),
            };
            let history = self.stage.history.clone();
            let task = run_load(load.clone(), Arc::clone(workload), Arc::clone(&self.recorder), history, control);
            tasks.push((load.clone(), tokio::spawn(task)));
        }
        tasks
    }

    /// Waits for the end of a phase; false when the scenario was cancelled before.
    async fn phase(&mut self, name: &str, from: Duration, until: Duration) -> bool {
        if until > from {
            self.stage.events.phase(&self.plan.scenario, name);
        }
        let whole = tokio::select! {
            biased;
            () = self.stage.cancel.cancelled() => false,
            () = sleep_until(self.start + until) => true,
        };
        let (from_s, until_s) = (from.as_secs_f64(), if whole { until.as_secs_f64() } else { self.surgeon.elapsed() });
        if until_s > from_s {
            self.phases.push(PhaseTimes { name: name.to_owned(), from_s, until_s });
        }
        whole
    }

    fn start_faults(&self, inject: Instant) -> Vec<JoinHandle<Injected>> {
        let faults = self.plan.faults.iter();
        faults.map(|planned| tokio::spawn(self.surgeon.clone().operate(planned.clone(), inject))).collect()
    }

    /// Watches the inject phase until its end. An error is the reason to stop.
    async fn watch(&mut self, until: Duration) -> Result<(), String> {
        let mut second = self.surgeon.elapsed().floor() as u64 + 1;
        loop {
            let next = self.start + Duration::from_secs(second);
            tokio::select! {
                biased;
                () = self.stage.cancel.cancelled() => return Err("stopped by the user".to_owned()),
                () = sleep_until(next.min(self.start + until)) => {}
            }
            if let Some(condition) = self.breached(second) {
                return Err(format!("the abort condition `{condition}` was met"));
            }
            if Instant::now() >= self.start + until {
                return Ok(());
            }
            second += 1;
        }
    }

    /// An abort condition that held for long enough.
    fn breached(&mut self, second: u64) -> Option<String> {
        self.abort.resize(self.plan.abort.len(), 0);
        let until = Duration::from_secs(second);
        for (threshold, breaches) in self.plan.abort.iter().zip(&mut self.abort) {
            let from = until.saturating_sub(threshold.over.unwrap_or(ABORT_WINDOW));
            let load = self.plan.load_of(threshold);
            let held = threshold
                .measure(&self.recorder.ended(load, from, until))
                .is_some_and(|measured| threshold.holds(measured));
            *breaches = if held { *breaches + 1 } else { 0 };
            if *breaches >= ABORT_AFTER {
                return Some(threshold.to_string());
            }
        }
        None
    }

    /// Waits for all faults to be undone. One whose task panicked is undone from the journal.
    async fn finish_faults(&self, tasks: Vec<JoinHandle<Injected>>) -> Vec<Injected> {
        let mut faults = Vec::new();
        for (planned, task) in self.plan.faults.iter().zip(tasks) {
            faults.push(match task.await {
                Ok(injected) => injected,
                Err(_) => Injected::broken(planned, self.rescue(planned.fault.kind(), planned.fault.target()).await),
            });
        }
        faults
    }

    /// Undoes what the journal still has outstanding for a fault; an error is why that did not work.
    async fn rescue(&self, fault: &str, target: &str) -> Option<String> {
        let outstanding = match self.stage.journal.outstanding() {
            Ok(records) => records,
            Err(error) => return Some(error.to_string()),
        };
        for record in outstanding.iter().filter(|record| record.fault == fault && record.target == target) {
            if let Err(error) = self.surgeon.undo(&record.action).await {
                return Some(error);
            }
            if let Err(error) = self.stage.journal.settle(record.id) {
                return Some(error.to_string());
            }
        }
        None
    }

    async fn come_to_rest(&mut self, observed: &mut Observed) {
        let (plan, stage) = (self.plan, self.stage);
        stage.events.phase(&plan.scenario, "drain");
        let from_s = self.surgeon.elapsed();
        let rested = tokio::select! {
            rested = stage.system.at_rest(plan.phases.drain) => rested,
            () = stage.cancel.cancelled() => {
                observed.aborted = Some("stopped by the user".to_owned());
                return;
            }
        };
        let until_s = self.surgeon.elapsed();
        self.phases.push(PhaseTimes { name: "drain".to_owned(), from_s, until_s });
        if let Err(unmet) = rested {
            observed.unmet = unmet;
            return;
        }
        stage.events.phase(&plan.scenario, "judge");
        let invariants = stage.judge.judge(&plan.scenario, plan.invariants.as_deref()).await;
        for result in &invariants {
            stage.events.invariant(&plan.scenario, result);
        }
        observed.invariants = Some(invariants);
    }

    fn judge_all(
        &self,
        thresholds: &[Threshold],
        phase: &str,
        from: Duration,
        until: Duration,
    ) -> Vec<ThresholdResult> {
        thresholds.iter().map(|threshold| self.plan.judge(&self.recorder, threshold, phase, from, until)).collect()
    }
}

async fn finish_loads(tasks: Vec<LoadTask>) -> Vec<Result<LoadResult, String>> {
    let mut loads = Vec::new();
    for (plan, task) in tasks {
        loads.push(task.await.map_err(|error| format!("load `{}` broke off: {error}", plan.name)));
    }
    loads
}
