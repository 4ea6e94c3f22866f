//! The context in message headers: written as long strings, read from whatever other clients write.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::context::MessageContext;
use crate::correlation;

/// Writes the context into `headers`, replacing what was there under the same names.
///
/// For clients other than [`publish`](super::publish), which does it by itself.
///
/// ```
/// use lapin::BasicProperties;
/// use lapin::types::FieldTable;
/// use telemetry::context::MessageContext;
/// use telemetry::messaging::{extract, inject};
///
/// let mut context = MessageContext::default();
/// context.correlation_id = Some("order-42".into());
/// let mut headers = FieldTable::default();
/// inject(&context, &mut headers);
/// assert_eq!(extract(&BasicProperties::default().with_headers(headers)), context);
/// ```
pub fn inject(context: &MessageContext, headers: &mut FieldTable) {
    for (name, value) in context.headers() {
        headers.insert(ShortString::from(name), AMQPValue::LongString(value.into()));
    }
}

/// Reads the context of a message; AMQP's own `correlation_id` stands in for a missing header.
#[must_use]
pub fn extract(properties: &BasicProperties) -> MessageContext {
    let header = |name: &str| properties.headers().as_ref().and_then(|table| text(table.inner().get(name)?));
    MessageContext {
        traceparent: header("traceparent"),
        tracestate: header("tracestate"),
        baggage: header("baggage"),
        correlation_id: header(correlation::HEADER)
            .or_else(|| properties.correlation_id().as_ref().map(|id| id.as_str().to_owned())),
    }
}

/// A text in whichever of AMQP's types it came.
pub(super) fn text(value: &AMQPValue) -> Option<String> {
    let bytes = match value {
        AMQPValue::LongString(text) => text.as_bytes(),
        AMQPValue::ShortString(text) => text.as_str().as_bytes(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice(),
        _ => return None,
    };
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::ByteArray;

    #[test]
    fn any_text_type_is_read_and_long_strings_are_written() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = MessageContext { traceparent: Some(parent.into()), ..Default::default() };
        let mut written = FieldTable::default();
        inject(&context, &mut written);
        assert_eq!(written.inner().get("traceparent"), Some(&AMQPValue::LongString(parent.into())));

        for value in [
            AMQPValue::LongString(parent.into()),
            AMQPValue::ShortString(parent.into()),
            AMQPValue::ByteArray(ByteArray::from(parent.as_bytes().to_vec())),
        ] {
            let mut headers = FieldTable::default();
            headers.insert("traceparent".into(), value);
            assert_eq!(extract(&BasicProperties::default().with_headers(headers)), context);
        }
    }

    #[test]
    fn own_header_wins_over_the_amqp_property() {
        let properties = BasicProperties::default().with_correlation_id("from-property".into());
        assert_eq!(extract(&properties).correlation_id.as_deref(), Some("from-property"));
        let mut headers = FieldTable::default();
        headers.insert(correlation::HEADER.into(), AMQPValue::LongString("from-header".into()));
        assert_eq!(extract(&properties.with_headers(headers)).correlation_id.as_deref(), Some("from-header"));
    }
}
