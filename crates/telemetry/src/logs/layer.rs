//! The layer that turns events into lines.
//!
//! A span's fields are encoded when it is made and copied into each line written inside it. Buffers belong to the thread, so a
//! line costs no allocation once they have grown.

use std::cell::RefCell;
use std::fmt::Write;
use std::ops::Range;
use std::time::SystemTime;

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::encode::{self, Scalar};
use super::fields::Fields;
use super::timestamp;
use super::writer::Writer;
use crate::context::traceparent;
use crate::correlation::{self, CorrelationId};
use crate::settings::LogFormat;

/// Who writes: in every line.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) instance: String,
}

pub(super) struct LogLayer {
    format: LogFormat,
    writer: Writer,
    /// Service, version and instance, encoded once.
    service: String,
}

/// What a tracing span contributes to the lines inside it.
#[derive(Default)]
struct SpanFields {
    text: String,
    fields: Vec<(&'static str, Range<usize>)>,
    ids: Ids,
}

/// The ids in force.
#[derive(Default, Clone)]
struct Ids {
    span: Option<SpanContext>,
    correlation: Option<CorrelationId>,
}

#[derive(Default)]
struct Buffers {
    line: String,
    message: String,
    event: String,
    scratch: String,
    seen: Vec<&'static str>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

// === impl Ids ===

impl Ids {
    fn current() -> Self {
        OtelContext::map_current(|context| Self {
            span: Some(context.span().span_context()).filter(|span| span.is_valid()).cloned(),
            correlation: correlation::of(context),
        })
    }

    fn is_empty(&self) -> bool {
        self.span.is_none() && self.correlation.is_none()
    }
}

// === impl SpanFields ===

impl SpanFields {
    fn record(&mut self, format: LogFormat, record: impl FnOnce(&mut Fields<'_>)) {
        let mut scratch = String::new();
        let mut starts: Vec<(&'static str, usize)> = Vec::new();
        record(&mut Fields {
            format,
            out: &mut self.text,
            message: None,
            scratch: &mut scratch,
            seen: &mut |name, at| starts.push((name, at)),
        });
        for (at, (name, start)) in starts.iter().enumerate() {
            let end = starts.get(at + 1).map_or(self.text.len(), |(_, next)| *next);
            // A value recorded later replaces the earlier one.
            self.fields.retain(|(known, _)| known != name);
            self.fields.push((name, *start..end));
        }
    }
}

// === impl LogLayer ===

impl LogLayer {
    pub(super) fn new(service: Service, format: LogFormat, writer: Writer) -> Self {
        let mut encoded = String::new();
        if format != LogFormat::Pretty {
            for (key, value) in
                [("service", &service.name), ("version", &service.version), ("instance", &service.instance)]
            {
                encode::pair(format, key, Scalar::Text(value), &mut encoded);
            }
        }
        Self { format, writer, service: encoded }
    }

    fn start(&self, metadata: &Metadata<'_>, message: &str, line: &mut String) {
        let level = metadata.level().as_str();
        match self.format {
            LogFormat::Json => {
                line.push_str("{\"timestamp\":\"");
                timestamp::write(SystemTime::now(), line);
                line.push_str("\",\"level\":\"");
                line.push_str(level);
                line.push_str("\",\"target\":");
                encode::quoted(metadata.target(), line);
                line.push_str(",\"message\":");
                encode::quoted(message, line);
            }
            LogFormat::Logfmt => {
                line.push_str("timestamp=");
                timestamp::write(SystemTime::now(), line);
                line.push_str(" level=");
                line.push_str(level);
                line.push_str(" target=");
                encode::bare(metadata.target(), line);
                line.push_str(" message=");
                encode::bare(message, line);
            }
            LogFormat::Pretty => {
                let date = line.len();
                timestamp::write(SystemTime::now(), line);
                line.replace_range(date..date + "2026-11-21T".len(), "");
                // A message with line breaks stays in one piece here: it is read by a human.
                let _ = write!(line, " {level:>5} {} {message}", metadata.target());
            }
        }
        line.push_str(&self.service);
    }

    fn ids(&self, ids: &Ids, line: &mut String) {
        if let Some(span) = &ids.span {
            let mut hex = [0; 48];
            traceparent::hex(&span.trace_id().to_bytes(), &mut hex[..32]);
            traceparent::hex(&span.span_id().to_bytes(), &mut hex[32..]);
            let hex = std::str::from_utf8(&hex).unwrap_or_default();
            encode::pair(self.format, "trace_id", Scalar::Text(&hex[..32]), line);
            if self.format != LogFormat::Pretty {
                encode::pair(self.format, "span_id", Scalar::Text(&hex[32..]), line);
            }
        }
        if let Some(id) = &ids.correlation {
            encode::pair(self.format, "correlation_id", Scalar::Text(id.as_str()), line);
        }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields { ids: Ids::current(), ..SpanFields::default() };
        fields.record(self.format, |visitor| attributes.record(visitor));
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            fields.record(self.format, |visitor| values.record(visitor));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // A `Debug` implementation that logs comes here while the buffers are in use, and gets its own.
        BUFFERS.with(|buffers| match buffers.try_borrow_mut() {
            Ok(mut buffers) => self.write(event, &context, &mut buffers),
            Err(_) => self.write(event, &context, &mut Buffers::default()),
        });
    }
}

impl LogLayer {
    fn write<S>(&self, event: &Event<'_>, context: &Context<'_, S>, buffers: &mut Buffers)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Buffers { line, message, event: fields, scratch, seen } = buffers;
        [&mut *line, &mut *message, &mut *fields].into_iter().for_each(String::clear);
        seen.clear();
        event.record(&mut Fields {
            format: self.format,
            out: fields,
            message: Some(message),
            scratch,
            seen: &mut |name, _| seen.push(name),
        });
        self.start(event.metadata(), message, line);

        let mut ids = Ids::current();
        // Outside of any operation, the innermost span that was made inside one knows which it was.
        let scope = || context.event_scope(event).into_iter().flatten();
        if ids.is_empty() {
            let known = scope().find_map(|span| {
                let extensions = span.extensions();
                extensions.get::<SpanFields>().map(|fields| fields.ids.clone()).filter(|ids| !ids.is_empty())
            });
            ids = known.unwrap_or_default();
        }
        self.ids(&ids, line);

        for span in scope() {
            let extensions = span.extensions();
            let Some(span) = extensions.get::<SpanFields>() else { continue };
            for (name, range) in &span.fields {
                // The innermost value of a key is the one that is true here.
                if !seen.contains(name) {
                    seen.push(name);
                    line.push_str(&span.text[range.clone()]);
                }
            }
        }
        line.push_str(fields);
        line.push_str(if self.format == LogFormat::Json { "}\n" } else { "\n" });
        self.writer.write(line);
    }
}
