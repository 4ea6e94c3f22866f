//! The compact form in which telemetry is kept.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The span attribute that carries the correlation id.
pub const CORRELATION_ATTRIBUTE: &str = "app.correlation_id";
/// The span attribute that carries the id of the message sent or handled.
pub const MESSAGE_ID_ATTRIBUTE: &str = "messaging.message.id";

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $number:ty, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Length in bytes.
            pub const BYTES: usize = $digits / 2;

            /// The identifier of this number; none for zero, which is not a valid identifier.
            pub fn new(number: $number) -> Option<Self> {
                (number != 0).then_some(Self(number))
            }

            /// The identifier in big-endian bytes; none when the length is wrong or all bytes are zero.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Self::new(<$number>::from_be_bytes(bytes.try_into().ok()?))
            }

            /// The identifier as a number.
            pub fn number(self) -> $number {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.len() == $digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let number = if digits { <$number>::from_str_radix(text, 16).ok() } else { None };
                number.and_then(Self::new).ok_or_else(|| InvalidId { text: text.chars().take(64).collect(), digits: $digits })
            }
        }
    };
}

identifier!(
    /// Identifier of a trace: 16 bytes, not all zero. Shown as 32 hexadecimal digits.
    TraceId, u128, 32
);
identifier!(
    /// Identifier of a span within its trace: 8 bytes, not all zero. Shown as 16 hexadecimal digits.
    SpanId, u64, 16
);

/// A text that is not a trace or span id.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{text}` is not an id: expected {digits} hexadecimal digits, not all zero")]
pub struct InvalidId {
    text: String,
    digits: usize,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Empty,
    /// Text.
    Str(Box<str>),
    /// True or false.
    Bool(bool),
    /// Signed whole number.
    Int(i64),
    /// Floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A list.
    Array(Box<[Value]>),
    /// Named values.
    Map(Attributes),
}

impl Value {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values
                .iter()
                .map(|value| size_of::<Self>() + value.weight())
                .sum(),
            Self::Map(attributes) => attributes.weight(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Str(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(attributes) => write!(f, "{attributes}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// Named values, in the order in which they were sent. Keys are shared between spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Box<[(Arc<str>, Value)]>);

impl Attributes {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| **name == *key)
            .map(|(_, value)| value)
    }

    /// The text under a key, if it is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn weight(&self) -> usize {
        self.0
            .iter()
            .map(|(_, value)| size_of::<(Arc<str>, Value)>() + value.weight())
            .sum()
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl FromIterator<(Arc<str>, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Attributes {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs
            .into_iter()
            .map(|(key, value)| (Arc::from(key), Value::from(value)))
            .collect()
    }
}

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
        Arc::new(Self {
            service: service.into(),
            attributes: Attributes::from([("service.name", service)]),
        })
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
        [
            Self::Unspecified,
            Self::Internal,
            Self::Server,
            Self::Client,
            Self::Producer,
            Self::Consumer,
        ]
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
        let links: usize = self
            .links
            .iter()
            .map(|link| size_of::<Link>() + link.attributes.weight())
            .sum();
        let events: usize = self
            .events
            .iter()
            .map(|event| size_of::<Event>() + event.attributes.weight())
            .sum();
        // The indexes hold about as much again as the bare structure.
        2 * size_of::<Self>()
            + self.attributes.weight()
            + links
            + events
            + self.status_message.len()
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
    fn ids_round_trip_as_text_and_reject_zero_and_garbage() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().expect("valid").to_string(), text);
        assert!(
            "00000000000000000000000000000000"
                .parse::<TraceId>()
                .is_err()
        );
        assert!(
            "+af7651916cd43dd8448eb211c80319c"
                .parse::<TraceId>()
                .is_err()
        );
        let error = "xyz".parse::<SpanId>().expect_err("not hexadecimal");
        assert_eq!(
            error.to_string(),
            "`xyz` is not an id: expected 16 hexadecimal digits, not all zero"
        );
        assert_eq!(SpanId::from_bytes(&[0; 8]), None);
        assert_eq!(SpanId::from_bytes(&[1; 7]), None);
    }

    #[test]
    fn levels_survive_names_and_severity_numbers() {
        for level in [
            Level::Trace,
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
            Level::Fatal,
        ] {
            assert_eq!(Level::from_name(level.name()), level);
            assert_eq!(Level::from_severity(level.severity()), level);
        }
        assert!(Level::Warn < Level::Error);
    }
}
