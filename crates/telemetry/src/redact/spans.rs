//! What must not leave in a span.

use std::borrow::Cow;

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::{MASK, is_card, is_secret_key, text};

/// Removes what must not leave from everything a span tells.
pub(crate) fn span(span: &mut SpanData) {
    words(&mut span.name);
    attributes(&mut span.attributes);
    for event in &mut span.events.events {
        words(&mut event.name);
        attributes(&mut event.attributes);
    }
    for link in &mut span.links.links {
        attributes(&mut link.attributes);
    }
    if let Status::Error { description } = &mut span.status {
        words(description);
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
            Value::I64(number) if is_card(number.unsigned_abs().into()) => attribute.value = MASK.into(),
            Value::Array(Array::I64(numbers)) if numbers.iter().any(|n| is_card(n.unsigned_abs().into())) => {
                attribute.value = MASK.into();
            }
            _ => {}
        }
    }
}

fn words(words: &mut Cow<'static, str>) {
    if let Cow::Owned(shown) = text(words) {
        *words = shown.into();
    }
}

fn redact_value(value: &mut StringValue) {
    if let Cow::Owned(shown) = text(value.as_str()) {
        *value = shown.into();
    }
}
