//! `junit.xml`: one test case for everything that was judged, for CI systems that read nothing else.

use std::time::Duration;

use chaos::verdict::Verdict;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::model::{Interaction, Run};

/// The run as JUnit XML. A verdict of `invalid` or `aborted` is an error, `fail` a failure, `skipped` is skipped.
///
/// # Errors
///
/// When the XML cannot be written.
pub fn render(run: &Run) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(format!("shakedown {}", run.system));
    let mut suites: Vec<TestSuite> = run.error.iter().map(|error| ended(run, error)).collect();
    suites.extend([contracts(run), drift(run), journeys(run), telemetry(run), load(run)]);
    suites.extend(run.chaos.iter().map(chaos));
    report.add_test_suites(suites);
    report.to_string()
}

/// Whatever ended the run early, of which no phase tells.
fn ended(run: &Run, error: &String) -> TestSuite {
    suite("run", [case("the run comes to its end", run.verdict, std::slice::from_ref(error), 0.0)])
}

fn contracts(run: &Run) -> TestSuite {
    let cases = run.contracts.interactions.iter().map(|one| {
        let given =
            if one.states.is_empty() { String::new() } else { format!(" (given {})", one.states.join(" and ")) };
        let name = format!("{} -> {}: {}{given}", one.consumer, one.provider, one.description);
        // What its consumer calls pending may be broken: whoever counts test cases must not count it as a failure.
        let verdict = if one.pending && one.verdict != Verdict::Pass { Verdict::Skipped } else { one.verdict };
        let reasons: Vec<String> = one.reasons().into_iter().chain(evidence(one)).collect();
        case(&name, verdict, &reasons, one.duration_ms)
    });
    let whole = run.contracts.error.iter().chain(&run.contracts.drift).chain(&run.contracts.notes);
    let whole = phase(run.contracts.verdict, whole);
    suite("contracts", cases.chain(whole))
}

fn drift(run: &Run) -> TestSuite {
    let broken = run.drift.seen.broken.iter().map(|one| {
        let name = format!("{} -> {}: {}", one.consumer, one.provider, one.name);
        let reasons: Vec<String> = std::iter::once(one.to_string()).chain(one.mismatches.iter().cloned()).collect();
        case(&name, Verdict::Fail, &reasons, 0.0)
    });
    let whole = [run.drift.sentence()];
    suite("contracts on the wire", broken.chain(phase(run.drift.verdict, whole.iter())))
}

/// What the provider said about a replay that did not hold.
fn evidence(one: &Interaction) -> Vec<String> {
    let Some(evidence) = &one.evidence else { return Vec::new() };
    let mut lines = vec![format!("trace: {}", one.trace_id.as_deref().unwrap_or("none"))];
    if evidence.logs_omitted > 0 {
        lines.push(format!("log of the replay, without its first {} lines:", evidence.logs_omitted));
    } else if !evidence.logs.is_empty() {
        lines.push("log of the replay:".to_owned());
    }
    lines.extend(evidence.logs.iter().map(|line| format!("  {line}")));
    lines
}

fn journeys(run: &Run) -> TestSuite {
    let cases = run.journeys.journeys.iter().map(|one| case(&one.name, one.verdict, &one.failures, one.duration_ms));
    suite("journeys", cases.chain(phase(run.journeys.verdict, std::iter::empty())))
}

fn telemetry(run: &Run) -> TestSuite {
    let sentences: Vec<String> =
        run.telemetry.findings.iter().map(|one| format!("{} {}: {}", one.rule, one.service, one.sentence)).collect();
    suite("telemetry", [case("every flow is complete and correlated", run.telemetry.verdict, &sentences, 0.0)])
}

fn load(run: &Run) -> TestSuite {
    let cases = run
        .load
        .thresholds
        .iter()
        .map(|one| case(&one.expression, one.verdict, std::slice::from_ref(&one.measured), 0.0));
    suite("load", cases.chain(phase(run.load.verdict, run.load.reasons.iter())))
}

fn chaos(one: &super::model::Scenario) -> TestSuite {
    let thresholds = one.thresholds.iter().map(|threshold| {
        let name = format!("{}: {}", threshold.phase, threshold.expression);
        // What a scenario lets its faults degrade is measured during them too, and never among its reasons.
        let counts = threshold.phase != "during" || one.reasons.iter().any(|why| why.contains(&threshold.expression));
        let verdict = if counts || threshold.verdict == Verdict::Pass { threshold.verdict } else { Verdict::Skipped };
        case(&name, verdict, std::slice::from_ref(&threshold.measured), 0.0)
    });
    let invariants = one.invariants.iter().map(|invariant| {
        let witness = invariant.witness.as_ref().map(|witness| format!("witness: {witness}"));
        let text: Vec<String> = std::iter::once(invariant.sentence.clone()).chain(witness).collect();
        case(&invariant.name, invariant.verdict, &text, 0.0)
    });
    let faults = one.faults.iter().map(|fault| {
        let verdict = if fault.bitten { Verdict::Pass } else { Verdict::Invalid };
        case(&format!("{} {} bit", fault.fault, fault.target), verdict, std::slice::from_ref(&fault.evidence), 0.0)
    });
    let whole = phase(one.verdict, one.reasons.iter());
    suite(&format!("chaos {}", one.scenario), faults.chain(thresholds).chain(invariants).chain(whole))
}

/// The verdict of a whole phase, which may be bad although no part of it is (nothing was checked, the baseline was bad).
fn phase<'a>(verdict: Verdict, reasons: impl Iterator<Item = &'a String>) -> [TestCase; 1] {
    [case("the phase as a whole", verdict, &reasons.cloned().collect::<Vec<_>>(), 0.0)]
}

fn suite(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn case(name: &str, verdict: Verdict, reasons: &[String], duration_ms: f64) -> TestCase {
    let status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Skipped => TestCaseStatus::skipped(),
        Verdict::Fail => bad(NonSuccessKind::Failure, verdict, reasons),
        Verdict::Invalid | Verdict::Aborted => bad(NonSuccessKind::Error, verdict, reasons),
    };
    let mut case = TestCase::new(name, status);
    case.set_time(Duration::try_from_secs_f64(duration_ms / 1e3).unwrap_or_default());
    case
}

fn bad(kind: NonSuccessKind, verdict: Verdict, reasons: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict.name());
    status.set_message(reasons.first().and_then(|reason| reason.lines().next()).unwrap_or(verdict.name()).to_owned());
    status.set_description(reasons.join("\n"));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn good_run_has_no_failures() {
        let xml = render(&sample::passed()).expect("render");
        assert!(xml.contains("failures=\"0\" errors=\"0\""), "{xml}");
        assert!(xml.contains("<testsuite name=\"chaos order-killed\""));
    }

    #[test]
    fn run_that_ended_early_is_a_failure_of_its_own() {
        let mut run = sample::passed();
        (run.verdict, run.error) = (Verdict::Fail, Some("service `order` did not start:\n  | no database".to_owned()));
        let xml = render(&run).expect("render");
        assert!(xml.contains("failures=\"1\" errors=\"0\"") && xml.contains("  | no database"), "{xml}");
    }

    #[test]
    fn what_faults_may_degrade_is_no_failure() {
        let mut run = sample::passed();
        let during = run.chaos[0].thresholds.iter_mut().find(|threshold| threshold.phase == "during");
        during.expect("a threshold during the faults").verdict = Verdict::Fail;
        let xml = render(&run).expect("render");
        assert!(xml.contains("failures=\"0\" errors=\"0\""), "{xml}");
        run.chaos[0].reasons = vec!["during the faults `errors < 60%` did not hold: 72 %".to_owned()];
        assert!(render(&run).expect("render").contains("failures=\"1\""));
    }

    #[test]
    fn verification_alone_has_a_case_for_each_interaction() {
        let xml = render(&sample::contracts_alone()).expect("render");
        let (suite, _) = xml.split_once("<testsuite name=\"contracts on the wire\"").expect("the suites in order");
        insta::assert_snapshot!(suite);
    }

    #[test]
    fn bad_run_names_each_failure_and_its_reason() {
        let xml = render(&sample::failed()).expect("render");
        for expected in [
            "$.order.sellerId: expected a string, but the field is missing",
            "<testcase name=\"purchase\"",
            "2 of 1,204 acknowledged orders do not exist",
            "type=\"invalid\"",
        ] {
            assert!(xml.contains(expected), "{expected}");
        }
    }
}
