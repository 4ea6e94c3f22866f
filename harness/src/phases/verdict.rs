//! The verdict over a run, and the sentence that the report opens with.

use chaos::verdict::Verdict;

use crate::report::model::Run;

/// The verdict over all phases.
pub(super) fn combine(run: &Run, aborted: bool) -> Verdict {
    let phases =
        [run.contracts.verdict, run.journeys.verdict, run.telemetry.verdict, run.load.verdict, run.drift.verdict];
    let chaos = run.chaos.iter().map(|scenario| scenario.verdict);
    let aborted = aborted.then_some(Verdict::Aborted);
    Verdict::combine(phases.into_iter().chain(chaos).chain(aborted))
}

/// The verdict in a sentence, which names the first culprit when there is one.
pub(super) fn sentence(run: &Run) -> String {
    let early = run.error.as_ref().and_then(|error| error.lines().next());
    match (run.verdict, early) {
        (Verdict::Aborted, _) => format!("{}: stopped before the end, so nothing is proven.", run.system),
        (_, Some(error)) => format!("{} failed: {}.", run.system, error.trim_end_matches('.')),
        (Verdict::Pass, None) => passed(run),
        (Verdict::Skipped, None) => format!("{}: nothing was run.", run.system),
        (verdict, None) => {
            let word = if verdict == Verdict::Fail { "failed" } else { "could not be judged" };
            match first_reason(run, verdict) {
                Some(reason) => format!("{} {word}: {}", run.system, reason.trim_end_matches('.')) + ".",
                None => format!("{} {word}.", run.system),
            }
        }
    }
}

fn passed(run: &Run) -> String {
    let mut parts = Vec::new();
    if run.contracts.verdict == Verdict::Pass {
        let part = if run.contracts.partial { ", of those that were chosen," } else { "" };
        parts.push(format!("{} promises between its services{part} hold", run.contracts.verified));
    }
    if run.journeys.verdict == Verdict::Pass {
        parts.push(match run.journeys.journeys.len() {
            1 => "its journey ends well".to_owned(),
            n => format!("all {n} journeys end well"),
        });
    }
    if run.load.verdict == Verdict::Pass {
        parts.push(format!(
            "{:.0} iterations a second are served at p99 {:.0} ms",
            run.load.achieved_per_s, run.load.response.p99_ms
        ));
    }
    let passed = run.chaos.iter().filter(|scenario| scenario.verdict == Verdict::Pass).count();
    if passed > 0 {
        let rest = match run.chaos.len() - passed {
            0 => String::new(),
            n => format!(" ({n} not applicable)"),
        };
        let scenarios = if passed == 1 { "scenario" } else { "scenarios" };
        parts.push(format!("nothing was lost under {passed} fault {scenarios}{rest}"));
    }
    match parts.pop() {
        None => format!("{} passed.", run.system),
        Some(last) if parts.is_empty() => format!("{} passed: {last}.", run.system),
        Some(last) => format!("{} passed: {} and {last}.", run.system, parts.join(", ")),
    }
}

fn first_reason(run: &Run, verdict: Verdict) -> Option<String> {
    if run.contracts.verdict == verdict {
        let broken = run.contracts.interactions.iter().find(|interaction| interaction.is_broken());
        let reason = broken.map(|i| {
            let reason = i.reasons().into_iter().next().unwrap_or_else(|| "it was not verified".to_owned());
            format!("{} breaks its contract with {} (`{}`): {reason}", i.provider, i.consumer, i.description)
        });
        return reason.or_else(|| run.contracts.error.clone()).or_else(|| run.contracts.drift.first().cloned());
    }
    if run.drift.verdict == verdict {
        return Some(run.drift.sentence());
    }
    if run.telemetry.verdict == verdict
        && let Some(finding) = run.telemetry.findings.first()
    {
        return Some(format!("{}: {}", finding.service, finding.sentence));
    }
    if run.journeys.verdict == verdict {
        let failed = run.journeys.journeys.iter().find(|journey| journey.verdict == verdict);
        return match failed {
            Some(journey) => {
                Some(format!("journey {}: {}", journey.name, journey.failures.first().map_or("", String::as_str)))
            }
            None => Some("no journey was run".to_owned()),
        };
    }
    // What the invariants say weighs more than a threshold that a fault made slow.
    let invariants = run.chaos.iter().flat_map(|scenario| {
        scenario.invariants.iter().filter(|invariant| invariant.verdict == Verdict::Fail).map(move |i| (scenario, i))
    });
    if verdict == Verdict::Fail
        && let Some((scenario, invariant)) = invariants.into_iter().next()
    {
        return Some(format!("{} under {}: {}", invariant.name, scenario.scenario, invariant.sentence));
    }
    if run.load.verdict == verdict {
        return Some(format!("load: {}", run.load.reasons.first().map_or("", String::as_str)));
    }
    let scenario = run.chaos.iter().find(|scenario| scenario.verdict == verdict)?;
    Some(format!("{}: {}", scenario.scenario, scenario.reasons.first().map_or("", String::as_str)))
}
