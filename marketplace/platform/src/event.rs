//! Events: CloudEvents 1.0 in binary mode, the attributes in message headers and JSON data as the body.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock;

/// The CloudEvents version in use.
pub const SPEC_VERSION: &str = "1.0";

/// Content type of every event's body.
pub const CONTENT_TYPE: &str = "application/json";

/// Prefix of the CloudEvents attributes among the headers of an AMQP message.
pub const HEADER_PREFIX: &str = "cloudEvents:";

/// Data that is the body of one type of event.
///
/// A producer implements it for what it sends; a consumer for its own view of it, with only the fields that it reads.
///
/// # Examples
///
/// ```
/// use platform::{Event, EventType};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct LampLit { room: String }
/// impl EventType for LampLit { const TYPE: &'static str = "house.lamp-lit.v1"; }
///
/// let event = Event::new("lamp-7", &LampLit { room: "hall".into() })?;
/// assert_eq!(event.source, "/marketplace/house");
/// assert_eq!(event.data::<LampLit>()?.room, "hall");
/// # Ok::<(), platform::EventError>(())
/// ```
pub trait EventType {
    /// `<service>.<fact-in-past-tense>.v<N>`; also the routing key.
    const TYPE: &'static str;
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// UUIDv7: the identity of the event, the idempotency key of its effects, and the AMQP message id.
    pub id: String,
    /// `<service>.<fact-in-past-tense>.v<N>`.
    pub event_type: String,
    /// The producer: `/marketplace/<service>`.
    pub source: String,
    /// Id of the aggregate that the event speaks of; events of one subject stay in order.
    pub subject: String,
    /// When it happened: RFC 3339.
    pub time: String,
    /// The body, as JSON text.
    pub body: String,
}

/// Why data is no event, or an event's body not the expected data.
#[derive(Debug, thiserror::Error)]
#[error("event `{event_type}`: {source}")]
pub struct EventError {
    event_type: String,
    source: serde_json::Error,
}

impl Event {
    /// A new event about the aggregate `subject`, with a new id and the time of now.
    ///
    /// # Errors
    ///
    /// Fails when `data` cannot be written as JSON (a map whose keys are no texts).
    pub fn new<T: EventType + Serialize>(subject: impl Into<String>, data: &T) -> Result<Self, EventError> {
        let body =
            serde_json::to_string(data).map_err(|source| EventError { event_type: T::TYPE.to_owned(), source })?;
        let service = T::TYPE.split('.').next().unwrap_or_default();
        Ok(Self {
            id: clock::new_id(),
            event_type: T::TYPE.to_owned(),
            source: format!("/marketplace/{service}"),
            subject: subject.into(),
            time: clock::now(),
            body,
        })
    }

    /// The body as `T`.
    ///
    /// # Errors
    ///
    /// Fails, naming field and position, when the body is not what `T` reads.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, EventError> {
        serde_json::from_str(&self.body).map_err(|source| EventError { event_type: self.event_type.clone(), source })
    }

    /// The CloudEvents attributes as message headers, names with their prefix.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, &str); 6] {
        [
            ("cloudEvents:specversion", SPEC_VERSION),
            ("cloudEvents:id", &self.id),
            ("cloudEvents:type", &self.event_type),
            ("cloudEvents:source", &self.source),
            ("cloudEvents:subject", &self.subject),
            ("cloudEvents:time", &self.time),
        ]
    }

    /// Puts an event together from received headers and body; `header` looks a header up by its full name.
    ///
    /// # Errors
    ///
    /// Names the first attribute that is missing or wrong, or says why the body is no JSON.
    pub fn from_parts<'h>(header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Result<Self, MalformedEvent> {
        let attribute = |name: &'static str| {
            header(&format!("{HEADER_PREFIX}{name}"))
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .ok_or(MalformedEvent::Missing(name))
        };
        let version = attribute("specversion")?;
        if version != SPEC_VERSION {
            return Err(MalformedEvent::Version(version));
        }
        let body = std::str::from_utf8(body).map_err(|_| MalformedEvent::NotUtf8)?;
        serde_json::from_str::<serde::de::IgnoredAny>(body).map_err(MalformedEvent::NotJson)?;
        Ok(Self {
            id: attribute("id")?,
            event_type: attribute("type")?,
            source: attribute("source")?,
            subject: attribute("subject")?,
            time: attribute("time")?,
            body: body.to_owned(),
        })
    }
}

/// Why a message is no event.
#[derive(Debug, thiserror::Error)]
pub enum MalformedEvent {
    /// A mandatory attribute is missing or empty.
    #[error("header `{HEADER_PREFIX}{0}` is missing or empty")]
    Missing(&'static str),
    /// Another version of CloudEvents.
    #[error("CloudEvents version `{0}`: expected `{SPEC_VERSION}`")]
    Version(String),
    /// The body is no text.
    #[error("body is not UTF-8: expected JSON")]
    NotUtf8,
    /// The body is no JSON.
    #[error("body is not JSON: {0}")]
    NotJson(serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, serde::Deserialize, Debug, PartialEq)]
    struct Lit {
        room: String,
    }
    impl EventType for Lit {
        const TYPE: &'static str = "house.lamp-lit.v1";
    }

    #[test]
    fn event_survives_its_message_form() {
        let event = Event::new("lamp-1", &Lit { room: "hall".into() }).unwrap();
        let headers = event.headers();
        let find = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        assert_eq!(Event::from_parts(find, event.body.as_bytes()).unwrap(), event);
    }

    #[test]
    fn malformed_message_names_what_is_wrong() {
        let event = Event::new("lamp-1", &Lit { room: "hall".into() }).unwrap();
        let headers = event.headers();
        let without = |gone: &'static str| {
            move |name: &str| headers.iter().find(|(key, _)| *key == name && *key != gone).map(|(_, value)| *value)
        };
        let error = Event::from_parts(without("cloudEvents:id"), b"{}").unwrap_err();
        assert_eq!(error.to_string(), "header `cloudEvents:id` is missing or empty");
        let error = Event::from_parts(without(""), b"{").unwrap_err();
        assert!(error.to_string().starts_with("body is not JSON: "), "{error}");
        assert!(matches!(Event::from_parts(without(""), &[0xff]), Err(MalformedEvent::NotUtf8)));
    }
}
