//! From what was observed to the result of a scenario.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::injection::Injected;
use super::plan::{During, Plan, PlannedFault};
use super::result::{FaultResult, PhaseTimes, ScenarioResult};
use crate::invariants::InvariantResult;
use crate::load::{LoadResult, Percentiles, Recorder, TICK, Threshold, ThresholdResult};
use crate::quantity;
use crate::system::UnmetCondition;
use crate::verdict::Verdict;

/// Everything that the engine saw.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) before: Vec<ThresholdResult>,
    pub(super) baseline_failed: bool,
    pub(super) faults: Vec<Injected>,
    /// Why it was stopped, if so.
    pub(super) aborted: Option<String>,
    pub(super) loads: Vec<Result<LoadResult, String>>,
    pub(super) unmet: Vec<UnmetCondition>,
    /// None when they were not judged.
    pub(super) invariants: Option<Vec<InvariantResult>>,
}

/// Verdict and reasons, collected.
#[derive(Default)]
struct Findings {
    verdicts: Vec<Verdict>,
    reasons: Vec<(Verdict, String)>,
}

impl Findings {
    fn add(&mut self, verdict: Verdict, reason: String) {
        self.verdicts.push(verdict);
        self.reasons.push((verdict, reason));
    }
}

impl Observed {
    pub(super) fn finish(mut self, plan: &Plan, recorder: &Recorder, phases: Vec<PhaseTimes>) -> ScenarioResult {
        let mut findings = Findings::default();
        let mut thresholds = std::mem::take(&mut self.before);
        if let Some(reason) = &self.aborted {
            findings.add(Verdict::Aborted, format!("the scenario was aborted: {reason}"));
        }
        if self.baseline_failed {
            for threshold in thresholds.iter().filter(|threshold| threshold.verdict != Verdict::Pass) {
                findings.add(
                    Verdict::Invalid,
                    format!(
                        "the steady state did not hold before anything was broken: `{}` was {}; nothing was injected",
                        threshold.expression, threshold.measured
                    ),
                );
            }
        }
        self.judge_faults(&mut findings);
        let recovery_s = self.judge_effects(plan, recorder, &mut thresholds, &mut findings);
        self.judge_loads(plan, &mut findings);
        self.judge_rest(&mut findings);
        // A scenario that met no obstacle and passed everything has nothing else to say.
        let verdict = Verdict::combine(findings.verdicts.iter().copied().chain([Verdict::Pass]));
        findings.reasons.sort_by_key(|(verdict, _)| std::cmp::Reverse(severity(*verdict)));
        let faults: Vec<FaultResult> = self.faults.into_iter().map(|injected| injected.result).collect();
        let loads: Vec<LoadResult> = self.loads.into_iter().filter_map(Result::ok).collect();
        let measured = recorder.stretch(None, plan.phases.warmup, plan.end());
        ScenarioResult {
            scenario: plan.scenario.clone(),
            title: plan.title.clone(),
            verdict,
            reasons: findings.reasons.into_iter().map(|(_, reason)| reason).collect(),
            bitten: !faults.is_empty() && faults.iter().all(|fault| fault.bitten),
            faults,
            phases,
            thresholds,
            recovery_s,
            intervals: recorder.seconds(None, Duration::ZERO),
            response: Percentiles::of(&measured.response),
            schedule_digest: digest(&loads),
            loads: loads.into_iter().map(|load| (load.load.clone(), load)).collect(),
            invariants: self.invariants.unwrap_or_default(),
            seed: plan.seed,
        }
    }

    fn judge_faults(&self, findings: &mut Findings) {
        for fault in &self.faults {
            let FaultResult { fault: kind, target, bitten, evidence, .. } = &fault.result;
            if let Some(reason) = &fault.not_injected {
                findings.add(Verdict::Invalid, format!("fault `{kind}` on `{target}` could not be injected: {reason}"));
            } else if !bitten {
                findings.add(Verdict::Invalid, format!("fault `{kind}` on `{target}` did not bite: {evidence}"));
            }
            if let Some(reason) = &fault.not_undone {
                findings.add(Verdict::Fail, format!("fault `{kind}` on `{target}` could not be undone: {reason}"));
            }
        }
    }

    /// Judges the time during and after the faults. Returns the time that recovery took.
    fn judge_effects(
        &self,
        plan: &Plan,
        recorder: &Recorder,
        thresholds: &mut Vec<ThresholdResult>,
        findings: &mut Findings,
    ) -> Option<f64> {
        let moments = self.faults.iter().filter(|fault| fault.not_injected.is_none()).map(|fault| &fault.result);
        let from = moments.clone().map(|fault| fault.at_s).min_by(f64::total_cmp)?;
        let until = moments.map(|fault| fault.until_s).max_by(f64::total_cmp)?;
        let (from, until) = (Duration::from_secs_f64(from), Duration::from_secs_f64(until));
        let judge =
            |threshold: &Threshold, phase: &str, from, until| plan.judge(recorder, threshold, phase, from, until);
        for threshold in &plan.steady_state {
            let result = judge(threshold, "during", from, until);
            if plan.during == During::Hold && result.verdict != Verdict::Pass {
                let (expression, measured) = (&result.expression, &result.measured);
                findings.add(result.verdict, format!("during the faults `{expression}` did not hold: {measured}"));
            }
            thresholds.push(result);
        }
        if self.aborted.is_some() {
            return None;
        }
        let recover = if plan.recover.is_empty() { &plan.steady_state } else { &plan.recover };
        let end = plan.end();
        if until >= end {
            findings.add(
                Verdict::Invalid,
                "recovery could not be judged: undoing the faults took longer than the load lasted".to_owned(),
            );
            return None;
        }
        let recovered = recovery(until, end, |from| {
            recover.iter().all(|threshold| judge(threshold, "recover", from, end).verdict == Verdict::Pass)
        });
        let took = recovered.map(|at| at.saturating_sub(until));
        for threshold in recover {
            let mut result = judge(threshold, "recover", recovered.unwrap_or(until), end);
            if let (Some(within), Some(took)) = (threshold.within, took)
                && took > within
            {
                let (within, took) = (quantity::Duration::new(within), quantity::Duration::new(took));
                result.verdict = Verdict::Fail;
                result.measured = format!("held again after {took}, expected within {within}");
            }
            if result.verdict != Verdict::Pass {
                let (expression, measured) = (&result.expression, &result.measured);
                findings.add(result.verdict, format!("the system did not recover: `{expression}`: {measured}"));
            }
            thresholds.push(result);
        }
        for threshold in &plan.steady_state {
            let result = judge(threshold, "after", recovered.unwrap_or(until), end);
            if result.verdict != Verdict::Pass && recovered.is_some() {
                let (expression, measured) = (&result.expression, &result.measured);
                findings.add(result.verdict, format!("after the faults `{expression}` did not hold: {measured}"));
            }
            thresholds.push(result);
        }
        took.map(|took| took.as_secs_f64())
    }

    fn judge_loads(&self, plan: &Plan, findings: &mut Findings) {
        if self.loads.len() < plan.loads.len() {
            let missing = plan
                .loads
                .iter()
                .filter(|load| !self.loads.iter().any(|ran| ran.as_ref().is_ok_and(|ran| ran.load == load.name)));
            for load in missing {
                findings.add(
                    Verdict::Invalid,
                    format!("load `{}` could not run: there is no workload for journey `{}`", load.name, load.journey),
                );
            }
        }
        for load in &self.loads {
            match load {
                Err(reason) => findings.add(Verdict::Invalid, reason.clone()),
                // A load that was stopped on purpose says nothing that is not said already.
                Ok(load) if load.verdict == Verdict::Invalid => {
                    for reason in &load.reasons {
                        findings.add(Verdict::Invalid, reason.clone());
                    }
                }
                Ok(load) if load.ok == 0 && self.aborted.is_none() && !self.baseline_failed => {
                    let reason = format!("load `{}` never succeeded, so it put nothing to the test", load.load);
                    findings.add(Verdict::Invalid, reason);
                }
                Ok(_) => {}
            }
        }
    }

    fn judge_rest(&self, findings: &mut Findings) {
        for unmet in &self.unmet {
            findings.add(Verdict::Invalid, format!("the system did not come to rest: {unmet}"));
        }
        match &self.invariants {
            Some(invariants) if invariants.is_empty() => {
                findings.add(Verdict::Invalid, "no invariant was judged".to_owned());
            }
            Some(invariants) => {
                for result in invariants {
                    findings.verdicts.push(result.verdict);
                    if !matches!(result.verdict, Verdict::Pass | Verdict::Skipped) {
                        let reason = format!("invariant `{}`: {}", result.name, result.sentence);
                        findings.reasons.push((result.verdict, reason));
                    }
                }
            }
            None => {}
        }
    }
}

/// The earliest moment from which on the conditions hold until the end.
fn recovery(from: Duration, end: Duration, holds: impl Fn(Duration) -> bool) -> Option<Duration> {
    let mut at = from;
    while at < end {
        if holds(at) {
            return Some(at);
        }
        at += TICK;
    }
    None
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Aborted => 3,
        Verdict::Fail => 2,
        Verdict::Invalid => 1,
        Verdict::Pass | Verdict::Skipped => 0,
    }
}

fn digest(loads: &[LoadResult]) -> String {
    if let [load] = loads {
        return load.schedule_digest.clone();
    }
    let mut hash = Sha256::new();
    for load in loads {
        hash.update(&load.schedule_digest);
    }
    hex::encode(&hash.finalize()[..8])
}

impl Plan {
    /// End of the load.
    pub(super) fn end(&self) -> Duration {
        self.phases.ends()[3].1
    }

    /// Name of the load that a threshold speaks of; none for the generator's lag.
    pub(super) fn load_of(&self, threshold: &Threshold) -> Option<&str> {
        match threshold.metric {
            crate::load::Metric::Lag => None,
            crate::load::Metric::Load(_) => self
                .loads
                .iter()
                .find(|load| threshold.concerns(&load.name, &load.journey))
                .map(|load| load.name.as_str()),
        }
    }

    pub(super) fn judge(
        &self,
        recorder: &Recorder,
        threshold: &Threshold,
        phase: &str,
        from: Duration,
        until: Duration,
    ) -> ThresholdResult {
        recorder.judge(threshold, self.load_of(threshold).unwrap_or_default(), phase, from, until)
    }
}

impl Injected {
    /// A fault whose task panicked.
    pub(super) fn broken(planned: &PlannedFault, not_undone: Option<String>) -> Self {
        Self {
            result: FaultResult {
                fault: planned.fault.kind().to_owned(),
                target: planned.fault.target().to_owned(),
                at_s: 0.0,
                until_s: 0.0,
                bitten: false,
                evidence: "its task broke off".to_owned(),
            },
            not_injected: Some("its task broke off".to_owned()),
            not_undone,
        }
    }
}
