//! The result for a person at a terminal: a table of phases, what went wrong, the verdict in a sentence last.

use std::fmt::Write as _;

use chaos::verdict::Verdict;

use super::model::Run;

/// Problems of one kind that are listed; the report has all of them.
const LISTED: usize = 5;
/// Names of one kind that are told in a line.
const NAMED: usize = 3;
/// Most characters of one problem.
const WIDTH: usize = 240;

/// The result as plain text, without colour: the contract matrix, the phases, what went wrong, the verdict sentence.
pub fn render(run: &Run) -> String {
    let mut text = String::new();
    if !run.contracts.interactions.is_empty() {
        text = matrix(run);
        text.push('\n');
    }
    table(&mut text, &phases(run));
    if !run.chaos.is_empty() {
        text.push('\n');
        table(&mut text, &scenarios(run));
    }
    let problems = problems(run);
    if !problems.is_empty() {
        text.push('\n');
        for problem in problems {
            let _ = writeln!(text, "- {}", shorten(&problem));
        }
    }
    strangers(&mut text, run);
    said(&mut text, run);
    let _ = writeln!(text, "\nprofile: {}{}", run.profile, components(run));
    let _ = writeln!(text, "replay: {}", run.replay);
    let _ = writeln!(text, "{}", run.sentence);
    text
}

/// What was seen on the wire and is in no contract, and the other way round: one line of each kind.
fn strangers(text: &mut String, run: &Run) {
    let seen = &run.drift.seen;
    let without = seen.without_contract.iter().map(|one| match &one.consumer {
        Some(consumer) => format!("{consumer} -> {} ({})", one.name, one.seen),
        None => format!("{} {} ({})", one.kind, one.name, one.seen),
    });
    let never = seen.never_seen.iter().map(|one| format!("{} for {}", one.event, one.consumers.join(" and ")));
    let fields = seen.unknown_fields.iter().map(|one| format!("{} {}", one.name, one.fields.join(" ")));
    let undocumented = seen.undocumented.iter().map(|one| format!("{} {}", one.name, one.places.join(", ")));
    let lines = [
        ("other than documented", undocumented.collect::<Vec<_>>()),
        ("seen, and in no contract", without.collect()),
        ("in a contract, and never seen", never.collect()),
        ("fields in no contract", fields.collect()),
    ];
    for (what, names) in lines.iter().filter(|(_, names)| !names.is_empty()) {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; {more} more"),
        };
        let _ = write!(text, "\ndrift, {what}: {}", shorten(&(names[..names.len().min(NAMED)].join(", ") + &more)));
    }
    if lines.iter().any(|(_, names)| !names.is_empty()) {
        text.push('\n');
    }
}

/// What the providers logged about the first contracts that are broken.
fn said(text: &mut String, run: &Run) {
    let broken = run.contracts.interactions.iter().filter(|one| one.is_broken());
    for one in broken.take(LISTED) {
        let Some(evidence) = one.evidence.as_ref().filter(|evidence| !evidence.logs.is_empty()) else { continue };
        let trace = one.trace_id.as_deref().unwrap_or_default();
        let _ =
            writeln!(text, "\nlog of `{}` for {}, {} (trace {trace}):", one.provider, one.consumer, one.description);
        if evidence.logs_omitted > 0 {
            let _ = writeln!(text, "  ({} earlier lines are not shown)", evidence.logs_omitted);
        }
        for line in &evidence.logs {
            let _ = writeln!(text, "  {}", shorten(line));
        }
    }
}

/// What the system ran on, after the name of the profile.
fn components(run: &Run) -> String {
    let one = |component: &super::model::Component| {
        let version = component.version.as_deref().unwrap_or("of unknown version");
        format!("{} {version} ({})", component.product, component.origin.replace('`', ""))
    };
    let all: Vec<String> = run.components.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!(" on {}", all.join(", ")) }
}

/// The contract matrix as plain text: consumers down, providers across, `held/all` in each cell.
fn matrix(run: &Run) -> String {
    let interactions = &run.contracts.interactions;
    let names = |of: fn(&super::model::Interaction) -> &String| {
        let set: std::collections::BTreeSet<&String> = interactions.iter().map(of).collect();
        set.into_iter().cloned().collect::<Vec<_>>()
    };
    let providers = names(|one| &one.provider);
    let mut rows = vec![std::iter::once("consumer".to_owned()).chain(providers.iter().cloned()).collect::<Vec<_>>()];
    for consumer in names(|one| &one.consumer) {
        let mut row = vec![consumer.clone()];
        for provider in &providers {
            let found: Vec<_> =
                interactions.iter().filter(|one| one.consumer == consumer && one.provider == *provider).collect();
            let held = found.iter().filter(|one| one.verdict == Verdict::Pass).count();
            row.push(match found.len() {
                0 => "-".to_owned(),
                all if found.iter().any(|one| one.is_broken()) => format!("{held}/{all} BROKEN"),
                all => format!("{held}/{all}"),
            });
        }
        rows.push(row);
    }
    let mut text = String::new();
    table(&mut text, &rows);
    text
}

fn phases(run: &Run) -> Vec<Vec<String>> {
    let row = |phase: &str, verdict: Verdict, result: String| vec![phase.to_owned(), verdict.name().to_owned(), result];
    let passed = run.journeys.journeys.iter().filter(|journey| journey.verdict == Verdict::Pass).count();
    let (contracts, telemetry, load) = (&run.contracts, &run.telemetry, &run.load);
    let mut rows = vec![
        vec!["phase".to_owned(), "verdict".to_owned(), "result".to_owned()],
        row(
            "contracts",
            contracts.verdict,
            format!(
                "{} of {} interactions hold{}",
                contracts.verified,
                contracts.expected,
                if contracts.partial { ", a part of them all" } else { "" }
            ),
        ),
        row("drift", run.drift.verdict, run.drift.summary()),
        row("journeys", run.journeys.verdict, format!("{passed} of {} work", run.journeys.journeys.len())),
        row(
            "telemetry",
            telemetry.verdict,
            format!(
                "{} flows, {} spans, {} orphans, {} findings",
                telemetry.flows,
                telemetry.spans,
                telemetry.orphan_spans,
                telemetry.findings.len()
            ),
        ),
        row(
            "load",
            load.verdict,
            format!(
                "{:.1}/s of {:.1}/s, p50 {:.1} ms, p99 {:.1} ms, {} errors, generator late by {:.1} ms at p99",
                load.achieved_per_s,
                load.offered_per_s,
                load.response.p50_ms,
                load.response.p99_ms,
                load.errors,
                load.lag.p99_ms
            ),
        ),
    ];
    if run.chaos.is_empty() {
        rows.push(row("chaos", Verdict::Skipped, String::new()));
    }
    rows
}

fn scenarios(run: &Run) -> Vec<Vec<String>> {
    let mut rows =
        vec![["scenario", "verdict", "bitten", "recovery", "invariants", "checked"].map(str::to_owned).to_vec()];
    for one in &run.chaos {
        let held = one.invariants.iter().filter(|invariant| invariant.verdict == Verdict::Pass).count();
        let checked: u64 = one.invariants.iter().map(|invariant| invariant.checked).sum();
        rows.push(vec![
            one.scenario.clone(),
            one.verdict.name().to_owned(),
            match one.verdict {
                Verdict::Skipped => "-",
                _ if one.bitten => "yes",
                _ => "no",
            }
            .to_owned(),
            match one.recovery_s {
                Some(seconds) => format!("{seconds:.1} s"),
                None if one.verdict == Verdict::Skipped => "-".to_owned(),
                None => "never".to_owned(),
            },
            format!("{held} of {}", one.invariants.len()),
            checked.to_string(),
        ]);
    }
    rows
}

fn problems(run: &Run) -> Vec<String> {
    let bad = |verdict: Verdict| !matches!(verdict, Verdict::Pass | Verdict::Skipped);
    let mut problems: Vec<String> = run.contracts.error.iter().map(|error| format!("contracts: {error}")).collect();
    let broken = run.contracts.interactions.iter().filter(|one| one.is_broken()).map(|one| {
        format!("contract {} -> {}, {}: {}", one.consumer, one.provider, one.description, one.reasons().join("; "))
    });
    listed(&mut problems, "contracts", broken);
    listed(&mut problems, "contracts on the wire", run.drift.seen.broken.iter().map(|one| format!("drift: {one}")));
    problems.extend(run.drift.seen.notes.iter().map(|note| format!("drift: {note}")));
    problems.extend(run.contracts.notes.iter().map(|note| format!("contracts: {note}")));
    for journey in &run.journeys.journeys {
        let failures = journey.failures.iter().map(|failure| format!("journey {}: {failure}", journey.name));
        listed(&mut problems, &format!("failures of journey {}", journey.name), failures);
    }
    let findings = run.telemetry.findings.iter().map(|one| format!("telemetry {}: {}", one.rule, one.sentence));
    listed(&mut problems, "findings", findings);
    listed(&mut problems, "reasons", run.load.reasons.iter().map(|reason| format!("load: {reason}")));
    for one in &run.chaos {
        let invariants = one.invariants.iter().filter(|invariant| bad(invariant.verdict)).map(|invariant| {
            let witness =
                invariant.witness.as_ref().map(|witness| format!(", for example {witness}")).unwrap_or_default();
            format!("chaos {}, {}: {}{witness}", one.scenario, invariant.name, invariant.sentence)
        });
        let reasons = one.reasons.iter().map(|reason| format!("chaos {}: {reason}", one.scenario));
        let idle = one.faults.iter().filter(|fault| !fault.bitten).map(|fault| {
            let (kind, target, evidence) = (&fault.fault, &fault.target, &fault.evidence);
            format!("chaos {}: {kind} {target} did not prove that it bit: {evidence}", one.scenario)
        });
        listed(&mut problems, &format!("problems of {}", one.scenario), invariants.chain(reasons).chain(idle));
    }
    problems.extend(run.notes.iter().map(|note| format!("note: {note}")));
    problems
}

fn listed(problems: &mut Vec<String>, what: &str, all: impl Iterator<Item = String>) {
    let all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(LISTED);
    problems.extend(all.into_iter().take(LISTED));
    if more > 0 {
        problems.push(format!("{more} more {what}; see the report"));
    }
}

fn shorten(problem: &str) -> String {
    let line = problem.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Rows in aligned columns; the last column is not padded.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn good_run_ends_with_its_sentence() {
        insta::assert_snapshot!(render(&sample::passed()), @r#"
        consumer      gig  order  users
        gateway       4/4  5/5    -
        gig           -    -      2/2
        notification  -    4/4    -
        users         -    3/3    -

        phase      verdict  result
        contracts  pass     18 of 18 interactions hold
        drift      pass     410 of 1204 messages and 0 of 3020 answers compared; 0 broken, 1 without a contract, 1 events never seen, 1 fields in no contract
        journeys   pass     3 of 3 work
        telemetry  pass     312 flows, 18204 spans, 0 orphans, 0 findings
        load       pass     49.4/s of 50.0/s, p50 6.6 ms, p99 38.1 ms, 0 errors, generator late by 0.4 ms at p99

        scenario          verdict  bitten  recovery  invariants  checked
        order-killed      pass     yes     1.7 s     5 of 5      9651
        slow-broker-link  pass     yes     0.4 s     5 of 5      9651
        broker-restart    pass     yes     2.9 s     5 of 5      9651

        drift, seen, and in no contract: event gig.viewed.v1 (12)
        drift, in a contract, and never seen: order.cancelled.v1 for notification and users
        drift, fields in no contract: order.placed.v1 $.offer.note

        profile: embedded on RabbitMQ 4.1.0 (a container of rabbitmq:4-management)
        replay: shakedown run --quick --seed 42
        Passed: 18 contracts hold, 3 journeys work, 50 purchases a second take 38 ms at the 99th percentile, and nothing was lost in 3 faults.
        "#);
    }

    #[test]
    fn verification_alone_shows_what_providers_logged() {
        insta::assert_snapshot!(render(&sample::contracts_alone()));
    }

    #[test]
    fn bad_run_lists_its_problems() {
        insta::assert_snapshot!(render(&sample::failed()), @r#"
        consumer      gig  order       users
        gateway       4/4  4/5 BROKEN  -
        gig           -    -           2/2
        notification  -    4/4         -
        users         -    3/3         -

        phase      verdict  result
        contracts  fail     17 of 18 interactions hold
        drift      fail     410 of 1204 messages and 0 of 3020 answers compared; 1 broken, 1 without a contract, 1 events never seen, 1 fields in no contract
        journeys   fail     2 of 3 work
        telemetry  fail     312 flows, 18204 spans, 3 orphans, 1 findings
        load       pass     49.4/s of 50.0/s, p50 6.6 ms, p99 38.1 ms, 0 errors, generator late by 0.4 ms at p99

        scenario          verdict  bitten  recovery  invariants  checked
        order-killed      fail     yes     never     4 of 5      9651
        slow-broker-link  pass     yes     0.4 s     5 of 5      9651
        broker-restart    invalid  no      2.9 s     5 of 5      9651

        - contract gateway -> order, a request for order number 1: $.order.sellerId: expected a string, but the field is missing
        - drift: `order` breaks its contract with `users` on the wire: `order.placed.v1`, 402 times, first $.sellerId: expected a value like "s-1", but the field is missing
        - journey purchase: expected at least 1 `span[service=review kind=consumer]`, found 0 among 31 spans of 6 traces
        - telemetry log-correlation: log line 17 of `review` (info "review stored") carries no correlation id; its flow `purchase` has `c-1` (and 41 more like it)
        - chaos order-killed, no_lost_order: 2 of 1,204 acknowledged orders do not exist, for example {"acknowledged_at_s":21.4,"found":0,"order":"0198c0de-0001"}
        - chaos order-killed: the error rate did not return below 1 % within 20 s
        - chaos broker-restart: stop broker did not prove that it bit: broker did not answer for 6.0 s, and 31 requests failed meanwhile
        - note: service `chat` was restarted without being asked

        drift, seen, and in no contract: event gig.viewed.v1 (12)
        drift, in a contract, and never seen: order.cancelled.v1 for notification and users
        drift, fields in no contract: order.placed.v1 $.offer.note

        log of `order` for gateway, a request for order number 1 (trace 00000000000000000000000000000001):
          (3 earlier lines are not shown)
          info order: request handled http.route=/api/v1/order/{id} status=200

        profile: embedded on RabbitMQ 4.1.0 (a container of rabbitmq:4-management)
        replay: shakedown run --quick --seed 42
        Failed: `no_lost_order` was violated in scenario order-killed: 2 of 1,204 acknowledged orders do not exist.
        "#);
    }
}
