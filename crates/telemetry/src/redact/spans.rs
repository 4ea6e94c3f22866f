//! What must not leave in a span.

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::{MASK, is_secret_key, text};

/// Removes what must not leave from everything a span tells.
pub(crate) fn span(span: &mut SpanData) {
    if let std::borrow::Cow::Owned(name) = text(&span.name) {
        span.name = name.into();
    }
    attributes(&mut span.attributes);
    for event in &mut span.events.events {
        attributes(&mut event.attributes);
    }
    for link in &mut span.links.links {
        attributes(&mut link.attributes);
    }
    if let Status::Error { description } = &mut span.status
        && let std::borrow::Cow::Owned(shown) = text(description)
    {
        *description = shown.into();
    }
}

fn attributes(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        if is_secret_key(attribute.key.as_str()) {
            attribute.value = MASK.into();
            continue;
        }
        match &mut attribute.value {
            Value::String(value) => redact_value(value),
            Value::Array(Array::String(values)) => values.iter_mut().for_each(redact_value),
            _ => {}
        }
    }
}

fn redact_value(value: &mut StringValue) {
    if let std::borrow::Cow::Owned(shown) = text(value.as_str()) {
        *value = shown.into();
    }
}
