//! Expectations on a flow, as written under `flow:` in a journey.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::duration;
use super::explain;
use super::flow::Flow;
use super::selector::Selector;
use crate::collector::{Level, LogRecord, Span};

/// Why an expectation makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpectation {
    /// Neither `span` nor `log` is there.
    #[error("an expectation needs `span` or `log`")]
    Nothing,
    /// A count that excludes another.
    #[error("`exactly` excludes `at_least` and `at_most`")]
    Counts,
    /// A lower bound above the upper one.
    #[error("`at_least: {at_least}` is more than `at_most: {at_most}`")]
    Bounds {
        /// The lower bound.
        at_least: usize,
        /// The upper bound.
        at_most: usize,
    },
    /// Not a duration.
    #[error("`{0}` is not a duration: expected a number with a unit, such as `250ms` or `2s`")]
    Duration(String),
    /// A relation without a span to relate.
    #[error("`{0}` needs `span`")]
    NeedsSpan(&'static str),
    /// Not a level.
    #[error("`{0}` is not a level: expected `trace`, `debug`, `info`, `warn`, `error` or `fatal`")]
    Level(String),
}

/// What a flow must hold: a number of spans, or of log lines.
///
/// With `span`, spans that the selector picks are counted, of which every further key must hold: `parent` (its parent
/// matches), `linked_from` (a span that it links to, or that sent its message, matches), `follows` (any span that led to it,
/// over parents and links, matches), `within` (it ends this soon after the start of the span named by one of the former, or
/// else of the flow), `log` (it wrote such a line). With `log` alone, log lines of the flow are counted. Without a count, at
/// least one is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ExpectationFile")]
pub struct Expectation {
    span: Option<Selector>,
    log: Option<LogPattern>,
    at_least: usize,
    at_most: Option<usize>,
    parent: Option<Selector>,
    linked_from: Option<Selector>,
    follows: Option<Selector>,
    within: Option<Duration>,
}

/// What a log line must be like; whatever is left out does not matter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPattern {
    /// The service that wrote it.
    #[serde(default)]
    pub service: Option<String>,
    /// The lowest level it may have.
    #[serde(default)]
    pub level: Option<String>,
    /// Text that its message contains.
    #[serde(default)]
    pub message: Option<String>,
    /// Fields and their values, compared as text.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectationFile {
    #[serde(default)]
    span: Option<Selector>,
    #[serde(default)]
    log: Option<LogPattern>,
    #[serde(default)]
    exactly: Option<usize>,
    #[serde(default)]
    at_least: Option<usize>,
    #[serde(default)]
    at_most: Option<usize>,
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    parent: Option<Selector>,
    #[serde(default)]
    linked_from: Option<Selector>,
    #[serde(default)]
    follows: Option<Selector>,
}

impl TryFrom<ExpectationFile> for Expectation {
    type Error = InvalidExpectation;

    fn try_from(file: ExpectationFile) -> Result<Self, InvalidExpectation> {
        if file.span.is_none() {
            let relations = [
                ("parent", file.parent.is_some()),
                ("linked_from", file.linked_from.is_some()),
                ("follows", file.follows.is_some()),
            ];
            if let Some((name, _)) = relations.iter().find(|(_, given)| *given) {
                return Err(InvalidExpectation::NeedsSpan(name));
            }
            if file.log.is_none() {
                return Err(InvalidExpectation::Nothing);
            }
            if file.within.is_some() {
                return Err(InvalidExpectation::NeedsSpan("within"));
            }
        }
        if let Some(level) = file.log.as_ref().and_then(|log| log.level.as_deref())
            && Level::from_name(level) == Level::Unspecified
        {
            return Err(InvalidExpectation::Level(level.to_owned()));
        }
        let (at_least, at_most) = match (file.exactly, file.at_least, file.at_most) {
            (Some(count), None, None) => (count, Some(count)),
            (Some(_), _, _) => return Err(InvalidExpectation::Counts),
            (None, None, Some(at_most)) => (0, Some(at_most)),
            (None, at_least, at_most) => (at_least.unwrap_or(1), at_most),
        };
        if let Some(at_most) = at_most.filter(|at_most| at_least > *at_most) {
            return Err(InvalidExpectation::Bounds { at_least, at_most });
        }
        let parse = |text: String| duration::parse(&text).ok_or(InvalidExpectation::Duration(text));
        Ok(Self {
            span: file.span,
            log: file.log,
            at_least,
            at_most,
            parent: file.parent,
            linked_from: file.linked_from,
            follows: file.follows,
            within: file.within.map(parse).transpose()?,
        })
    }
}

impl Expectation {
    /// Judges a flow.
    ///
    /// # Errors
    ///
    /// The whole explanation: what was expected, what was found, the nearest miss and its place in the flow.
    pub fn check(&self, flow: &Flow) -> Result<(), String> {
        let Some(selector) = &self.span else { return self.check_lines(flow) };
        let picked: Vec<&Span> = flow.spans.iter().map(|span| &**span).filter(|span| selector.matches(span)).collect();
        let mut near = Vec::new();
        let mut count = 0;
        for span in &picked {
            match self.relations(flow, span) {
                Ok(()) => count += 1,
                Err(reason) => near.push((*span, reason)),
            }
        }
        if self.allows(count) {
            return Ok(());
        }
        let mut text = format!("expected {}, found {count}", self.describe());
        let _ = writeln!(text, " among {}", extent(flow));
        if count > self.at_least {
            for span in picked.iter().take(5) {
                let _ = writeln!(text, "  found: {} \"{}\" (trace {})", span.service(), span.name, span.trace_id);
            }
        } else if near.is_empty() {
            text += &explain::nearest_miss(flow, selector);
        } else {
            for (span, reason) in near.iter().take(5) {
                let _ = writeln!(
                    text,
                    "  not counted: {} \"{}\" (trace {}): {reason}",
                    span.service(),
                    span.name,
                    span.trace_id
                );
            }
            text += &explain::text_waterfall(flow, flow.position(near[0].0.trace_id, near[0].0.span_id));
        }
        Err(text.trim_end().to_owned())
    }

    fn check_lines(&self, flow: &Flow) -> Result<(), String> {
        let Some(pattern) = &self.log else { return Ok(()) };
        let count = flow.logs.iter().filter(|log| pattern.matches(log)).count();
        if self.allows(count) {
            return Ok(());
        }
        let services: std::collections::BTreeSet<_> = flow.logs.iter().map(|log| log.service()).collect();
        let services = services.into_iter().collect::<Vec<_>>().join(", ");
        Err(format!(
            "expected {}, found {count} among {} log lines of {}",
            self.describe(),
            flow.logs.len(),
            if services.is_empty() { "no service" } else { &services },
        ))
    }

    /// Whether the relations of a span hold; if not, the first that does not.
    fn relations(&self, flow: &Flow, span: &Span) -> Result<(), String> {
        let mut origin_ns = flow.start_ns();
        if let Some(selector) = &self.parent {
            let parent = flow.parent(span).filter(|parent| selector.matches(parent));
            origin_ns = parent.ok_or_else(|| format!("its parent is not `{selector}`"))?.start_ns;
        }
        if let Some(selector) = &self.linked_from {
            let source = sources(flow, span).into_iter().find(|source| selector.matches(source));
            origin_ns = source.ok_or_else(|| format!("it is not linked from `{selector}`"))?.start_ns;
        }
        if let Some(selector) = &self.follows {
            let source = ancestors(flow, span).into_iter().find(|source| selector.matches(source));
            origin_ns = source.ok_or_else(|| format!("it does not follow `{selector}`"))?.start_ns;
        }
        if let Some(within) = self.within {
            let took = Duration::from_nanos(span.end_ns.saturating_sub(origin_ns));
            if took > within {
                return Err(format!("it ends after {took:.1?} instead of within {within:?}"));
            }
        }
        if let Some(pattern) = &self.log {
            let ids = (Some(span.trace_id), Some(span.span_id));
            if !flow.logs.iter().any(|log| (log.trace_id, log.span_id) == ids && pattern.matches(log)) {
                return Err(format!("it wrote no log line{}", pattern.describe()));
            }
        }
        Ok(())
    }

    fn allows(&self, count: usize) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|at_most| count <= at_most)
    }

    /// The expectation in words.
    pub fn describe(&self) -> String {
        let count = match (self.at_least, self.at_most) {
            (0, Some(0)) => "no".to_owned(),
            (least, Some(most)) if least == most => format!("exactly {least}"),
            (least, None) => format!("at least {least}"),
            (0, Some(most)) => format!("at most {most}"),
            (least, Some(most)) => format!("{least} to {most}"),
        };
        let mut text = match &self.span {
            Some(selector) => format!("{count} `{selector}`"),
            None => format!("{count} log line"),
        };
        for (relation, selector) in
            [("with parent", &self.parent), ("linked from", &self.linked_from), ("following", &self.follows)]
        {
            if let Some(selector) = selector {
                let _ = write!(text, " {relation} `{selector}`");
            }
        }
        if let Some(within) = self.within {
            let _ = write!(text, " within {within:?}");
        }
        if let Some(pattern) = &self.log {
            let with = if self.span.is_some() { " with a log line" } else { "" };
            let _ = write!(text, "{with}{}", pattern.describe());
        }
        text
    }
}

impl LogPattern {
    /// Whether a log line is like this.
    pub fn matches(&self, log: &LogRecord) -> bool {
        self.service.as_ref().is_none_or(|service| service == log.service())
            && self.level.as_ref().is_none_or(|level| log.level >= Level::from_name(level))
            && self.message.as_ref().is_none_or(|text| log.message.contains(text.as_str()))
            && self.fields.iter().all(|(key, value)| match key.as_str() {
                "correlation_id" => log.correlation_id.as_deref() == Some(value),
                _ => log.fields.get(key).is_some_and(|held| held.to_string() == *value),
            })
    }

    fn describe(&self) -> String {
        let mut text = String::new();
        if let Some(service) = &self.service {
            let _ = write!(text, " of `{service}`");
        }
        if let Some(level) = &self.level {
            let _ = write!(text, " at `{level}` or above");
        }
        if let Some(message) = &self.message {
            let _ = write!(text, " containing \"{message}\"");
        }
        for (key, value) in &self.fields {
            let _ = write!(text, " with {key}=`{value}`");
        }
        text
    }
}

/// Spans that a span links to, or that sent the message that it handles.
fn sources<'a>(flow: &'a Flow, span: &Span) -> Vec<&'a Span> {
    let linked = span.links.iter().filter_map(|link| flow.span(link.trace_id, link.span_id)).map(|source| &**source);
    let message = span.message_id();
    let senders = flow.spans.iter().map(|other| &**other).filter(|other| {
        message.is_some() && other.message_id() == message && other.kind == crate::collector::SpanKind::Producer
    });
    linked.chain(senders).filter(|source| source.span_id != span.span_id).collect()
}

/// Every span that led to this one, nearest first.
fn ancestors<'a>(flow: &'a Flow, span: &Span) -> Vec<&'a Span> {
    let mut found: Vec<&Span> = Vec::new();
    let mut open: std::collections::VecDeque<&Span> = causes(flow, span).into();
    let mut seen = std::collections::HashSet::new();
    while let Some(step) = open.pop_front() {
        if seen.insert((step.trace_id, step.span_id)) {
            found.push(step);
            open.extend(causes(flow, step));
        }
    }
    found
}

fn causes<'a>(flow: &'a Flow, span: &Span) -> Vec<&'a Span> {
    flow.parent(span).map(|parent| &**parent).into_iter().chain(sources(flow, span)).collect()
}

fn extent(flow: &Flow) -> String {
    let correlation = flow.correlation_id.as_deref().map(|id| format!(", correlation id `{id}`")).unwrap_or_default();
    format!("{} spans of {} traces (flow `{}`{correlation})", flow.spans.len(), flow.traces.len(), flow.name)
}

#[cfg(test)]
#[path = "expectation_tests.rs"]
mod tests;
