//! One piece of work in progress: its span, and what is reported when it ends, is dropped or panics.

use std::borrow::Cow;
use std::future::Future;
use std::time::{Duration, Instant};

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::core::core;
use crate::correlation::{self, CorrelationId};
use crate::span::{self, Outcome};

/// `error.type` and a text, or `None` of what went well.
pub(crate) type Failure = Option<(Cow<'static, str>, String)>;

/// What to measure when the work is over.
pub(crate) trait Report {
    /// Called once, before the span ends, with `error.type` of what failed.
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>);
}

/// Nothing beside the span.
impl Report for () {
    fn ended(&self, _: &Context, _: Duration, _: Option<&Cow<'static, str>>) {}
}

impl<F: Fn(&Context, Duration, Option<&Cow<'static, str>>)> Report for F {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        self(context, elapsed, error);
    }
}

/// Work in progress. Dropped before [`Work::finish`], it is reported as cancelled, or as a panic when there is one.
pub(crate) struct Work<R: Report> {
    /// What the work runs in: its span, the correlation id and the baggage of its parent.
    pub(crate) context: Context,
    pub(crate) correlation: CorrelationId,
    pub(crate) report: R,
    started: Instant,
    /// `None` until the work has ended.
    outcome: Option<Failure>,
}

/// Opens a span below `parent` and sets its attributes when it is recorded. The only place where spans of this crate's
/// clients, consumers and tasks start.
pub(crate) fn open(
    name: impl Into<Cow<'static, str>>,
    kind: SpanKind,
    parent: Context,
    links: Vec<Link>,
    attributes: impl FnOnce(&CorrelationId) -> Vec<KeyValue>,
) -> (Context, CorrelationId) {
    let (parent, correlation) = correlation::ensure(parent);
    let builder = SpanBuilder::from_name(name).with_kind(kind).with_links(links);
    let context = parent.with_span(core().tracer.build_with_context(builder, &parent));
    let span = context.span();
    if span.is_recording() {
        span.set_attributes(attributes(&correlation));
    }
    (context, correlation)
}

impl<R: Report> Work<R> {
    /// Work inside a span of its own.
    pub(crate) fn new((context, correlation): (Context, CorrelationId), report: R) -> Self {
        Self { context, correlation, report, started: Instant::now(), outcome: None }
    }

    /// Work without a span of its own; `context` must have none, as it would be ended.
    pub(crate) fn without_span(context: Context, report: R) -> Self {
        let correlation = correlation::of(&context).unwrap_or_else(CorrelationId::generate);
        Self::new((context, correlation), report)
    }

    /// Runs `future` as the work.
    pub(crate) async fn run<F>(mut self, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let output = future.with_context(self.context.clone()).await;
        self.outcome = Some(output.failure());
        output
    }

    /// Time since the work began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends the work.
    pub(crate) fn finish(mut self, failure: Failure) {
        self.outcome = Some(failure);
    }
}

impl<R: Report> Drop for Work<R> {
    fn drop(&mut self) {
        let failure = self.outcome.take().unwrap_or_else(span::unfinished);
        self.report.ended(&self.context, self.started.elapsed(), failure.as_ref().map(|(kind, _)| kind));
        span::end(&self.context, &failure);
    }
}
