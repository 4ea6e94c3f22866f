//! What travels between processes: trace context, baggage and the correlation id.

use std::str::FromStr;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::context::{FutureExt, WithContext};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use serde::{Deserialize, Serialize};

use crate::correlation::{self, CorrelationId};

mod baggage;
mod incoming;
pub(crate) mod traceparent;

pub(crate) use baggage::percent_decode;
pub(crate) use incoming::{Headers, Incoming};

/// Longest `tracestate` kept; the specification asks for at least 512 characters.
const MAX_TRACESTATE: usize = 512;

/// The headers of one operation, ready to be stored beside a message (an outbox row) and used later, elsewhere.
///
/// Serialized as a map with the header names as keys, absent ones left out.
///
/// # Examples
///
/// ```
/// use telemetry::context::MessageContext;
///
/// let stored = r#"{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","x-correlation-id":"order-42"}"#;
/// let context: MessageContext = serde_json::from_str(stored).unwrap();
/// assert_eq!(context.correlation_id().unwrap().as_str(), "order-42");
/// assert_eq!(serde_json::to_string(&context).unwrap(), stored);
///
/// // From a carrier that this crate does not know.
/// let mut context = MessageContext::default();
/// context.correlation_id = Some("order-42".into());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageContext {
    /// W3C trace context: the span that created the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// W3C vendor state that belongs to `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// W3C baggage, only with keys that are allowed to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baggage: Option<String>,
    /// The correlation id.
    #[serde(rename = "x-correlation-id", default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl MessageContext {
    /// Takes the context of the code that is running.
    #[must_use]
    pub fn capture() -> Self {
        Context::map_current(Self::from_context)
    }

    /// Takes what `context` carries.
    #[must_use]
    pub fn from_context(context: &Context) -> Self {
        let span = context.span();
        let span = span.span_context();
        let correlation = correlation::of(context);
        Self {
            traceparent: traceparent::encode(span).map(|header| header.as_str().to_owned()),
            tracestate: Some(span.trace_state().header()).filter(|header| !header.is_empty()),
            baggage: baggage::encode(context, correlation.as_ref()),
            correlation_id: correlation.map(|id| id.as_str().to_owned()),
        }
    }

    /// Reads the four headers; repeated `tracestate` and `baggage` lines count as one list.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self {
            traceparent: single(headers, "traceparent"),
            tracestate: list(headers, "tracestate"),
            baggage: list(headers, "baggage"),
            correlation_id: single(headers, correlation::HEADER),
        }
    }

    /// The headers that are present, name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("traceparent", &self.traceparent),
            ("tracestate", &self.tracestate),
            ("baggage", &self.baggage),
            (correlation::HEADER, &self.correlation_id),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// The correlation id, from its own header or else from baggage, when it is a valid one.
    #[must_use]
    pub fn correlation_id(&self) -> Option<CorrelationId> {
        let own = self.correlation_id.as_deref().and_then(|text| CorrelationId::parse(text).ok());
        own.or_else(|| baggage::correlation_id(self.baggage.as_deref()?))
    }

    /// The span that created the message, when `traceparent` is valid.
    #[must_use]
    pub fn span_context(&self) -> Option<SpanContext> {
        let state = self
            .tracestate
            .as_deref()
            .filter(|text| text.len() <= MAX_TRACESTATE)
            .and_then(|text| TraceState::from_str(text).ok())
            .unwrap_or_default();
        traceparent::parse(self.traceparent.as_deref()?, state)
    }

    /// An OpenTelemetry context with the remote span, the allowed baggage and the correlation id.
    ///
    /// Whatever is absent or invalid is left out; nothing of the current context is kept.
    #[must_use]
    pub fn extract(&self) -> Context {
        let mut context = Context::new();
        if let Some(entries) = self.baggage.as_deref().map(baggage::decode).filter(|entries| !entries.is_empty()) {
            context = context.with_baggage(entries);
        }
        if let Some(id) = self.correlation_id() {
            context = context.with_value(id);
        }
        match self.span_context() {
            Some(span) => context.with_remote_span_context(span),
            None => context,
        }
    }

    /// Runs `future` inside the extracted context.
    ///
    /// Prefer [`crate::messaging::process`] for messages: it opens a consumer span as well.
    pub fn attach<F: Future>(&self, future: F) -> WithContext<F> {
        future.with_context(self.extract())
    }
}

fn single(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    // Two different parents or ids cannot both be right.
    values.next().is_none().then(|| value.to_owned())
}

fn list(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut all = values.next()?.to_owned();
    for value in values {
        all.push(',');
        all.push_str(value);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn capture_then_extract_keeps_span_and_correlation() {
        let given = MessageContext {
            traceparent: Some(PARENT.into()),
            tracestate: Some("vendor=1".into()),
            baggage: None,
            correlation_id: Some("order-42".into()),
        };
        let _guard = given.extract().attach();
        let captured = MessageContext::capture();
        assert_eq!(captured.baggage.as_deref(), Some("correlation_id=order-42"));
        assert_eq!(MessageContext { baggage: None, ..captured }, given);
    }

    #[test]
    fn baggage_beyond_the_allow_list_stays_outside() {
        let given = MessageContext { baggage: Some("user=eve,correlation_id=c-1".into()), ..Default::default() };
        let context = given.extract();
        assert!(context.baggage().is_empty());
        assert_eq!(correlation::of(&context).unwrap().as_str(), "c-1");
    }

    #[test]
    fn repeated_list_headers_are_joined_and_repeated_parents_refused() {
        let mut headers = HeaderMap::new();
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        headers.append("traceparent", HeaderValue::from_static(PARENT));
        let context = MessageContext::from_headers(&headers);
        assert_eq!(context.tracestate.as_deref(), Some("a=1,b=2"));
        assert_eq!(context.span_context().unwrap().trace_state().get("b"), Some("2"));
        headers.append("traceparent", HeaderValue::from_static(PARENT));
        assert_eq!(MessageContext::from_headers(&headers).traceparent, None);
    }

    proptest! {
        #[test]
        fn no_stored_text_panics(parent in "\\PC{0,70}", state in "\\PC{0,600}", bag in "\\PC{0,300}", id in "\\PC{0,140}") {
            let context = MessageContext {
                traceparent: Some(parent), tracestate: Some(state), baggage: Some(bag), correlation_id: Some(id),
            };
            let _ = context.extract();
        }
    }
}
