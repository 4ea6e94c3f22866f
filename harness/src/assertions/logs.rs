//! Whether everything in a flow carries the one correlation id.

use super::completeness::describe;
use super::findings::Findings;
use super::flow::{Flow, is_batch};
use crate::collector::{LogRecord, LogSource, Span, SpanKind};

/// Adds every log line and span of a flow that carries another correlation id than the flow's, or none where it must.
///
/// A service that only passes on a wrong one that it was given is not named; the one that brought it in is.
///
/// Every log line must carry it. So must spans that take something in or send a message; other spans may leave it out, but
/// not carry another one. Spans of batches belong to several flows and are left alone, with their log lines.
pub(crate) fn correlation(flow: &Flow, findings: &mut Findings) {
    let Some(expected) = flow.correlation_id.as_deref() else {
        let services: std::collections::BTreeSet<_> = flow.spans.iter().map(|span| span.service()).collect();
        if let Some(first) = flow.spans.first() {
            findings.add("no-correlation", first.service(), &flow.name, &flow.traces, || {
                let services = services.into_iter().collect::<Vec<_>>().join(", ");
                format!("no span of flow `{}` carries a correlation id ({services})", flow.name)
            });
        }
        return;
    };
    for span in flow.spans.iter().filter(|span| !in_batch(flow, span)) {
        let wrong = match span.correlation_id() {
            Some(found) if found == expected => continue,
            Some(found) => format!("correlation id `{found}`"),
            None if must_carry(span.kind) => "no correlation id".to_owned(),
            None => continue,
        };
        if inherited(flow, span) {
            continue;
        }
        findings.add("span-correlation", span.service(), &span.name, &[span.trace_id], || {
            format!("{} carries {wrong}; its flow `{}` has `{expected}`", describe(span), flow.name)
        });
    }
    for log in &flow.logs {
        let span = log.trace_id.zip(log.span_id).and_then(|(trace_id, span_id)| flow.span(trace_id, span_id));
        if span.is_some_and(|span| in_batch(flow, span)) {
            continue;
        }
        let wrong = match log.correlation_id.as_deref() {
            Some(found) if found == expected => continue,
            // The span has the same wrong one, and whoever brought it in is named.
            Some(found) if span.is_some_and(|span| span.correlation_id() == Some(found)) => continue,
            Some(found) => format!("correlation id `{found}`"),
            None => "no correlation id".to_owned(),
        };
        let traces: Vec<_> = log.trace_id.into_iter().collect();
        findings.add("log-correlation", log.service(), &log.message, &traces, || {
            format!("{} carries {wrong}; its flow `{}` has `{expected}`", describe_log(log), flow.name)
        });
    }
}

/// Whether a span got its wrong correlation id from the span before it: then that one, or one before it, is to blame.
fn inherited(flow: &Flow, span: &Span) -> bool {
    let Some(found) = span.correlation_id() else {
        return false;
    };
    let linked = span.links.iter().filter_map(|link| flow.span(link.trace_id, link.span_id));
    flow.parent(span).into_iter().chain(linked).any(|before| before.correlation_id() == Some(found))
}

fn must_carry(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Server | SpanKind::Producer | SpanKind::Consumer)
}

/// Whether a span or one of its ancestors handled several flows at once.
fn in_batch(flow: &Flow, span: &Span) -> bool {
    let mut current = Some(span);
    // Bounded, so that a cycle of parents ends.
    for _ in 0..64 {
        match current {
            Some(step) if is_batch(step) => return true,
            Some(step) => current = flow.parent(step).map(|parent| &**parent),
            None => break,
        }
    }
    false
}

fn describe_log(log: &LogRecord) -> String {
    let place = match log.source {
        LogSource::Line(number) => format!("log line {number} of `{}`", log.service()),
        LogSource::Otlp => format!("log record of `{}`", log.service()),
    };
    let message: String = log.message.chars().take(120).collect();
    format!("{place} ({} \"{message}\")", log.level.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertions::fixture;
    use crate::collector::Store;

    fn findings(store: &Store) -> Vec<String> {
        let flow = store.read(|view| crate::assertions::flow(view, &fixture::seed(1)));
        let mut findings = Findings::default();
        correlation(&flow, &mut findings);
        findings.finish().into_iter().map(|found| format!("{}: {}", found.rule, found.sentence)).collect()
    }

    #[test]
    fn log_lines_with_the_one_id_are_fine() {
        let store = fixture::purchase().store();
        store.ingest_log_line("order", &fixture::log_line("INFO", "placed", 1, 2, Some("c-1")));
        store.ingest_log_line("order", "not json, and of no trace");
        assert_eq!(findings(&store), Vec::<String>::new());
    }

    #[test]
    fn service_that_forgets_or_changes_the_id_is_named() {
        let mut spans = fixture::purchase();
        spans.consumer("review", 4, 20).named("process order.placed").link(1, 4).correlation("other");
        spans.producer("review", 4, 21).parent(20).named("send events").correlation("other");
        spans.consumer("gig", 5, 22).named("process review.submitted").link(4, 21).correlation("other");
        let store = spans.store();
        store.ingest_log_line("review", &fixture::log_line("INFO", "counted", 4, 20, Some("other")));
        for _ in 0..3 {
            store.ingest_log_line("users", &fixture::log_line("WARN", "slow", 2, 5, None));
        }
        insta::assert_snapshot!(findings(&store).join("\n"), @r#"
        log-correlation: log line 1 of `users` (warn "slow") carries no correlation id; its flow `purchase` has `c-1` (and 2 more like it)
        span-correlation: consumer span `process order.placed` (0000000000000014) of `review` carries correlation id `other`; its flow `purchase` has `c-1`
        "#);
    }

    #[test]
    fn server_span_without_the_id_is_named_but_internal_one_is_not() {
        let mut spans = fixture::purchase();
        spans.internal("order", 1, 30).parent(2);
        spans.server("gig", 1, 31).parent(2).named("GET /gig");
        insta::assert_snapshot!(findings(&spans.store()).join("\n"), @"span-correlation: server span `GET /gig` (000000000000001f) of `gig` carries no correlation id; its flow `purchase` has `c-1`");
    }
}
