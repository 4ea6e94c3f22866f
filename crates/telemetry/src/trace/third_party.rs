//! Spans that applications and other libraries make through OpenTelemetry's own API: same sampling, same way out.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Link, Span as _, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor};

use super::Sampler;
use super::adopted::{self, Adopted};
use super::finished::{Finished, SpanSink};
use super::operation::tail_of;
use crate::correlation;

/// Long enough for an answering collector, short enough for somebody who flushes where nobody answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process's sampler, as the SDK asks it.
#[derive(Debug, Clone)]
pub(crate) struct ThirdPartySampler(pub(crate) Arc<Sampler>);

impl ShouldSample for ThirdPartySampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let above = parent.map(|context| context.span().span_context().clone()).filter(|span| span.is_valid());
        let sampled = match &above {
            Some(local) if !local.is_remote() => local.is_sampled(),
            above => self.0.samples(above.as_ref(), trace_id),
        };
        SamplingResult {
            decision: match parent {
                _ if sampled => SamplingDecision::RecordAndSample,
                // Only what records is seen by the processor, and only there can it be tied to its surroundings.
                Some(parent) if correlation::of(parent).is_some() => SamplingDecision::RecordOnly,
                _ => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: above.map(|span| span.trace_state().clone()).unwrap_or_default(),
        }
    }
}

/// Gives such spans the correlation id of their surroundings and sends them the way of all others.
#[derive(Debug)]
pub(crate) struct ThirdPartySpans(pub(crate) Arc<dyn SpanSink>);

impl SpanProcessor for ThirdPartySpans {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(id) = correlation::of(context) {
            span.set_attribute(KeyValue::new(correlation::ATTRIBUTE, id.value()));
            let tail = if span.span_context().is_sampled() { None } else { tail_of(context) };
            adopted::adopt(span.span_context().span_id(), Adopted { correlation: id, tail });
        }
    }

    fn on_end(&self, mut span: SpanData) {
        super::limits::span(&mut span);
        let adopted = adopted::release(span.span_context.span_id());
        let sampled = span.span_context.is_sampled();
        let span = Finished::ThirdParty(Box::new(span));
        match adopted.and_then(|adopted| adopted.tail) {
            _ if sampled => self.0.push(span),
            Some(tail) => tail.push(span, &*self.0),
            None => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        if self.0.flush(PATIENCE) { Ok(()) } else { Err(OTelSdkError::Timeout(PATIENCE)) }
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
