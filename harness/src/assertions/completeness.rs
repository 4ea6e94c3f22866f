//! Whether a flow is whole: every reference resolves, and its shape is that of a flow.

use std::collections::HashSet;

use super::findings::Findings;
use super::flow::Flow;
use crate::collector::{Span, SpanKind, View};

/// How far a child may start before its parent. Processes on one machine share a clock, which may still be set meanwhile.
const EARLY_NS: u64 = 250_000_000;
/// How far a synchronous child may end after its parent: the caller has its response before the callee has closed its span,
/// and much before when both want the same busy core.
const LATE_NS: u64 = 1_000_000_000;

/// Adds what is missing from a flow: parents and links that never arrived, log lines of unknown spans. Returns the number
/// of spans concerned.
pub(crate) fn unresolved(view: &View<'_>, flow: &Flow, findings: &mut Findings) -> usize {
    let mut orphans = 0;
    for span in &flow.spans {
        let mut orphan = false;
        if let Some(parent) = span.parent
            && view.span(span.trace_id, parent).is_none()
        {
            orphan = true;
            findings.add("orphan-span", span.service(), &span.name, &[span.trace_id], || {
                format!("{} names span {parent} as its parent, which never arrived", describe(span))
            });
        }
        for link in span.links.iter().filter(|link| view.span(link.trace_id, link.span_id).is_none()) {
            orphan = true;
            findings.add("orphan-link", span.service(), &span.name, &[span.trace_id, link.trace_id], || {
                let target = format!("span {} of trace {}", link.span_id, link.trace_id);
                format!("{} links to {target}, which never arrived", describe(span))
            });
        }
        orphans += usize::from(orphan);
    }
    for log in &flow.logs {
        if let (Some(trace_id), Some(span_id)) = (log.trace_id, log.span_id)
            && view.span(trace_id, span_id).is_none()
        {
            findings.add("orphan-log", log.service(), &log.message, &[trace_id], || {
                format!("log line \"{}\" of `{}` names span {span_id}, which never arrived", log.message, log.service())
            });
        }
    }
    orphans
}

/// Adds what is wrong with the shape of a flow whose references resolve.
pub(crate) fn shape(flow: &Flow, findings: &mut Findings) {
    if flow.truncated {
        let name = &flow.name;
        findings.add("endless-flow", "", name, &flow.traces, || {
            format!(
                "flow `{name}` reaches so many traces that it was cut off: something links everything to everything"
            )
        });
    }
    roots(flow, findings);
    cycles(flow, findings);
    for span in &flow.spans {
        if span.kind == SpanKind::Consumer && !has_producer(flow, span) {
            findings.add("unlinked-consumer", span.service(), &span.name, &[span.trace_id], || {
                format!("{} has neither a link to a producer span nor one among its ancestors", describe(span))
            });
        }
        nesting(flow, span, findings);
        if span.dropped > 0 {
            findings.add("dropped-parts", span.service(), &span.name, &[span.trace_id], || {
                format!("{} was sent without {} of its attributes, events or links", describe(span), span.dropped)
            });
        }
    }
}

fn roots(flow: &Flow, findings: &mut Findings) {
    for trace in &flow.traces {
        let roots: Vec<_> = flow.spans.iter().filter(|span| span.trace_id == *trace && span.parent.is_none()).collect();
        if let [first, second, ..] = roots[..] {
            findings.add("many-roots", second.service(), &second.name, &[*trace], || {
                let others = roots.len() - 1;
                format!("trace {trace} has {others} more roots than {}, such as {}", describe(first), describe(second))
            });
        }
    }
}

fn cycles(flow: &Flow, findings: &mut Findings) {
    let mut sound: HashSet<_> = HashSet::new();
    for span in &flow.spans {
        let mut path = Vec::new();
        let mut on_path = HashSet::new();
        let mut current = Some(span);
        while let Some(step) = current {
            let id = (step.trace_id, step.span_id);
            if sound.contains(&id) {
                break;
            }
            path.push(id);
            if !on_path.insert(id) {
                findings.add("parent-cycle", span.service(), &span.trace_id.to_string(), &[span.trace_id], || {
                    format!("{} is its own ancestor, over {} spans", describe(step), on_path.len())
                });
                break;
            }
            current = flow.parent(step);
        }
        sound.extend(path);
    }
}

/// Whether a consumer span knows where its message came from: through a link or an ancestor that is a producer span.
fn has_producer(flow: &Flow, span: &Span) -> bool {
    let mut current = Some(span);
    let mut seen = HashSet::new();
    while let Some(step) = current.filter(|step| seen.insert(step.span_id)) {
        // A link that does not resolve is a finding of its own.
        let linked = |link: &crate::collector::Link| {
            flow.span(link.trace_id, link.span_id).is_none_or(|target| target.kind == SpanKind::Producer)
        };
        if step.kind == SpanKind::Producer || step.links.iter().any(linked) {
            return true;
        }
        current = flow.parent(step).map(|parent| &**parent);
    }
    false
}

/// A child starts within its parent and, unless it is asynchronous or its caller failed first, ends within it too.
fn nesting(flow: &Flow, span: &Span, findings: &mut Findings) {
    let Some(parent) = flow.parent(span) else { return };
    if span.end_ns < span.start_ns {
        findings.add("negative-duration", span.service(), &span.name, &[span.trace_id], || {
            format!("{} ends {} before it starts", describe(span), milliseconds(span.start_ns - span.end_ns))
        });
    }
    if span.start_ns + EARLY_NS < parent.start_ns {
        findings.add("outside-parent", span.service(), &span.name, &[span.trace_id], || {
            let early = milliseconds(parent.start_ns - span.start_ns);
            format!("{} starts {early} before its parent, {}", describe(span), describe(parent))
        });
    }
    let asynchronous = matches!(span.kind, SpanKind::Producer | SpanKind::Consumer) || !span.links.is_empty();
    let awaited = parent.kind == SpanKind::Client && parent.status != crate::collector::SpanStatus::Error;
    if !asynchronous && awaited && span.end_ns > parent.end_ns + LATE_NS {
        findings.add("outside-parent", span.service(), &span.name, &[span.trace_id], || {
            let late = milliseconds(span.end_ns - parent.end_ns);
            format!("{} ends {late} after its parent, {}, which waited for it", describe(span), describe(parent))
        });
    }
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.1} ms", nanoseconds as f64 / 1e6)
}

/// A span in words.
pub(crate) fn describe(span: &Span) -> String {
    format!("{} span `{}` ({}) of `{}`", span.kind.name(), span.name, span.span_id, span.service())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertions::fixture::{self, Spans};

    fn findings(spans: &Spans) -> Vec<String> {
        spans.store().read(|view| {
            let flow = crate::assertions::flow(view, &fixture::seed(1));
            let mut findings = Findings::default();
            unresolved(view, &flow, &mut findings);
            shape(&flow, &mut findings);
            findings.finish().into_iter().map(|found| format!("{}: {}", found.rule, found.sentence)).collect()
        })
    }

    #[test]
    fn whole_flow_has_no_findings() {
        assert_eq!(findings(&fixture::purchase()), Vec::<String>::new());
    }

    #[test]
    fn missing_parent_and_link_are_named() {
        let mut spans = Spans::default();
        spans.server("gateway", 1, 1).parent(99);
        spans.consumer("users", 1, 2).parent(1).named("process order.placed").link(7, 8);
        insta::assert_snapshot!(findings(&spans).join("\n"), @r"
        orphan-link: consumer span `process order.placed` (0000000000000002) of `users` links to span 0000000000000008 of trace 00000000000000000000000000000007, which never arrived
        orphan-span: server span `server 1` (0000000000000001) of `gateway` names span 0000000000000063 as its parent, which never arrived
        ");
    }

    #[test]
    fn second_root_cycle_and_unlinked_consumer_are_named() {
        let mut spans = Spans::default();
        spans.server("gateway", 1, 1);
        spans.internal("order", 1, 2);
        spans.internal("order", 1, 3).parent(4);
        spans.internal("order", 1, 4).parent(3);
        spans.consumer("users", 1, 5).parent(1);
        insta::assert_snapshot!(findings(&spans).join("\n"), @r"
        many-roots: trace 00000000000000000000000000000001 has 1 more roots than server span `server 1` (0000000000000001) of `gateway`, such as internal span `internal 2` (0000000000000002) of `order`
        parent-cycle: internal span `internal 3` (0000000000000003) of `order` is its own ancestor, over 2 spans
        unlinked-consumer: consumer span `consumer 5` (0000000000000005) of `users` has neither a link to a producer span nor one among its ancestors
        ");
    }

    #[test]
    fn consumer_under_a_linked_receive_span_is_linked() {
        let mut spans = Spans::default();
        spans.producer("order", 1, 1);
        spans.add("users", SpanKind::Client, 2, 2).named("receive").link(1, 1);
        spans.consumer("users", 2, 3).parent(2);
        assert_eq!(findings(&spans), Vec::<String>::new());
    }

    #[test]
    fn child_outside_its_parent_is_named_unless_asynchronous_or_abandoned() {
        let mut spans = Spans::default();
        spans.add("gateway", SpanKind::Client, 1, 1).named("call").millis(1_000, 1_100);
        spans.server("order", 1, 2).parent(1).named("early").millis(100, 1_050);
        spans.server("order", 1, 3).parent(1).named("late").millis(1_010, 5_000);
        spans.producer("order", 1, 4).parent(1).millis(1_010, 5_000);
        insta::assert_snapshot!(findings(&spans).join("\n"), @r"
        outside-parent: server span `early` (0000000000000002) of `order` starts 900.0 ms before its parent, client span `call` (0000000000000001) of `gateway`
        outside-parent: server span `late` (0000000000000003) of `order` ends 3900.0 ms after its parent, client span `call` (0000000000000001) of `gateway`, which waited for it
        ");
        let mut spans = Spans::default();
        spans.add("gateway", SpanKind::Client, 1, 1).millis(1_000, 1_100).failed();
        spans.server("order", 1, 2).parent(1).millis(1_010, 5_000);
        assert_eq!(findings(&spans), Vec::<String>::new());
    }
}
