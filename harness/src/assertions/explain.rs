//! Why an expectation does not hold, in text: the nearest miss and its place in the flow.

use std::fmt::Write as _;

use super::duration::milliseconds;
use super::flow::Flow;
use super::selector::Selector;
use super::waterfall::join;
use crate::collector::Span;

/// Rows shown before and after the row that matters.
const CONTEXT_ROWS: usize = 8;

/// The flow as indented text: start, duration, service, kind and name of each span; `~>` where a link or a message id leads
/// from the row above instead of a parent edge. `mark` is the position in [`Flow::spans`] of a row to point at; rows far from
/// it, or from the beginning when there is none, are left out.
pub fn text_waterfall(flow: &Flow, mark: Option<usize>) -> String {
    let rows = join(flow);
    let middle = mark.and_then(|mark| rows.iter().position(|row| row.span == mark)).unwrap_or(CONTEXT_ROWS);
    let first = middle.saturating_sub(CONTEXT_ROWS);
    let last = (middle + CONTEXT_ROWS + 1).min(rows.len());
    let mut text = String::new();
    let more = |text: &mut String, count: usize| {
        if count > 0 {
            let _ = writeln!(text, "    ... {count} more spans");
        }
    };
    more(&mut text, first);
    for row in &rows[first..last] {
        let span = &flow.spans[row.span];
        let pointer = if mark == Some(row.span) { '>' } else { ' ' };
        let start = milliseconds(span.start_ns.saturating_sub(flow.start_ns()));
        let duration = milliseconds(span.duration_ns());
        let indent = "  ".repeat(row.depth.min(24));
        let arrow = if row.linked { "~> " } else { "" };
        let status = if span.status == crate::collector::SpanStatus::Error { " ERROR" } else { "" };
        let (service, kind, name) = (span.service(), span.kind.name(), &span.name);
        let _ =
            writeln!(text, "  {pointer} +{start:>9} {duration:>9}  {indent}{arrow}{service} {kind} \"{name}\"{status}");
    }
    more(&mut text, rows.len() - last);
    text
}

/// The span that misses a selector by the fewest comparisons, and what differs; none when no span matches even one of them.
pub(crate) fn nearest<'a>(flow: &'a Flow, selector: &Selector) -> Option<(usize, &'a Span, Vec<String>)> {
    let misses = flow.spans.iter().enumerate().map(|(index, span)| (index, &**span, selector.differences(span)));
    misses
        .filter(|(_, _, differences)| !differences.is_empty() && differences.len() < selector.len())
        .min_by_key(|(_, _, differences)| differences.len())
}

/// The nearest miss of a selector and the flow around it; the beginning of the flow when nothing comes near.
pub(crate) fn nearest_miss(flow: &Flow, selector: &Selector) -> String {
    let Some((index, span, differences)) = nearest(flow, selector) else {
        return format!("  nothing comes near; the flow:\n{}", text_waterfall(flow, None));
    };
    let mut text = format!(
        "  nearest miss: {} {} \"{}\" (trace {})\n",
        span.service(),
        span.kind.name(),
        span.name,
        span.trace_id
    );
    for difference in differences {
        let _ = writeln!(text, "    {difference}");
    }
    text + &text_waterfall(flow, Some(index))
}
