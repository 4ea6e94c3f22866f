//! What a request brings along, read from its headers without copying them.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanContext, TraceState};

use super::{MAX_TRACESTATE, baggage, list, traceparent};
use crate::correlation::{self, CorrelationId};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// See the module. Absent and invalid parts look the same: the request starts anew.
pub(crate) struct Incoming {
    /// The caller's span; [`SpanContext::NONE`] without one.
    pub(crate) parent: SpanContext,
    /// The correlation id, made now when none came.
    pub(crate) correlation: CorrelationId,
    /// Nothing but the allowed baggage.
    pub(crate) context: Context,
}

impl Incoming {
    pub(crate) fn read(headers: &HeaderMap, now: Instant) -> Self {
        let baggage = headers.contains_key(&BAGGAGE).then(|| list(headers, BAGGAGE.as_str())).flatten();
        let correlation = single(headers, &correlation::HEADER_NAME)
            .and_then(CorrelationId::from_header)
            .or_else(|| baggage::correlation_id(baggage.as_deref()?))
            .unwrap_or_else(|| CorrelationId::generate_at(now));
        let context = match baggage.as_deref().map(baggage::decode) {
            Some(entries) if !entries.is_empty() => Context::new().with_baggage(entries),
            _ => Context::new(),
        };
        Self { parent: parent(headers).unwrap_or(SpanContext::NONE), correlation, context }
    }
}

fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let parent = single(headers, &TRACEPARENT)?.to_str().ok()?;
    let state = headers
        .contains_key(&TRACESTATE)
        .then(|| list(headers, TRACESTATE.as_str()))
        .flatten()
        .filter(|text| text.len() <= MAX_TRACESTATE)
        .and_then(|text| text.parse::<TraceState>().ok());
    traceparent::parse(parent, state.unwrap_or_default())
}

/// Two different parents or ids cannot both be right.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MessageContext;
    use opentelemetry::trace::TraceContextExt;
    use proptest::prelude::*;

    proptest! {
        /// The fast way and the way of stored messages must understand the same headers alike.
        #[test]
        fn headers_are_understood_as_those_of_messages(
            parent in prop::option::of("0[01]-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]|[ -~]{0,60}"),
            state in prop::option::of("[a-z]{1,4}=[a-z]{0,4}|[ -~]{0,20}"),
            bag in prop::option::of("correlation_id=[a-z]{1,9}|[ -~]{0,20}"),
            id in prop::option::of("[ -~]{0,12}"),
            twice: bool,
        ) {
            let mut headers = HeaderMap::new();
            let given = [("traceparent", &parent), ("tracestate", &state), ("baggage", &bag), (correlation::HEADER, &id)];
            for (name, value) in given {
                if let Some(value) = value {
                    headers.append(name, HeaderValue::from_str(value).unwrap());
                }
            }
            if let (true, Some(parent)) = (twice, &parent) {
                headers.append("traceparent", HeaderValue::from_str(parent).unwrap());
            }
            let incoming = Incoming::read(&headers, Instant::now());
            let message = MessageContext::from_headers(&headers);
            let context = message.extract();
            let parent = context.span().span_context().clone();
            prop_assert_eq!(&incoming.parent, &parent);
            if let Some(expected) = message.correlation_id() {
                prop_assert_eq!(incoming.correlation, expected);
            }
        }
    }
}
