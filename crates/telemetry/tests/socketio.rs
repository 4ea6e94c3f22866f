//! What the events of a socket inherit from its handshake.

use std::convert::Infallible;

use telemetry::baggage;
use telemetry::context::MessageContext;
use telemetry::correlation;
use telemetry::socketio::{Namespace, context_from};
use telemetry::testing::capture_with;

/// Runs a handler of an event that carries `carried`: its correlation id, tenant, region and user.
async fn seen(chat: &Namespace, carried: &MessageContext) -> [Option<String>; 4] {
    let handler = async {
        let id = correlation::current().map(|id| id.as_str().to_owned());
        Ok::<_, Infallible>([id, baggage::get("tenant"), baggage::get("region"), baggage::get("user")])
    };
    chat.received("message", carried).run(handler).await.unwrap()
}

fn texts(texts: [Option<&str>; 4]) -> [Option<String>; 4] {
    texts.map(|text| text.map(str::to_owned))
}

#[tokio::test]
async fn event_has_what_its_handshake_brought_unless_it_brings_its_own() {
    let _ = capture_with(|config| config.allow_baggage(["tenant", "region"]));
    let chat = Namespace::new("/socketio-inherits");
    let handshake = context_from([("X-Correlation-Id", "socket-7"), ("Baggage", "tenant=acme,region=eu,user=eve")]);
    let mut own = MessageContext::default();
    own.correlation_id = Some("order-42".into());
    own.baggage = Some("tenant=other".into());
    let traced = context_from([("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
    let connected = async {
        let inherited = texts([Some("socket-7"), Some("acme"), Some("eu"), None]);
        assert_eq!(seen(&chat, &MessageContext::default()).await, inherited);
        assert_eq!(seen(&chat, &traced).await, inherited);
        let expected = texts([Some("order-42"), Some("other"), Some("eu"), None]);
        assert_eq!(seen(&chat, &own).await, expected, "what the event does not say is the connection's");
    };
    handshake.attach(connected).await;
}
