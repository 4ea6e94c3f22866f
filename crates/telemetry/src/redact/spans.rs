//! A span processor that redacts what the next one gets.

use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::{MASK, is_secret_key, text};

#[derive(Debug)]
pub(crate) struct RedactingProcessor<P>(pub(crate) P);

impl<P: SpanProcessor> SpanProcessor for RedactingProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        self::span(&mut span);
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

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
