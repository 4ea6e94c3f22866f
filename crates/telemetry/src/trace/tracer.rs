//! Opens operations: decides once per trace and process, then follows that decision.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState, Tracer};

use super::finished::{Parent, SharedRecord, SpanSink};
use super::operation::{Opening, Operation, tail_of};
use super::{Moment, Sampler, ids};
use crate::correlation::{self, CorrelationId};
use crate::http::ServerRequest;

/// The tracer of everything this crate observes itself.
#[derive(Debug)]
pub(crate) struct OperationTracer {
    sampler: Arc<Sampler>,
    /// `None` when nothing is exported: then nothing is recorded either.
    sink: Option<Arc<dyn SpanSink>>,
    /// Whether requests that were not sampled are wanted when they fail or are slow.
    tail: bool,
}

/// What becomes of the span of a request.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// Nothing.
    No,
    /// It is exported.
    Yes(SharedRecord),
    /// It is exported if the request ends badly.
    Perhaps,
}

impl OperationTracer {
    pub(crate) fn new(sampler: Arc<Sampler>, sink: Option<Arc<dyn SpanSink>>, tail: bool) -> Self {
        Self { sampler, sink, tail }
    }

    pub(crate) fn sink(&self) -> Option<&Arc<dyn SpanSink>> {
        self.sink.as_ref()
    }

    /// Opens the operation of a request whose caller sent `parent`, in `context`; `request` tells the rest, if it may be told.
    pub(crate) fn serve(
        &self,
        context: &Context,
        parent: &SpanContext,
        name: &'static str,
        started: Moment,
        correlation: CorrelationId,
        request: impl FnOnce(Parent) -> ServerRequest,
    ) -> (Context, Recorded) {
        let (span, sampled) = self.span(parent);
        let parent = Parent::from(parent);
        match &self.sink {
            Some(_) if sampled => {
                let opening = Opening {
                    context: span,
                    parent,
                    kind: SpanKind::Server,
                    name: name.into(),
                    start: started.wall(),
                    correlation,
                };
                let (operation, record) = Operation::sampled_server(opening, request(parent));
                (context.with_span(operation), Recorded::Yes(record))
            }
            Some(_) if self.tail => {
                (context.with_span(Operation::root(span, correlation, request(parent))), Recorded::Perhaps)
            }
            _ => (context.with_span(Operation::silent(span, correlation)), Recorded::No),
        }
    }

    /// The span of a request that is exported although its trace is not sampled.
    pub(crate) fn kept(
        &self,
        span: &SpanContext,
        request: ServerRequest,
        name: &'static str,
        started: Moment,
        correlation: CorrelationId,
    ) -> SharedRecord {
        let flags = span.trace_flags().with_sampled(true);
        let context = SpanContext::new(span.trace_id(), span.span_id(), flags, false, span.trace_state().clone());
        let (kind, name, start) = (SpanKind::Server, name.into(), started.wall());
        Opening { context, parent: request.parent, kind, name, start, correlation }.record(Some(request))
    }

    /// The identity of a new span below `parent`, and whether it is sampled.
    fn span(&self, parent: &SpanContext) -> (SpanContext, bool) {
        let known = parent.is_valid();
        let (trace_id, span_id) = ids::span(known.then(|| parent.trace_id()));
        let sampled = if known && !parent.is_remote() {
            parent.is_sampled()
        } else {
            self.sampler.samples(known.then_some(parent), trace_id)
        };
        let state = if known { parent.trace_state().clone() } else { TraceState::NONE };
        let flags = TraceFlags::default().with_sampled(sampled);
        (SpanContext::new(trace_id, span_id, flags, false, state), sampled)
    }
}

/// The same interface as any other tracer's; the correlation id is that of the parent context.
impl Tracer for OperationTracer {
    type Span = Operation;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Operation {
        let correlation = correlation::of(parent).unwrap_or_else(CorrelationId::generate);
        let span = parent.span();
        let above = span.span_context();
        if parent.is_telemetry_suppressed() {
            // Somebody's own machinery, such as a readiness check: in no trace, and not a root of its own either.
            let (trace, span) = ids::span(None);
            let context = SpanContext::new(trace, span, TraceFlags::default(), false, TraceState::NONE);
            return Operation::silent(context, correlation);
        }
        let (context, sampled) = self.span(above);
        let local = above.is_valid() && !above.is_remote();
        let opening = Opening {
            context,
            parent: above.into(),
            kind: builder.span_kind.unwrap_or(SpanKind::Internal),
            name: builder.name,
            start: builder.start_time.unwrap_or_else(|| Moment::now().wall()),
            correlation,
        };
        let Some(sink) = &self.sink else { return Operation::silent(opening.context, opening.correlation) };
        let mut operation = if sampled {
            Operation::sampled(opening, Arc::clone(sink))
        } else {
            match tail_of(parent).filter(|_| local) {
                Some(tail) => Operation::tailed(opening, tail, Arc::clone(sink)),
                None => return Operation::silent(opening.context, opening.correlation),
            }
        };
        use opentelemetry::trace::Span;
        operation.set_attributes(builder.attributes.unwrap_or_default());
        for Link { span_context, attributes, .. } in builder.links.unwrap_or_default() {
            operation.add_link(span_context, attributes);
        }
        for event in builder.events.unwrap_or_default() {
            operation.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
        operation
    }
}
