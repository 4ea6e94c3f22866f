//! The load phase, and the shape of load results in the report.

use std::sync::Arc;

use chaos::load::{LoadControl, LoadPlan, LoadResult, Recorder, Workload, run_load};
use chaos::verdict::Verdict;

use super::relay::Relay;
use super::session::Session;
use crate::error::Error;
use crate::events::Event;
use crate::journey::JourneyWorkload;
use crate::report::model;

/// Runs the load and judges its thresholds.
pub(super) async fn run(session: &Session, plan: LoadPlan) -> Result<model::Load, Error> {
    session.events.send(Event::PhaseStarted {
        phase: "load",
        detail: format!("`{}` for {:.0} s", plan.journey, plan.duration().as_secs_f64()),
        total: Some(plan.duration().as_secs()),
    });
    let workload = match session.workload(&plan.journey, plan.actors).await? {
        Ok(workload) => workload,
        Err(failure) => {
            let load = model::Load::unjudged(failure.clone());
            session.finished("load", load.verdict, &failure);
            return Ok(load);
        }
    };
    let control = LoadControl::now()
        .with_events(Arc::new(Relay::new(session.events.clone())))
        .with_cancel(session.cancel.clone());
    let recorder = Arc::new(Recorder::new());
    let driven: Arc<dyn Workload> = workload.clone();
    let result = run_load(plan, driven, recorder, Some(session.history.clone()), control).await;
    for (_, flow) in workload.take_flows() {
        session.remember_flow(flow);
    }
    let detail = format!(
        "{:.1} of {:.1} iterations/s, p50 {:.1} ms, p99 {:.1} ms, {} failed",
        result.achieved_per_s, result.offered_per_s, result.response.p50_ms, result.response.p99_ms, result.errors
    );
    session.finished("load", result.verdict, &detail);
    Ok(result.into())
}

impl Session {
    /// The workload that runs a journey, after its setup for so many actors. The inner error says why the setup failed.
    pub(super) async fn workload(
        &self,
        journey: &str,
        actors: u64,
    ) -> Result<Result<Arc<JourneyWorkload>, String>, Error> {
        let Some(journey) = self.journeys.0.get(journey) else {
            return Ok(Err(format!("there is no journey `{journey}`")));
        };
        Ok(self
            .setup_of(journey, actors)
            .await?
            .map(|cast| Arc::new(JourneyWorkload::new(self.runner.clone(), journey.clone(), cast))))
    }

    /// Says that a phase is over.
    pub(super) fn finished(&self, phase: &'static str, verdict: Verdict, detail: &str) {
        self.events.send(Event::PhaseFinished { phase, verdict, detail: detail.to_owned() });
    }
}

impl model::Load {
    /// A load that was never run.
    pub(super) fn unjudged(reason: String) -> Self {
        Self { verdict: Verdict::Invalid, reasons: vec![reason], ..Self::skipped() }
    }

    /// A load that the user left out.
    pub(super) fn skipped() -> Self {
        Self {
            verdict: Verdict::Skipped,
            reasons: Vec::new(),
            offered_per_s: 0.0,
            achieved_per_s: 0.0,
            offered: 0,
            errors: 0,
            shed: 0,
            response: model::Percentiles::default(),
            service: model::Percentiles::default(),
            lag: model::Percentiles::default(),
            operations: Default::default(),
            intervals: Vec::new(),
            thresholds: Vec::new(),
            schedule_digest: String::new(),
        }
    }
}

impl From<LoadResult> for model::Load {
    fn from(mut result: LoadResult) -> Self {
        let most = result.failures.iter().max_by_key(|(_, count)| **count);
        if let (true, Some((kind, count))) = (result.verdict == Verdict::Fail, most)
            && let Some(first) = result.reasons.first_mut()
        {
            first.push_str(&format!("; most often `{kind}` ({count} times)"));
        }
        Self {
            verdict: result.verdict,
            reasons: result.reasons,
            offered_per_s: result.offered_per_s,
            achieved_per_s: result.achieved_per_s,
            offered: result.offered,
            errors: result.errors,
            shed: result.shed,
            response: result.response.into(),
            service: result.service.into(),
            lag: result.lag.into(),
            operations: result.operations.into_iter().map(|(name, p)| (name, p.into())).collect(),
            intervals: result.intervals.into_iter().map(Into::into).collect(),
            thresholds: result.thresholds.into_iter().map(Into::into).collect(),
            schedule_digest: result.schedule_digest,
        }
    }
}

impl From<chaos::load::Percentiles> for model::Percentiles {
    fn from(p: chaos::load::Percentiles) -> Self {
        Self {
            count: p.count,
            p50_ms: p.p50_ms,
            p90_ms: p.p90_ms,
            p99_ms: p.p99_ms,
            p999_ms: p.p999_ms,
            max_ms: p.max_ms,
            curve: p.curve,
        }
    }
}

impl From<chaos::load::Interval> for model::Interval {
    fn from(interval: chaos::load::Interval) -> Self {
        Self {
            second: interval.second,
            offered: interval.offered,
            ok: interval.ok,
            failed: interval.failed,
            p50_ms: interval.p50_ms,
            p99_ms: interval.p99_ms,
        }
    }
}

impl From<chaos::load::ThresholdResult> for model::Threshold {
    fn from(threshold: chaos::load::ThresholdResult) -> Self {
        Self {
            expression: threshold.expression,
            phase: threshold.phase,
            verdict: threshold.verdict,
            measured: threshold.measured,
        }
    }
}
