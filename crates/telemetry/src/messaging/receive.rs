//! Receiving: a CLIENT span around asking a queue for a message.

use std::borrow::Cow;
use std::time::SystemTime;

use lapin::Channel;
use lapin::message::BasicGetMessage;
use lapin::options::BasicGetOptions;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use super::consumer::Consumer;
use super::error::{error_type, short};
use super::series::{Client, Series};
use super::{SYSTEM, destination, headers};
use crate::core::core;
use crate::correlation;
use crate::span;
use crate::work::{Failure, Work, open};

impl Consumer {
    /// Asks the queue for one message (`basic.get`), inside a CLIENT span `receive {queue}` that links to its creation.
    ///
    /// Records `messaging.client.operation.duration` (s) and `messaging.client.consumed.messages`; what is then processed by
    /// this consumer or a clone is not counted again. `None` when the queue is empty: that is a span only below another one,
    /// since each look of a poll would be a trace of its own.
    ///
    /// # Errors
    ///
    /// What lapin returns: channel or connection closed, no such queue, or a queue's name of more than 255 bytes.
    pub async fn receive(
        &self,
        channel: &Channel,
        options: BasicGetOptions,
    ) -> Result<Option<BasicGetMessage>, lapin::Error> {
        let series = Series {
            system: SYSTEM,
            operation: "receive",
            destination: destination("", "", Some(&self.queue)),
            more: Vec::new(),
            messages: 0,
        };
        let name = format!("receive {}", self.queue);
        let (current, asked) = (Context::current(), SystemTime::now());
        let client = Client { series: series.clone(), kind: "receive" };
        let work = if current.has_active_span() {
            Work::new(open(name.clone(), SpanKind::Client, current, Vec::new(), |_| series.span("receive", 4)), client)
        } else {
            Work::without_span(current, client)
        };
        let received = match short(&self.queue) {
            Ok(queue) => channel.basic_get(queue, options).await,
            Err(error) => Err(error),
        };
        let failure: Failure = received.as_ref().err().map(|error| (error_type(error).into(), error.to_string()));
        let found = received.as_ref().ok().and_then(Option::as_ref).map(|message| &message.delivery);
        if let Some(delivery) = found {
            self.has_received(delivery);
            Client { series: series.clone(), kind: "receive" }.consumed(1);
        }
        let late = !work.context.has_active_span() && (found.is_some() || failure.is_some());
        let context = if late { opened(name, asked, &work.context, &series) } else { work.context.clone() };
        let span = context.span();
        if received.is_ok() {
            span.set_attribute(KeyValue::new("messaging.batch.message_count", i64::from(found.is_some())));
        }
        if let Some(creation) = found.and_then(|delivery| headers::extract(&delivery.properties).span_context()) {
            span.add_link(creation, Vec::new());
        }
        if late {
            span::end(&context, &failure);
        }
        work.finish(failure);
        received
    }
}

/// The span of what turned out to be worth telling, as of when it began.
fn opened(name: impl Into<Cow<'static, str>>, began: SystemTime, parent: &Context, series: &Series) -> Context {
    let (parent, _) = correlation::ensure(parent.clone());
    let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Client).with_start_time(began);
    let context = parent.with_span(core().tracer.build_with_context(builder, &parent));
    let span = context.span();
    if span.is_recording() {
        span.set_attributes(series.span("receive", 2));
    }
    context
}
