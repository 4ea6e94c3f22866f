//! The compact form in which telemetry is kept.

use std::sync::Arc;

use super::ids::{SpanId, TraceId};
use super::value::Attributes;

/// The span attribute that carries the correlation id.
pub const CORRELATION_ATTRIBUTE: &str = "app.correlation_id";
/// The span attribute that carries the id of the message sent or handled.
pub const MESSAGE_ID_ATTRIBUTE: &str = "messaging.message.id";

/// Who emitted: one process of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `service.name`, or `unknown_service`.
    pub service: Arc<str>,
    /// All resource attributes.
    pub attributes: Attributes,
}

impl Resource {
    /// A resource that has nothing but the name of its service.
    pub fn named(service: &str) -> Arc<Self> {
        Arc::new(Self { service: service.into(), attributes: Attributes::from([("service.name", service)]) })
    }
}

/// The role of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Work inside of a service.
    Internal,
    /// Handling of a request.
    Server,
    /// A request to another service.
    Client,
    /// Sending of a message.
    Producer,
    /// Handling of a message.
    Consumer,
}

impl SpanKind {
    /// The name in lower case, as written in selectors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The kind of this number in OTLP; unknown numbers are unspecified, as the protocol asks.
    pub fn from_number(number: i32) -> Self {
        [Self::Unspecified, Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer]
            .get(usize::try_from(number).unwrap_or(0))
            .copied()
            .unwrap_or_default()
    }
}

/// How a span ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpanStatus {
    /// Not said.
    #[default]
    Unset,
    /// Declared good.
    Ok,
    /// Failed.
    Error,
}

impl SpanStatus {
    /// The name in lower case, as written in selectors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// A reference from a span to another span, usually of another trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Trace of the span that is referred to.
    pub trace_id: TraceId,
    /// The span that is referred to.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: Attributes,
}

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What.
    pub name: Arc<str>,
    /// Details.
    pub attributes: Attributes,
}

/// One operation of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Trace that it belongs to.
    pub trace_id: TraceId,
    /// Its identifier.
    pub span_id: SpanId,
    /// The span that caused it, within the same trace; none for a root.
    pub parent: Option<SpanId>,
    /// Who emitted it.
    pub resource: Arc<Resource>,
    /// Name of the instrumentation scope.
    pub scope: Arc<str>,
    /// Name of the operation.
    pub name: Arc<str>,
    /// Its role.
    pub kind: SpanKind,
    /// Start in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// End in nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// How it ended.
    pub status: SpanStatus,
    /// What the status says, where it says something.
    pub status_message: Box<str>,
    /// Details.
    pub attributes: Attributes,
    /// References to other spans.
    pub links: Box<[Link]>,
    /// What happened during it.
    pub events: Box<[Event]>,
    /// Attributes, events and links that the emitting process left out for want of room.
    pub dropped: u32,
}

impl Span {
    /// Name of the service that emitted it.
    pub fn service(&self) -> &str {
        &self.resource.service
    }

    /// Duration in nanoseconds; zero when it ends before it starts.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    /// The correlation id that it carries.
    pub fn correlation_id(&self) -> Option<&str> {
        self.attributes.text(CORRELATION_ATTRIBUTE)
    }

    /// The message that it sent or handled.
    pub fn message_id(&self) -> Option<&str> {
        self.attributes.text(MESSAGE_ID_ATTRIBUTE)
    }

    /// Bytes that it occupies, roughly.
    pub(crate) fn weight(&self) -> usize {
        let links: usize = self.links.iter().map(|link| size_of::<Link>() + link.attributes.weight()).sum();
        let events: usize = self.events.iter().map(|event| size_of::<Event>() + event.attributes.weight()).sum();
        // The indexes hold about as much again as the bare structure.
        2 * size_of::<Self>() + self.attributes.weight() + links + events + self.status_message.len()
    }
}

/// Severity of a log record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not said.
    #[default]
    Unspecified,
    /// Finest detail.
    Trace,
    /// Detail for developers.
    Debug,
    /// Normal operation.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
    /// The process cannot go on.
    Fatal,
}

impl Level {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level of a name in any case (`WARN`, `warning`, `err`, `critical`); unknown names are unspecified.
    pub fn from_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" | "information" | "notice" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" => Self::Error,
            "fatal" | "critical" | "panic" | "emergency" | "alert" => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// The level of an OTLP severity number (1-24, four steps for each level).
    pub fn from_severity(number: i32) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// The lowest OTLP severity number of this level.
    pub fn severity(self) -> i32 {
        match self {
            Self::Unspecified => 0,
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        }
    }
}

/// Where a log record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogSource {
    /// Sent over OTLP.
    Otlp,
    /// A line of the service's standard output; its number, counted from 1.
    Line(u64),
}

/// One log record.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// Who wrote it.
    pub resource: Arc<Resource>,
    /// Where it came from.
    pub source: LogSource,
    /// When, in nanoseconds since the Unix epoch; zero when it does not say.
    pub time_ns: u64,
    /// Severity.
    pub level: Level,
    /// What it says.
    pub message: Box<str>,
    /// Trace in which it was written.
    pub trace_id: Option<TraceId>,
    /// Span in which it was written.
    pub span_id: Option<SpanId>,
    /// Correlation id that it carries.
    pub correlation_id: Option<Box<str>>,
    /// All other fields.
    pub fields: Attributes,
}

impl LogRecord {
    /// Name of the service that wrote it.
    pub fn service(&self) -> &str {
        &self.resource.service
    }

    pub(crate) fn weight(&self) -> usize {
        let correlation = self.correlation_id.as_deref().map_or(0, str::len);
        2 * size_of::<Self>() + self.message.len() + correlation + self.fields.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_survive_names_and_severity_numbers() {
        for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal] {
            assert_eq!(Level::from_name(level.name()), level);
            assert_eq!(Level::from_severity(level.severity()), level);
        }
        assert!(Level::Warn < Level::Error);
    }
}
