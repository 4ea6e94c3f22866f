//! Runs as they look, for tests of the readers.

use std::collections::BTreeMap;

use chaos::verdict::Verdict;
use contracts::live::{Broken, Count, Live, NeverSeen, UnknownFields, WithoutContract};
use contracts::result::Flaky;
use serde_json::json;

use super::model::*;

/// A run in which everything held.
pub(crate) fn passed() -> Run {
    let pairs = [
        ("gateway", "order", "http", 5),
        ("gateway", "gig", "http", 4),
        ("notification", "order", "message", 4),
        ("users", "order", "message", 3),
        ("gig", "users", "message", 2),
    ];
    let interactions: Vec<_> = pairs
        .iter()
        .flat_map(|(consumer, provider, kind, count)| {
            (0..*count).map(move |number| Interaction {
                consumer: (*consumer).to_owned(),
                provider: (*provider).to_owned(),
                description: format!("a request for {provider} number {number}"),
                kind: (*kind).to_owned(),
                states: Vec::new(),
                pending: false,
                verdict: Verdict::Pass,
                duration_ms: 3.4 + f64::from(number),
                mismatches: Vec::new(),
                flaky: None,
                trace_id: Some(format!("{number:032x}")),
                correlation_id: Some(format!("contract-{number:016x}")),
                evidence: None,
            })
        })
        .collect();
    let scenarios = vec![
        scenario(
            "order-killed",
            "Does any order get lost when the order service is killed?",
            ("kill", "order"),
            20.0,
            24.0,
            1.7,
        ),
        scenario(
            "slow-broker-link",
            "Do orders stay fast when the broker link is slow?",
            ("latency", "order->broker"),
            20.0,
            35.0,
            0.4,
        ),
        scenario(
            "broker-restart",
            "Does every event arrive when the broker restarts?",
            ("stop", "broker"),
            20.0,
            26.0,
            2.9,
        ),
    ];
    Run {
        run_id: "20261121-063714-c0ffee".to_owned(),
        system: "marketplace".to_owned(),
        profile: "embedded".to_owned(),
        quick: true,
        seed: 42,
        verdict: Verdict::Pass,
        sentence: "Passed: 18 contracts hold, 3 journeys work, 50 purchases a second take 38 ms at the 99th percentile, and nothing was lost in 3 faults.".to_owned(),
        error: None,
        started_at: "2026-11-21T06:37:14Z".to_owned(),
        wall_s: 54.2,
        build_s: 0.0,
        ready_s: 1.42,
        resident_bytes: Some(231 << 20),
        replay: "shakedown run --quick --seed 42".to_owned(),
        version: "0.1.0".to_owned(),
        components: vec![Component {
            name: "broker".to_owned(),
            product: "RabbitMQ".to_owned(),
            version: Some("4.1.0".to_owned()),
            origin: "a container of `rabbitmq:4-management`".to_owned(),
        }],
        services: ["auth", "chat", "gateway", "gig", "notification", "order", "payments-sim", "review", "users"]
            .iter()
            .enumerate()
            .map(|(index, name)| Service {
                name: (*name).to_owned(),
                ready_ms: 212.0 + 31.0 * index as f64,
                restarts: u32::from(*name == "order"),
                resident_bytes: Some((19 + index as u64) << 20),
            })
            .collect(),
        contracts: Contracts {
            verdict: Verdict::Pass,
            expected: interactions.len(),
            verified: interactions.len(),
            partial: false,
            wall_s: 0.31,
            recorded: true,
            drift: Vec::new(),
            interactions,
            notes: Vec::new(),
            error: None,
        },
        journeys: Journeys { verdict: Verdict::Pass, journeys: vec![journey("purchase"), journey("sign-up"), journey("search")] },
        telemetry: Telemetry { verdict: Verdict::Pass, flows: 312, spans: 18_204, log_lines: 9_120, orphan_spans: 0, findings: Vec::new() },
        load: load(50.0, 60, &[]),
        chaos: scenarios,
        drift: Drift { verdict: Verdict::Pass, seen: seen() },
        dead_letters: vec![DeadLetter {
            queue: "notification.dead".to_owned(),
            message_id: "0198c0de-7a11-7000-8000-00000000dead".to_owned(),
            routing_key: "order.placed.v1".to_owned(),
            reason: "the body is not JSON: expected value at line 1 column 1".to_owned(),
            body: "poison".to_owned(),
        }],
        notes: Vec::new(),
    }
}

/// The same run with one fault of each kind.
pub(crate) fn failed() -> Run {
    let mut run = passed();
    run.verdict = Verdict::Fail;
    run.sentence =
        "Failed: `no_lost_order` was violated in scenario order-killed: 2 of 1,204 acknowledged orders do not exist."
            .to_owned();
    let broken = &mut run.contracts.interactions[1];
    broken.verdict = Verdict::Fail;
    broken.mismatches = vec!["$.order.sellerId: expected a string, but the field is missing".to_owned()];
    broken.states = vec!["an order exists".to_owned()];
    let replay = journey("purchase").waterfall.into_iter().skip(3).take(2).collect();
    broken.evidence = Some(Evidence {
        logs: vec!["info order: request handled http.route=/api/v1/order/{id} status=200".to_owned()],
        logs_omitted: 3,
        waterfall: replay,
        waterfall_omitted: 0,
    });
    run.contracts.verdict = Verdict::Fail;
    run.contracts.verified -= 1;
    let journey = &mut run.journeys.journeys[0];
    journey.verdict = Verdict::Fail;
    journey.failures = vec!["expected at least 1 `span[service=review kind=consumer]`, found 0 among 31 spans of 6 traces\n  nearest miss: users consumer \"process order.placed\"".to_owned()];
    journey.waterfall[6].status = "error".to_owned();
    journey.steps[3].verdict = Verdict::Fail;
    journey.steps[3].failure = Some("expected status 201, got 503".to_owned());
    run.journeys.verdict = Verdict::Fail;
    run.telemetry.verdict = Verdict::Fail;
    run.telemetry.orphan_spans = 3;
    run.telemetry.findings = vec![Finding {
        rule: "log-correlation".to_owned(),
        service: "review".to_owned(),
        sentence: "log line 17 of `review` (info \"review stored\") carries no correlation id; its flow `purchase` has `c-1` (and 41 more like it)".to_owned(),
        trace_ids: vec![format!("{:032x}", 0xfeed_u64)],
    }];
    run.drift.verdict = Verdict::Fail;
    run.drift.seen.broken = vec![Broken {
        consumer: "users".to_owned(),
        provider: "order".to_owned(),
        name: "order.placed.v1".to_owned(),
        interaction: "an order was placed".to_owned(),
        count: 402,
        mismatches: vec!["$.sellerId: expected a value like \"s-1\", but the field is missing".to_owned()],
        correlation_id: Some("purchase-0a1b2c3d4e5f".to_owned()),
    }];
    let scenario = &mut run.chaos[0];
    scenario.verdict = Verdict::Fail;
    scenario.recovery_s = None;
    scenario.reasons = vec!["the error rate did not return below 1 % within 20 s".to_owned()];
    scenario.thresholds[2].verdict = Verdict::Fail;
    let invariant = &mut scenario.invariants[0];
    invariant.verdict = Verdict::Fail;
    invariant.violations = 2;
    invariant.sentence = "2 of 1,204 acknowledged orders do not exist".to_owned();
    invariant.witness = Some(json!({ "order": "0198c0de-0001", "acknowledged_at_s": 21.4, "found": 0 }));
    invariant.trace_ids = vec![format!("{:032x}", 0xbeef_u64)];
    run.chaos[2].verdict = Verdict::Invalid;
    run.chaos[2].bitten = false;
    run.chaos[2].faults[0].bitten = false;
    run.notes = vec!["service `chat` was restarted without being asked".to_owned()];
    run
}

/// What `contract verify` gives: the other phases are left out. One interaction is broken, one flaky, one pending.
pub(crate) fn contracts_alone() -> Run {
    let mut run = failed();
    run.contracts.interactions.truncate(4);
    let [_, _, flaky, pending] = run.contracts.interactions.as_mut_slice() else { unreachable!("four are kept") };
    flaky.verdict = Verdict::Fail;
    flaky.mismatches = vec!["$.total: expected a value like 1200, but the field is missing".to_owned()];
    flaky.flaky = Some(Flaky {
        replays: 6,
        failed: 2,
        seeds: vec![42, 44],
        after: Some("`a request to cancel the order` of `gateway`".to_owned()),
    });
    pending.pending = true;
    pending.verdict = Verdict::Fail;
    pending.mismatches = vec!["expected status 200, got 404".to_owned()];
    run.contracts.expected = 3;
    run.contracts.verified = 1;
    run.contracts.partial = true;
    run.contracts.recorded = false;
    run.contracts.notes = vec!["`order` died unasked (exit status: 3) and stayed down".to_owned()];
    run.sentence = "marketplace failed: order breaks its contract with gateway.".to_owned();
    run.journeys = Journeys { verdict: Verdict::Skipped, journeys: Vec::new() };
    run.telemetry = Telemetry {
        verdict: Verdict::Skipped,
        flows: 0,
        spans: 0,
        log_lines: 0,
        orphan_spans: 0,
        findings: Vec::new(),
    };
    run.load = Load { verdict: Verdict::Skipped, thresholds: Vec::new(), ..load(1.0, 1, &[]) };
    run.chaos = Vec::new();
    run.drift = Drift::skipped();
    run.notes = Vec::new();
    run
}

/// What a good run has seen on the wire.
fn seen() -> Live {
    Live {
        messages: Count { seen: 1_204, checked: 410 },
        responses: Count { seen: 3_020, checked: 0 },
        calls: Count { seen: 2_800, checked: 2_650 },
        without_contract: vec![WithoutContract {
            kind: "event".to_owned(),
            consumer: None,
            name: "gig.viewed.v1".to_owned(),
            seen: 12,
        }],
        never_seen: vec![NeverSeen {
            event: "order.cancelled.v1".to_owned(),
            provider: "order".to_owned(),
            consumers: vec!["notification".to_owned(), "users".to_owned()],
        }],
        unknown_fields: vec![UnknownFields {
            name: "order.placed.v1".to_owned(),
            fields: vec!["$.offer.note".to_owned()],
            more: 0,
        }],
        ..Live::default()
    }
}

/// Numbers that look measured and are the same every time.
fn noise(index: u64) -> f64 {
    let mixed = (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

fn percentiles(scale: f64, count: u64) -> Percentiles {
    let at = |percentile: f64| scale * (1.0 - percentile / 100.0).max(1e-4).powf(-0.45);
    let curve = [0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99].map(|p| (p, at(p))).to_vec();
    Percentiles {
        count,
        p50_ms: at(50.0),
        p90_ms: at(90.0),
        p99_ms: at(99.0),
        p999_ms: at(99.9),
        max_ms: at(99.99),
        curve,
    }
}

fn load(rate: f64, seconds: u64, faults: &[(f64, f64)]) -> Load {
    let intervals: Vec<_> = (0..seconds)
        .map(|second| {
            let broken = faults.iter().any(|(from, until)| (*from..=*until + 1.0).contains(&(second as f64)));
            let offered = (rate * (0.8 + 0.4 * noise(second))) as u64;
            let failed = if broken { (offered as f64 * 0.4 * noise(second + 7)) as u64 } else { 0 };
            let slow = if broken { 45.0 } else { 1.0 };
            Interval {
                second,
                offered,
                ok: offered - failed,
                failed,
                p50_ms: (5.0 + 2.0 * noise(second + 11)) * (1.0 + slow / 20.0),
                p99_ms: (24.0 + 16.0 * noise(second + 13)) * slow.max(1.0),
            }
        })
        .collect();
    let offered = intervals.iter().map(|interval| interval.offered).sum();
    let errors = intervals.iter().map(|interval| interval.failed).sum();
    let threshold = |expression: &str, measured: &str| Threshold {
        expression: expression.to_owned(),
        phase: String::new(),
        verdict: Verdict::Pass,
        measured: measured.to_owned(),
    };
    let operations =
        ["sign up", "verify e-mail", "search gig", "create payment intent", "create order", "approve order"];
    Load {
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        offered_per_s: rate,
        achieved_per_s: (offered - errors) as f64 / seconds as f64,
        offered,
        errors,
        shed: 0,
        response: percentiles(4.8, offered),
        service: percentiles(4.4, offered),
        lag: percentiles(0.05, offered),
        operations: operations
            .iter()
            .enumerate()
            .map(|(index, name)| ((*name).to_owned(), percentiles(1.1 + index as f64, offered)))
            .collect::<BTreeMap<_, _>>(),
        intervals,
        thresholds: vec![
            threshold("p99 < 250ms", "38.1 ms"),
            threshold("errors < 1%", "0 of 3000"),
            threshold("lag p99 < 10ms", "0.4 ms"),
        ],
        schedule_digest: "9f31c2d07be4".to_owned(),
    }
}

fn scenario(
    name: &str,
    title: &str,
    (fault, target): (&str, &str),
    at_s: f64,
    until_s: f64,
    recovery_s: f64,
) -> Scenario {
    let threshold = |phase: &str, expression: &str, measured: &str| Threshold {
        expression: expression.to_owned(),
        phase: phase.to_owned(),
        verdict: Verdict::Pass,
        measured: measured.to_owned(),
    };
    let invariant = |name: &str, says: &str, checked: u64| Invariant {
        name: name.to_owned(),
        says: says.to_owned(),
        verdict: Verdict::Pass,
        checked,
        violations: 0,
        witness: None,
        sentence: format!("all {checked} hold"),
        trace_ids: Vec::new(),
    };
    Scenario {
        scenario: name.to_owned(),
        title: title.to_owned(),
        verdict: Verdict::Pass,
        bitten: true,
        recovery_s: Some(recovery_s),
        reasons: Vec::new(),
        faults: vec![Fault {
            fault: fault.to_owned(),
            target: target.to_owned(),
            at_s,
            until_s,
            bitten: true,
            evidence: format!("{target} did not answer for {:.1} s, and 31 requests failed meanwhile", until_s - at_s),
        }],
        phases: vec![
            Phase { name: "before".to_owned(), from_s: 0.0, until_s: at_s },
            Phase { name: "during".to_owned(), from_s: at_s, until_s },
            Phase { name: "after".to_owned(), from_s: until_s, until_s: 60.0 },
        ],
        thresholds: vec![
            threshold("before", "errors < 1%", "0 of 800"),
            threshold("during", "errors < 60%", "18 %"),
            threshold("after", "errors < 1%", "0 of 1430"),
            threshold("after", "p99 < 300ms", "41.0 ms"),
        ],
        invariants: vec![
            invariant(
                "no_lost_order",
                "Every order acknowledged with 201 exists exactly once, for its buyer and for its seller.",
                1204,
            ),
            invariant(
                "captured_once",
                "The ledger shows one capture per order and one refund per cancelled order.",
                1204,
            ),
            invariant("one_effect_per_event", "Each event has exactly one effect per consumer.", 4816),
            invariant("one_mail_per_recipient", "Each notification leads to exactly one e-mail per recipient.", 2408),
            invariant("queues_empty", "Outboxes and queues are empty at rest.", 19),
        ],
        loads: vec![Tally {
            load: "buy".into(),
            offered: 100,
            ok: 97,
            failures: vec![("place order: 503".into(), 2), ("place order: no answer".into(), 1)],
        }],
        load: load(40.0, 60, &[(at_s, until_s)]),
        seed: 42,
    }
}

fn journey(name: &str) -> Journey {
    let steps = ["sign up", "read the link in the mail", "sign in", "create order", "approve order"];
    let spans = [
        ("client", "purchase", "internal", 0, 812, 0, false),
        ("client", "create order", "client", 20, 96, 1, false),
        ("gateway", "POST /api/v1/gateway/order", "server", 22, 92, 2, false),
        ("order", "POST /api/v1/order", "server", 27, 82, 3, false),
        ("order", "POST /capture", "client", 31, 40, 4, false),
        ("payments-sim", "POST /capture", "server", 33, 34, 5, false),
        ("order", "INSERT orders, outbox", "internal", 74, 9, 4, false),
        ("order", "send marketplace order.placed.v1", "producer", 130, 6, 4, false),
        ("users", "process order.placed.v1", "consumer", 160, 21, 5, true),
        ("users", "UPDATE sellers", "internal", 164, 8, 6, false),
        ("notification", "process order.placed.v1", "consumer", 158, 74, 5, true),
        ("notification", "SMTP send", "client", 171, 52, 6, false),
        ("client", "approve order", "client", 420, 64, 1, false),
        ("gateway", "PUT /api/v1/gateway/order/approve-order/{id}", "server", 422, 60, 2, false),
        ("order", "PUT /api/v1/order/approve-order/{id}", "server", 426, 51, 3, false),
        ("order", "send marketplace order.completed.v1", "producer", 540, 5, 4, false),
        ("users", "process order.completed.v1", "consumer", 590, 18, 5, true),
        ("notification", "process order.completed.v1", "consumer", 588, 120, 5, true),
    ];
    Journey {
        name: name.to_owned(),
        verdict: Verdict::Pass,
        duration_ms: 812.0,
        failures: Vec::new(),
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, step)| Step {
                name: (*step).to_owned(),
                verdict: Verdict::Pass,
                status: (index != 1).then_some(200),
                duration_ms: 12.0 + 31.0 * index as f64,
                failure: None,
                trace_id: None,
            })
            .collect(),
        waterfall: spans
            .iter()
            .enumerate()
            .map(|(index, (service, name, kind, start, duration, depth, linked))| WaterfallRow {
                service: (*service).to_owned(),
                name: (*name).to_owned(),
                kind: (*kind).to_owned(),
                start_us: start * 1_000,
                duration_us: duration * 1_000,
                depth: *depth,
                linked: *linked,
                status: "unset".to_owned(),
                trace_id: format!("{:032x}", if *linked { 100 + index } else { 1 }),
                span_id: format!("{:016x}", index + 1),
                logs: if *kind == "server" { vec![format!("info {service} handled {name}")] } else { Vec::new() },
            })
            .collect(),
        waterfall_omitted: 0,
    }
}
