//! What a request brings along, read from its headers without copying them.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanContext, TraceState};

use super::{MAX_TRACESTATE, baggage, list, traceparent};
use crate::correlation::{self, CorrelationId};
use crate::trace::Moment;

/// The headers that matter to us, found in one pass: looking for one of them costs more than reading the names of all.
#[derive(Default)]
pub(crate) struct Headers<'a> {
    traceparent: Single<'a>,
    tracestate: bool,
    baggage: bool,
    correlation: Single<'a>,
    pub(crate) content_length: Option<&'a HeaderValue>,
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) user_agent: Option<&'a HeaderValue>,
    /// Bytes of all names and values.
    pub(crate) size: usize,
}

/// Two different parents or ids cannot both be right.
#[derive(Default)]
enum Single<'a> {
    #[default]
    None,
    Some(&'a HeaderValue),
    Many,
}

/// See the module. Absent and invalid parts look the same: the request starts anew.
pub(crate) struct Incoming {
    /// The caller's span; [`SpanContext::NONE`] without one.
    pub(crate) parent: SpanContext,
    /// The correlation id, made now when none came.
    pub(crate) correlation: CorrelationId,
    /// Nothing but the allowed baggage.
    pub(crate) context: Context,
}

impl<'a> Headers<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            found.size += name.as_str().len() + value.len();
            match name.as_str() {
                "traceparent" => found.traceparent.add(value),
                "tracestate" => found.tracestate = true,
                "baggage" => found.baggage = true,
                correlation::HEADER => found.correlation.add(value),
                "content-length" => found.content_length = found.content_length.or(Some(value)),
                "host" => found.host = found.host.or(Some(value)),
                "user-agent" => found.user_agent = found.user_agent.or(Some(value)),
                _ => {}
            }
        }
        found
    }
}

impl<'a> Single<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = if matches!(self, Self::None) { Self::Some(value) } else { Self::Many };
    }

    fn get(&self) -> Option<&'a HeaderValue> {
        match self {
            Self::Some(value) => Some(value),
            Self::None | Self::Many => None,
        }
    }
}

impl Incoming {
    /// What `found` in `headers` says, `now`.
    pub(crate) fn read(headers: &HeaderMap, found: &Headers<'_>, now: Moment) -> Self {
        let baggage = found.baggage.then(|| list(headers, "baggage")).flatten();
        let correlation = found
            .correlation
            .get()
            .and_then(CorrelationId::from_header)
            .or_else(|| baggage::correlation_id(baggage.as_deref()?))
            .unwrap_or_else(|| CorrelationId::generate_at(now));
        let context = match baggage.as_deref().map(baggage::decode) {
            Some(entries) if !entries.is_empty() => Context::new().with_baggage(entries),
            _ => Context::new(),
        };
        Self { parent: parent(headers, found).unwrap_or(SpanContext::NONE), correlation, context }
    }
}

fn parent(headers: &HeaderMap, found: &Headers<'_>) -> Option<SpanContext> {
    let parent = found.traceparent.get()?.to_str().ok()?;
    let state = found
        .tracestate
        .then(|| list(headers, "tracestate"))
        .flatten()
        .filter(|text| text.len() <= MAX_TRACESTATE)
        .and_then(|text| text.parse::<TraceState>().ok());
    traceparent::parse(parent, state.unwrap_or_default())
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
            let incoming = Incoming::read(&headers, &Headers::of(&headers), Moment::now());
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
