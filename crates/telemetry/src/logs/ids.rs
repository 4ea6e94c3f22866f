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
            match style.format {
                LogFormat::Json => span.write_json(line),
                LogFormat::Logfmt => {
                    style.word("trace_id", span.hex_trace(&mut [0; 32]), line);
                    style.word("span_id", span.hex_span(&mut [0; 16]), line);
                }
                LogFormat::Pretty => style.word("trace_id", span.hex_trace(&mut [0; 32]), line),
            }
        }
        if let Some(id) = &self.correlation {
            style.word("correlation_id", id.as_str(), line);
        }
    }
}

impl SpanIds {
    /// Both at once: most lines have them.
    #[inline]
    fn write_json(&self, line: &mut String) {
        const TRACE: usize = ",\"trace_id\":\"".len();
        const SPAN: usize = TRACE + 32 + "\",\"span_id\":\"".len();
        let mut text = *b",\"trace_id\":\"00000000000000000000000000000000\",\"span_id\":\"0000000000000000\"";
        traceparent::hex(&self.trace.to_bytes(), &mut text[TRACE..TRACE + 32]);
        traceparent::hex(&self.span.to_bytes(), &mut text[SPAN..SPAN + 16]);
        line.push_str(std::str::from_utf8(&text).unwrap_or_default());
    }

    fn hex_trace<'a>(&self, out: &'a mut [u8; 32]) -> &'a str {
        traceparent::hex(&self.trace.to_bytes(), out);
        std::str::from_utf8(out).unwrap_or_default()
    }

    fn hex_span<'a>(&self, out: &'a mut [u8; 16]) -> &'a str {
        traceparent::hex(&self.span.to_bytes(), out);
        std::str::from_utf8(out).unwrap_or_default()
    }
}
