//! Which operation a line belongs to.

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceFlags, TraceId};
use uuid::Uuid;

use super::encode::{Scalar, Style};
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
        if style.format == LogFormat::Json {
            return self.write_json(line);
        }
        if let Some(span) = &self.span {
            style.pair("trace_id", Scalar::Plain(span.hex_trace(&mut [0; 32])), line);
            if style.format == LogFormat::Logfmt {
                style.pair("span_id", Scalar::Plain(span.hex_span(&mut [0; 32])), line);
            }
        }
        if let Some(id) = &self.correlation {
            style.pair("correlation_id", Scalar::Plain(id.as_str()), line);
        }
    }

    /// In as few steps as possible: most lines have all of them.
    #[inline]
    fn write_json(&self, line: &mut String) {
        if let Some(span) = &self.span {
            line.push_str(",\"trace_id\":\"");
            line.push_str(span.hex_trace(&mut [0; 32]));
            line.push_str("\",\"span_id\":\"");
            line.push_str(span.hex_span(&mut [0; 32]));
            line.push('"');
        }
        if let Some(id) = &self.correlation {
            line.push_str(",\"correlation_id\":\"");
            line.push_str(id.as_str());
            line.push('"');
        }
    }
}

impl SpanIds {
    fn hex_trace<'a>(&self, out: &'a mut [u8; 32]) -> &'a str {
        Uuid::from_bytes(self.trace.to_bytes()).simple().encode_lower(out)
    }

    /// In the first half of a UUID: unlike our own hexadecimal, it need not be shown to be UTF-8.
    fn hex_span<'a>(&self, out: &'a mut [u8; 32]) -> &'a str {
        let span = u128::from(u64::from_be_bytes(self.span.to_bytes()));
        &Uuid::from_u128(span << 64).simple().encode_lower(out)[..16]
    }
}
