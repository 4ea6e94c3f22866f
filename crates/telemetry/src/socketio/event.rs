//! One event that came, or goes.

use std::future::Future;
use std::sync::Arc;

use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context, Key, KeyValue};

use super::SYSTEM;
use super::namespace::Namespace;
use crate::baggage;
use crate::context::MessageContext;
use crate::core::core;
use crate::correlation;
use crate::messaging::series::{Client, Process, Series};
use crate::span::Outcome;
use crate::work::{Work, open};

/// An event that a socket has sent; run its handler.
#[must_use = "nothing is recorded until its handler runs"]
#[derive(Debug)]
pub struct Received {
    series: Series,
    event: Arc<str>,
    carried: MessageContext,
}

/// An event that is sent to sockets.
#[must_use = "nothing is recorded until it is sent"]
#[derive(Debug)]
pub struct Emitted {
    series: Series,
    event: Arc<str>,
}

impl Namespace {
    /// An event that came with `carried` as its context (empty when it carried none).
    pub fn received(&self, event: &str, carried: &MessageContext) -> Received {
        let event = self.names.bounded(event);
        Received { series: self.series("receive", &event), event, carried: carried.clone() }
    }

    /// An event that is about to be sent.
    pub fn emitted(&self, event: &str) -> Emitted {
        let event = self.names.bounded(event);
        Emitted { series: self.series("send", &event), event }
    }

    fn series(&self, operation: &'static str, event: &Arc<str>) -> Series {
        let more = vec![KeyValue::new("app.socketio.event", Arc::clone(event))];
        Series { system: SYSTEM, operation, destination: Arc::clone(&self.name), more, messages: 1 }
    }
}

impl Received {
    /// Runs `handler` inside a CONSUMER span `receive {event}`.
    ///
    /// The sender's span is the parent, as that of a request is; the span that is current, usually the connection's, is
    /// linked. What the event does not carry itself, be it the correlation id or an entry of allowed baggage, is that of the
    /// current context, usually the connection's ([`context_from`](super::context_from)). Records `messaging.process.duration`
    /// (s) and `messaging.client.consumed.messages`. Dropped or panicking, it is recorded as such.
    pub async fn run<F>(self, handler: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let Self { series, event, carried } = self;
        let current = Context::current();
        let parent = inherited(carried.extract(), &current);
        let surrounding = current.span().span_context().clone();
        let links = surrounding.is_valid().then(|| Link::with_context(surrounding)).into_iter().collect();
        let opened = open(format!("receive {event}"), SpanKind::Consumer, parent, links, |correlation| {
            let mut attributes = series.span("process", 2);
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            attributes
        });
        series.begin();
        Work::new(opened, Process { series, uncounted: 1 }).run(handler).await
    }
}

/// What an event carries, and of what it does not carry, what `current` has.
fn inherited(mut carried: Context, current: &Context) -> Context {
    if correlation::of(&carried).is_none()
        && let Some(id) = correlation::of(current)
    {
        carried = carried.with_value(id);
    }
    let own = carried.baggage();
    let missing = |key: &Key| core().allows_baggage(key.as_str()) && own.get(key.as_str()).is_none();
    let entries = current.baggage().iter().filter(|(key, _)| missing(key));
    let mut entries: Vec<_> =
        entries.map(|(key, (value, more))| KeyValueMetadata::new(key.clone(), value.clone(), more.clone())).collect();
    if entries.is_empty() {
        return carried;
    }
    entries.extend(baggage::copied(&carried));
    carried.with_baggage(entries)
}

impl Emitted {
    /// Runs what `send` returns inside a PRODUCER span `send {event}`, with the context that is to travel in the payload.
    ///
    /// Records `messaging.client.operation.duration` (s) and `messaging.client.sent.messages`, once however many sockets
    /// the event goes to.
    pub async fn run<F>(self, send: impl FnOnce(MessageContext) -> F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let Self { series, event } = self;
        let name = format!("send {event}");
        let opened = open(name, SpanKind::Producer, Context::current(), Vec::new(), |correlation| {
            let mut attributes = series.span("send", 2);
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            attributes
        });
        let travelling = MessageContext::from_context(&opened.0);
        Work::new(opened, Client { series, kind: "send" }).run(send(travelling)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Observe;
    use crate::testing::{capture, metric};

    async fn own_id() -> Result<correlation::CorrelationId, std::fmt::Error> {
        correlation::current().ok_or(std::fmt::Error)
    }

    #[tokio::test]
    async fn event_continues_the_trace_of_who_sent_it() {
        let capture = capture();
        let chat = Namespace::new("/socketio-chat");
        let connection = chat.connected();
        let sent = chat.emitted("message").run(|context| async { Ok::<_, std::fmt::Error>(context) });
        let context = capture.run(sent).await.unwrap();
        assert_eq!(context.correlation_id.as_deref(), Some(capture.correlation_id().as_str()));
        let handled = async { chat.received("message", &context).run(own_id()).await };
        let id = capture.run(Observe::internal("socket").run(handled)).await.unwrap();
        assert_eq!(&id, capture.correlation_id());
        assert_eq!(capture.tree(), "producer send message\n  consumer receive message ~> socket\ninternal socket\n");
        let message = [("messaging.destination.name", "/socketio-chat"), ("app.socketio.event", "message")];
        assert_eq!(metric("messaging.client.sent.messages", &message), 1.0);
        assert_eq!(metric("messaging.process.duration", &message), 1.0);
        let connected = [("app.socketio.namespace", "/socketio-chat")];
        assert_eq!(metric("app.socketio.connections", &connected), 1.0);
        drop(connection);
        assert_eq!(metric("app.socketio.connections", &connected), 0.0);
    }
}
