//! Which operation a line belongs to.

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceFlags, TraceId};

use super::encode::Style;
use crate::context::traceparent;
use crate::correlation::{self, CorrelationId};
use crate::settings::LogFormat;

/// The ids in force.
#[derive(Debug, Default, Clone)]
pub(super) struct Ids {
    pub(super) span: Option<SpanIds>,
    pub(super) correlation: Option<CorrelationId>,
}

/// What a line needs of a span context.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanIds {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) flags: TraceFlags,
}

impl Ids {
    /// Those of the operation that is running on this thread.
    #[inline]
    pub(super) fn current() -> Self {
        OtelContext::map_current(|context| {
            let span = context.span();
            let span = span.span_context();
            let ids = || SpanIds { trace: span.trace_id(), span: span.span_id(), flags: span.trace_flags() };
            Self { span: span.is_valid().then(ids), correlation: correlation::of(context) }
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.span.is_none() && self.correlation.is_none()
    }

    #[inline]
    pub(super) fn write(&self, style: Style, line: &mut String) {
        if let Some(span) = &self.span {
            let mut hex = [0; 48];
            traceparent::hex(&span.trace.to_bytes(), &mut hex[..32]);
            traceparent::hex(&span.span.to_bytes(), &mut hex[32..]);
            let hex = std::str::from_utf8(&hex).unwrap_or_default();
            style.word("trace_id", &hex[..32], line);
            if style.format != LogFormat::Pretty {
                style.word("span_id", &hex[32..], line);
            }
        }
        if let Some(id) = &self.correlation {
            style.word("correlation_id", id.as_str(), line);
        }
    }
}
