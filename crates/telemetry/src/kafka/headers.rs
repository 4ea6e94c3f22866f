//! The context in the headers of a record.

use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders};

use crate::context::MessageContext;
use crate::correlation;

/// Names of the headers a context is made of.
const NAMES: [&str; 4] = ["traceparent", "tracestate", "baggage", correlation::HEADER];

/// The headers with those of `context` in place of whatever had the same names.
///
/// Kafka's headers are a list, which may hold a name twice, so they are built anew.
///
/// ```
/// use rdkafka::message::Headers;
/// use telemetry::context::MessageContext;
/// use telemetry::kafka::inject;
///
/// let mut context = MessageContext::default();
/// context.correlation_id = Some("order-42".into());
/// let headers = inject(&context, Some(inject(&context, None)));
/// assert_eq!(headers.count(), 1);
/// ```
#[must_use]
pub fn inject(context: &MessageContext, headers: Option<OwnedHeaders>) -> OwnedHeaders {
    let known = headers.as_ref().map_or(0, Headers::count);
    let mut all = OwnedHeaders::new_with_capacity(known + NAMES.len());
    for header in headers.iter().flat_map(Headers::iter) {
        if !NAMES.iter().any(|name| header.key.eq_ignore_ascii_case(name)) {
            all = all.insert(Header { key: header.key, value: header.value });
        }
    }
    context.headers().fold(all, |all, (key, value)| all.insert(Header { key, value: Some(value) }))
}

/// Reads the context of a message; of a header that is there twice the last one, which was added last.
#[must_use]
pub fn extract(message: &impl Message) -> MessageContext {
    let text = |name: &str| {
        let headers = message.headers()?;
        let named = headers.iter().filter(|header| header.key.eq_ignore_ascii_case(name)).last()?;
        std::str::from_utf8(named.value?).ok().map(str::to_owned)
    };
    let [traceparent, tracestate, baggage, correlation_id] = NAMES.map(text);
    MessageContext { traceparent, tracestate, baggage, correlation_id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp;
    use rdkafka::message::OwnedMessage;

    #[test]
    fn injected_context_replaces_what_was_there_and_other_headers_stay() {
        let context = |id: &str| MessageContext { correlation_id: Some(id.into()), ..Default::default() };
        let own = OwnedHeaders::new()
            .insert(Header { key: "type", value: Some("order") })
            .insert(Header { key: "X-Correlation-ID", value: Some("stale") })
            .insert(Header::<&str> { key: "empty", value: None });
        let headers = inject(&context("second"), Some(inject(&context("first"), Some(own))));
        let names: Vec<_> = headers.iter().map(|header| header.key.to_owned()).collect();
        assert_eq!(names, ["type", "empty", "x-correlation-id"]);
        let message = |headers| OwnedMessage::new(None, None, "t".into(), Timestamp::NotAvailable, 0, 0, Some(headers));
        assert_eq!(extract(&message(headers.clone())), context("second"));
        let twice = headers.insert(Header { key: "x-correlation-id", value: Some("latest") });
        assert_eq!(extract(&message(twice)), context("latest"));
        let garbage = OwnedHeaders::new().insert(Header { key: "traceparent", value: Some(&[0xff_u8, 0xfe][..]) });
        assert_eq!(extract(&message(garbage)), MessageContext::default());
    }
}
