//! Waiting for flows to be complete, and judging them.

use std::time::{Duration, Instant};

use chaos::verdict::Verdict;

use super::completeness;
use super::expectation::Expectation;
use super::findings::Findings;
use super::flow::{Flow, Seed, flow};
use super::logs;
use super::waterfall::waterfall;
use crate::collector::{Store, StoreStats, TraceId, View};
use crate::report::model::{Telemetry, WaterfallRow};

/// How long complete flows must stay as they are before they are judged: several export intervals of the services (they are
/// started with one of 200 ms), because a span that nothing refers to yet may still be on its way.
const QUIET: Duration = Duration::from_millis(600);
/// Shortest pause between two looks at the flows while telemetry keeps arriving.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until the flows of all seeds are complete (everything that they refer to has arrived, and nothing was added to them
/// for a moment) or the deadline passes, then judges completeness, shape and correlation of each.
///
/// What is missing at the deadline is among the findings. Without any flow the verdict is invalid: nothing was checked.
pub async fn check_flows(store: &Store, seeds: &[Seed], deadline: Instant) -> Telemetry {
    // Looks begin at the flow that was incomplete last time: while that one waits, the others need no look.
    let mut begin = 0;
    settle(store, deadline, |store| {
        let mut size = 0;
        for index in (begin..seeds.len()).chain(0..begin) {
            let (added, complete) = store.read(|view| complete(view, &flow(view, &seeds[index])));
            size += added;
            if !complete {
                begin = index;
                return (size, false);
            }
        }
        (size, true)
    })
    .await;
    judge(store, seeds)
}

/// A flow judged by expectations.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// An explanation for each expectation that does not hold.
    pub failures: Vec<String>,
    /// The flow in order of display.
    pub waterfall: Vec<WaterfallRow>,
}

/// Waits until the flow of a seed is complete and every expectation holds and keeps holding for a moment, or the deadline
/// passes, and returns what does not hold and the flow in order of display.
pub async fn judge_flow(store: &Store, seed: &Seed, expectations: &[Expectation], deadline: Instant) -> Judged {
    settle(store, deadline, |store| {
        let (flow, (size, complete)) = store.read(|view| {
            let flow = flow(view, seed);
            let extent = complete(view, &flow);
            (flow, extent)
        });
        (size, complete && failures(&flow, expectations).is_empty())
    })
    .await;
    let flow = store.read(|view| flow(view, seed));
    Judged { failures: failures(&flow, expectations), waterfall: waterfall(&flow, usize::MAX).0 }
}

fn failures(flow: &Flow, expectations: &[Expectation]) -> Vec<String> {
    expectations.iter().filter_map(|expected| expected.check(flow).err()).collect()
}

/// Waits until every expectation holds for the flow of a seed and keeps holding for a moment, or the deadline passes.
/// Returns an explanation for each that does not hold.
pub async fn check_expectations(
    store: &Store,
    seed: &Seed,
    expectations: &[Expectation],
    deadline: Instant,
) -> Vec<String> {
    if expectations.is_empty() {
        return Vec::new();
    }
    settle(store, deadline, |store| {
        let flow = store.read(|view| flow(view, seed));
        (flow.spans.len() + flow.logs.len(), failures(&flow, expectations).is_empty())
    })
    .await;
    failures(&store.read(|view| flow(view, seed)), expectations)
}

/// The size of a flow, and whether everything that it refers to has arrived.
fn complete(view: &View<'_>, flow: &Flow) -> (usize, bool) {
    let mut missing = Findings::default();
    completeness::unresolved(view, flow, &mut missing);
    (flow.spans.len() + flow.logs.len(), !flow.spans.is_empty() && missing.is_empty())
}

/// Waits until `look` says that it is satisfied and its size has not changed for a moment, or the deadline passes.
async fn settle(store: &Store, deadline: Instant, mut look: impl FnMut(&Store) -> (usize, bool)) {
    let mut changes = store.subscribe();
    let mut last_size = usize::MAX;
    let mut unchanged_since = Instant::now();
    loop {
        changes.mark_unchanged();
        let (size, satisfied) = look(store);
        let now = Instant::now();
        if size != last_size {
            (last_size, unchanged_since) = (size, now);
        }
        let quiet_at = unchanged_since + QUIET;
        if now >= deadline || (satisfied && now >= quiet_at) {
            return;
        }
        let wake_at = if satisfied { quiet_at.min(deadline) } else { deadline };
        // Whether something changed or the time came, the next look tells.
        let _ = tokio::time::timeout_at(wake_at.into(), changes.changed()).await;
        tokio::time::sleep_until((now + PAUSE).min(wake_at).into()).await;
    }
}

fn judge(store: &Store, seeds: &[Seed]) -> Telemetry {
    let mut findings = Findings::default();
    let mut telemetry =
        Telemetry { verdict: Verdict::Pass, flows: 0, spans: 0, log_lines: 0, orphan_spans: 0, findings: Vec::new() };
    for seed in seeds {
        let (flow, orphans) = store.read(|view| {
            let flow = flow(view, seed);
            let orphans = completeness::unresolved(view, &flow, &mut findings);
            (flow, orphans)
        });
        if flow.spans.is_empty() {
            let name = &seed.name;
            findings.add("no-spans", "", name, &seed.trace_ids, || {
                format!("no span of flow `{name}` arrived{}", sought(seed))
            });
            continue;
        }
        telemetry.flows += 1;
        telemetry.spans += flow.spans.len();
        telemetry.log_lines += flow.logs.len();
        telemetry.orphan_spans += orphans;
        completeness::shape(&flow, &mut findings);
        logs::correlation(&flow, &mut findings);
    }
    lost(&store.stats(), &mut findings);
    telemetry.verdict = match (findings.is_empty(), telemetry.flows) {
        (false, _) => Verdict::Fail,
        (true, 0) => Verdict::Invalid,
        (true, _) => Verdict::Pass,
    };
    telemetry.findings = findings.finish();
    telemetry
}

fn sought(seed: &Seed) -> String {
    let traces: Vec<String> = seed.trace_ids.iter().take(3).map(TraceId::to_string).collect();
    match (&seed.correlation_id, traces.is_empty()) {
        (Some(id), _) => format!(" (correlation id `{id}`)"),
        (None, false) => format!(" (trace {})", traces.join(", ")),
        (None, true) => String::new(),
    }
}

/// Telemetry that the collector had to give up or refuse makes completeness unprovable.
fn lost(stats: &StoreStats, findings: &mut Findings) {
    for (service, held) in &stats.services {
        let evicted = held.evicted_spans + held.evicted_logs;
        if evicted > 0 {
            findings.add("evicted", service, "", &[], || {
                format!("{evicted} spans and log lines of `{service}` were given up for want of room in the collector")
            });
        }
    }
    if stats.rejected > 0 {
        findings.add("rejected", "", "", &[], || {
            format!("the collector refused {} invalid or surplus records", stats.rejected)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::assertions::fixture::{self, Spans};
    use crate::collector::StoreLimits;

    #[tokio::test]
    async fn complete_flow_passes() {
        let store = fixture::purchase().store();
        store.ingest_log_line("order", &fixture::log_line("INFO", "placed", 1, 2, Some("c-1")));
        let telemetry = check_flows(&store, &[fixture::seed(1)], fixture::far()).await;
        assert_eq!(telemetry.verdict, Verdict::Pass, "{:?}", telemetry.findings);
        assert_eq!((telemetry.flows, telemetry.spans, telemetry.log_lines, telemetry.orphan_spans), (1, 7, 1, 0));
    }

    #[tokio::test]
    async fn check_waits_for_the_parent_that_arrives_last() {
        let mut spans = fixture::purchase().all();
        let root = spans.remove(0);
        let store = Arc::new(Store::default());
        store.ingest_spans(spans);
        let seeds = [fixture::seed(1)];
        let check = check_flows(&store, &seeds, fixture::far());
        let deliver = async {
            tokio::task::yield_now().await;
            store.ingest_spans(vec![root]);
        };
        let (telemetry, ()) = tokio::join!(check, deliver);
        assert_eq!(telemetry.verdict, Verdict::Pass, "{:?}", telemetry.findings);
    }

    #[tokio::test]
    async fn deadline_names_what_is_missing() {
        let mut spans = Spans::default();
        spans.server("order", 1, 2).parent(1).named("POST /api/v1/order").correlation("c-1");
        let seeds = [fixture::seed(1), Seed { name: "refund".to_owned(), ..fixture::seed(9) }];
        let telemetry = check_flows(&spans.store(), &seeds, Instant::now()).await;
        assert_eq!((telemetry.verdict, telemetry.flows, telemetry.orphan_spans), (Verdict::Fail, 1, 1));
        let sentences: Vec<_> = telemetry.findings.iter().map(|found| found.sentence.as_str()).collect();
        insta::assert_snapshot!(sentences.join("\n"), @r"
        no span of flow `refund` arrived (trace 00000000000000000000000000000009)
        server span `POST /api/v1/order` (0000000000000002) of `order` names span 0000000000000001 as its parent, which never arrived
        ");
    }

    #[tokio::test]
    async fn no_flow_is_invalid() {
        let telemetry = check_flows(&Store::default(), &[], Instant::now()).await;
        assert_eq!(telemetry.verdict, Verdict::Invalid);
    }

    #[tokio::test]
    async fn lost_telemetry_is_a_finding() {
        let store = Store::new(StoreLimits { max_service_bytes: 2_000, ..StoreLimits::default() });
        for line in 0..50 {
            store.ingest_log_line("noisy", &format!("line {line}"));
        }
        store.ingest_spans(fixture::purchase().all().into_iter().take(1).collect());
        let telemetry = check_flows(&store, &[fixture::seed(1)], fixture::far()).await;
        assert_eq!(telemetry.findings[0].rule, "evicted");
        assert_eq!(telemetry.findings[0].service, "noisy");
    }

    #[tokio::test]
    async fn expectations_are_awaited_and_explained() {
        let expectations: Vec<Expectation> =
            serde_saphyr::from_str("[{ span: 'span[kind=consumer]', exactly: 2 }, { span: 'span[service=chat]' }]")
                .expect("valid");
        let store = fixture::purchase().store();
        let seed = fixture::seed(1);
        assert_eq!(check_expectations(&store, &seed, &expectations[..1], fixture::far()).await, Vec::<String>::new());
        let failures = check_expectations(&store, &seed, &expectations, Instant::now()).await;
        assert_eq!(failures.len(), 1);
        assert!(failures[0].starts_with("expected at least 1 `span[service=chat]`, found 0"), "{}", failures[0]);
    }

    #[tokio::test]
    async fn judged_flow_has_its_waterfall_even_when_an_expectation_fails() {
        let expectations: Vec<Expectation> = serde_saphyr::from_str("[{ span: 'span[service=chat]' }]").expect("valid");
        let store = fixture::purchase().store();
        let judged = judge_flow(&store, &fixture::seed(1), &expectations, Instant::now()).await;
        assert_eq!((judged.failures.len(), judged.waterfall.len()), (1, 7));
        let judged = judge_flow(&store, &fixture::seed(1), &[], fixture::far()).await;
        assert_eq!(judged.failures, Vec::<String>::new());
    }
}
