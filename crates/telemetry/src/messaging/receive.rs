//! Receiving: a CLIENT span around asking a queue for a message.

use lapin::Channel;
use lapin::message::BasicGetMessage;
use lapin::options::BasicGetOptions;
use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};

use super::consumer::Consumer;
use super::error::{error_type, short};
use super::series::{Client, Series};
use super::{SYSTEM, destination, headers};
use crate::work::{Work, open};

impl Consumer {
    /// Asks the queue for one message (`basic.get`), inside a CLIENT span `receive {queue}` that links to its creation.
    ///
    /// Records `messaging.client.operation.duration` (s) and `messaging.client.consumed.messages`; process what comes with
    /// a consumer that is [`pulled`](Consumer::pulled), so that it is counted once. `None` when the queue is empty.
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
        let opened = open(name, SpanKind::Client, Context::current(), Vec::new(), |_| series.span("receive", 4));
        let work = Work::new(opened, Client { series: series.clone(), kind: "receive" });
        let received = match short(&self.queue) {
            Ok(queue) => channel.basic_get(queue, options).await,
            Err(error) => Err(error),
        };
        if let Ok(found) = &received {
            let span = work.context.span();
            span.set_attribute(KeyValue::new("messaging.batch.message_count", i64::from(found.is_some())));
            if let Some(message) = found {
                Client { series, kind: "receive" }.consumed(1);
                if let Some(creation) = headers::extract(&message.delivery.properties).span_context() {
                    span.add_link(creation, Vec::new());
                }
            }
        }
        work.finish(received.as_ref().err().map(|error| (error_type(error).into(), error.to_string())));
        received
    }
}
