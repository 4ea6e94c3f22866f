//! The span of one operation, current while the operation runs.
//!
//! OpenTelemetry's [`Context`] can carry a span and further values, but values cost three allocations per request. So the
//! correlation id lives in the span. The API never gives a span back as what it is, so this crate asks with the one call that
//! no span may act upon, setting the status to `Unset`, and an [`Operation`] answers; any other span does nothing.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Event, Link, Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::adopted;
use super::finished::{Finished, Parent, SharedRecord, SpanSink};
use super::tail::Tail;
use crate::correlation::CorrelationId;
use crate::http::ServerRequest;

/// See the module.
#[derive(Debug)]
pub(crate) struct Operation {
    context: SpanContext,
    correlation: CorrelationId,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Nothing is recorded.
    Silent,
    /// Nothing is recorded, unless it ends badly: then what the request said is wanted, and the spans that ended below.
    Root(Option<ServerRequest>, Option<Arc<Tail>>),
    /// Recorded by whoever serves the request.
    Served(SharedRecord),
    /// Recorded.
    Sampled(SharedRecord, Arc<dyn SpanSink>),
    /// Recorded for the local root, which may turn out to be wanted.
    Tailed(SharedRecord, Arc<Tail>, Arc<dyn SpanSink>),
}

/// What a new operation is made of.
pub(crate) struct Opening {
    pub(crate) context: SpanContext,
    pub(crate) parent: Parent,
    pub(crate) kind: SpanKind,
    pub(crate) name: Cow<'static, str>,
    pub(crate) start: SystemTime,
    pub(crate) correlation: CorrelationId,
}

#[derive(Clone, Copy)]
enum Question {
    Correlation(Identity),
    Tail,
    Request,
}

/// What tells current operations apart: another one may come to lie in the same place, and a caller's span may have the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    place: usize,
    span: SpanId,
    /// A caller's span, or none: no operation is behind it.
    is_foreign: bool,
}

thread_local! {
    static QUESTION: Cell<Option<Question>> = const { Cell::new(None) };
    /// The answer of who was asked last: it stays the same, and most of what is asked is asked again.
    static LAST: RefCell<Option<(Identity, CorrelationId)>> = const { RefCell::new(None) };
    static TAIL: Cell<Option<Arc<Tail>>> = const { Cell::new(None) };
    static REQUEST: Cell<Option<ServerRequest>> = const { Cell::new(None) };
}

/// Has the operation whose span is current in `context` put its answer in place, if there is one.
fn ask(context: &Context, question: Question) {
    if context.has_active_span() {
        QUESTION.set(Some(question));
        context.span().set_status(Status::Unset);
        QUESTION.set(None);
    }
}

/// The correlation id of the operation whose span is current in `context`.
pub(crate) fn correlation_of(context: &Context) -> Option<CorrelationId> {
    let identity = Identity::of(context);
    if identity.is_foreign {
        return None;
    }
    let known =
        |wanted| LAST.with_borrow(|last| last.as_ref().filter(|(known, _)| *known == wanted).map(|(_, id)| id.clone()));
    known(identity).or_else(|| {
        ask(context, Question::Correlation(identity));
        known(identity).or_else(|| Some(adopted::get(identity.span)?.correlation))
    })
}

/// Spares this thread the question for the id of the operation whose span is current in `context`.
pub(crate) fn remember(context: &Context, correlation: CorrelationId) {
    LAST.set(Some((Identity::of(context), correlation)));
}

/// Where spans below `context` wait, when its request is not sampled but may yet be wanted.
pub(crate) fn tail_of(context: &Context) -> Option<Arc<Tail>> {
    ask(context, Question::Tail);
    TAIL.take().or_else(|| adopted::get(context.span().span_context().span_id()).and_then(|adopted| adopted.tail))
}

/// Takes what the request said whose span is current in `context` and may turn out to be wanted.
pub(crate) fn request_of(context: &Context) -> Option<ServerRequest> {
    ask(context, Question::Request);
    REQUEST.take()
}

// === impl Identity ===

impl Identity {
    fn of(context: &Context) -> Self {
        let span = context.span();
        let context = span.span_context();
        let is_foreign = context.is_remote() || context.span_id() == SpanId::INVALID;
        Self { place: std::ptr::from_ref(context).addr(), span: context.span_id(), is_foreign }
    }
}

// === impl Operation ===

impl Operation {
    /// An operation that is not recorded.
    pub(crate) fn silent(context: SpanContext, correlation: CorrelationId) -> Self {
        Self { context, correlation, kind: Kind::Silent }
    }

    /// A request that is not recorded, but may turn out to be wanted when it ends.
    pub(super) fn root(context: SpanContext, correlation: CorrelationId, request: ServerRequest) -> Self {
        Self { context, correlation, kind: Kind::Root(Some(request), None) }
    }

    /// An operation whose span is exported when it ends.
    pub(super) fn sampled(opening: Opening, sink: Arc<dyn SpanSink>) -> Self {
        let (context, correlation) = (opening.context.clone(), opening.correlation.clone());
        Self { context, correlation, kind: Kind::Sampled(opening.record(None), sink) }
    }

    /// The same for a request; whoever serves it ends the record.
    pub(super) fn sampled_server(opening: Opening, request: ServerRequest) -> (Self, SharedRecord) {
        let (context, correlation) = (opening.context.clone(), opening.correlation.clone());
        let record = opening.record(Some(request));
        (Self { context, correlation, kind: Kind::Served(record.clone()) }, record)
    }

    /// An operation whose span waits in `tail` when it ends.
    pub(super) fn tailed(opening: Opening, tail: Arc<Tail>, sink: Arc<dyn SpanSink>) -> Self {
        let (context, correlation) = (opening.context.clone(), opening.correlation.clone());
        Self { context, correlation, kind: Kind::Tailed(opening.record(None), tail, sink) }
    }

    fn record(&self) -> Option<&SharedRecord> {
        match &self.kind {
            Kind::Silent | Kind::Root(..) => None,
            Kind::Served(record) | Kind::Sampled(record, _) | Kind::Tailed(record, ..) => Some(record),
        }
    }

    fn answer(&mut self, question: Question) {
        match (question, &mut self.kind) {
            (Question::Correlation(identity), _) => LAST.set(Some((identity, self.correlation.clone()))),
            (Question::Tail, Kind::Root(_, tail)) => TAIL.set(Some(Arc::clone(tail.get_or_insert_default()))),
            (Question::Tail, Kind::Tailed(_, tail, _)) => TAIL.set(Some(Arc::clone(tail))),
            (Question::Tail, Kind::Silent | Kind::Served(_) | Kind::Sampled(..)) => {}
            (Question::Request, Kind::Root(request, _)) => REQUEST.set(request.take()),
            (Question::Request, _) => {}
        }
    }
}

impl Opening {
    /// Of a span that is, or of the `request` that is being served.
    pub(crate) fn record(self, request: Option<ServerRequest>) -> SharedRecord {
        SharedRecord::new(self, request)
    }
}

impl Span for Operation {
    fn add_event_with_timestamp<T>(&mut self, name: T, timestamp: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(record) = self.record() {
            record.event(Event::new(name, timestamp, attributes, 0));
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.record().is_some_and(SharedRecord::is_open)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(record) = self.record() {
            record.attribute(attribute);
        }
    }

    fn set_status(&mut self, status: Status) {
        if status == Status::Unset {
            if let Some(question) = QUESTION.get() {
                self.answer(question);
            }
        } else if let Some(record) = self.record() {
            record.status(status);
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(record) = self.record() {
            record.name(new_name.into());
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(record) = self.record() {
            record.link(Link::new(span_context, attributes, 0));
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        match &self.kind {
            Kind::Root(_, Some(tail)) => tail.forget(),
            Kind::Silent | Kind::Root(_, None) => {}
            // Whoever serves the request knows when it ends, and what there is to tell about it.
            Kind::Served(_) => {}
            Kind::Sampled(record, sink) => {
                if record.end(timestamp) {
                    sink.push(Finished::Own(record.clone()));
                }
            }
            Kind::Tailed(record, tail, sink) => {
                if record.end(timestamp) {
                    tail.push(Finished::Own(record.clone()), &**sink);
                }
            }
        }
    }
}

/// A span that nobody ended has ended when nobody can reach it any more.
impl Drop for Operation {
    fn drop(&mut self) {
        if self.record().is_some_and(SharedRecord::is_open) {
            self.end_with_timestamp(opentelemetry::time::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{TraceFlags, TraceId, TraceState};

    #[test]
    fn operation_answers_for_its_correlation_id_and_other_spans_do_not() {
        let context = SpanContext::new(1.into(), 2.into(), TraceFlags::default(), false, TraceState::NONE);
        let id = CorrelationId::parse("order-42").unwrap();
        let operation = Context::new().with_span(Operation::silent(context.clone(), id.clone()));
        assert_eq!(correlation_of(&operation), Some(id.clone()));
        assert_eq!(correlation_of(&operation.clone()), Some(id));
        let other = CorrelationId::parse("order-43").unwrap();
        let another = SpanContext::new(1.into(), 3.into(), TraceFlags::default(), false, TraceState::NONE);
        let another = Context::new().with_span(Operation::silent(another, other.clone()));
        assert_eq!(
            [&operation, &another, &operation].map(|context| correlation_of(context).unwrap().to_string()),
            ["order-42", "order-43", "order-42"]
        );
        // A message of our own comes back: its span has our id, and may lie where the operation lay.
        let remote = SpanContext::new(1.into(), 3.into(), TraceFlags::default(), true, TraceState::NONE);
        let remote = Context::new().with_remote_span_context(remote);
        remember(&remote, other);
        assert_eq!(correlation_of(&remote), None);
        assert!(tail_of(&operation).is_none());
        assert_eq!(correlation_of(&Context::new().with_remote_span_context(context)), None);
        assert_eq!(correlation_of(&Context::new()), None);
        assert_eq!((TraceId::from(1), SpanId::from(2)), {
            let span = operation.span();
            (span.span_context().trace_id(), span.span_context().span_id())
        });
    }
}
