//! One operation across everything: server, client, message out, message in; one correlation id on all of it.

mod support;

use axum::Router;
use axum::routing::{get, post};
use lapin::types::AMQPValue;
use opentelemetry::context::FutureExt;
use serde_json::Value;
use telemetry::context::MessageContext;
use telemetry::http::{Client, server_layer};
use telemetry::messaging::{self, Consumer};
use telemetry::testing::{capture, metric};

use support::{ConsumerError, delivery, serve};

fn line(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `POST /flow/orders/{id}` asks `GET /flow/gigs/{id}` of itself and stores what an outbox row would.
async fn shop() -> (String, tokio::sync::mpsc::UnboundedReceiver<MessageContext>) {
    let (outbox, rows) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let gig = format!("{base}/flow/gigs/7");
    let create = async move || {
        let client = Client::new(reqwest::Client::new());
        let status = client.get(&gig).route("/flow/gigs/{id}").send().await.unwrap().status();
        let span = tracing::info_span!("create_order", order = 42, customer_email = "eve@example.org");
        span.in_scope(|| tracing::info!(status = status.as_u16(), "order created"));
        outbox.send(MessageContext::capture()).unwrap();
        "created"
    };
    let app = Router::new()
        .route("/flow/orders/{id}", post(create))
        .route("/flow/gigs/{id}", get(async || "a gig"))
        .layer(server_layer());
    serve(listener, app);
    (base, rows)
}

#[tokio::test]
async fn one_operation_is_one_flow_with_one_correlation_id() {
    let capture = capture();
    let (base, mut rows) = shop().await;
    let answer = reqwest::Client::new()
        .post(format!("{base}/flow/orders/42?token=secret&page=1"))
        .header("x-correlation-id", capture.correlation_id().as_str())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-correlation-id"], capture.correlation_id().as_str());
    assert_eq!(answer.text().await.unwrap(), "created");

    // The outbox relay and the consumer, without a broker between them.
    let row = rows.recv().await.unwrap();
    let stored = serde_json::to_string(&row).unwrap();
    let context: MessageContext = serde_json::from_str(&stored).unwrap();
    let mut headers = lapin::types::FieldTable::default();
    messaging::inject(&context, &mut headers);
    assert!(matches!(headers.inner().get("traceparent"), Some(AMQPValue::LongString(_))));
    let delivery = delivery("flow-events", "order.created", headers, true);
    Consumer::new("flow-users")
        .process(&delivery, async {
            tracing::info!("counted");
            assert_eq!(telemetry::correlation::current().as_ref(), Some(capture.correlation_id()));
        })
        .await;
    let failed = messaging::process(&delivery, "flow-mail", async { Err::<(), _>(ConsumerError) }).await;
    assert!(failed.is_err());

    let server = capture.wait_for_span("server POST /flow/orders/{id}").await;
    let spans = capture.spans();
    insta::assert_snapshot!(capture.tree(), @r"
    server POST /flow/orders/{id}
      client GET /flow/gigs/{id}
        server GET /flow/gigs/{id}
    consumer process flow-users ~> POST /flow/orders/{id}
    consumer process flow-mail !flow::support::ConsumerError ~> POST /flow/orders/{id}
    ");
    assert!(spans.iter().all(|span| span.attribute("app.correlation_id") == capture.correlation_id().as_str()));

    assert_eq!(server.attribute("http.response.status_code"), "200");
    assert_eq!(server.attribute("http.response.body.size"), "7");
    assert_eq!(server.attribute("url.path"), "/flow/orders/42");
    assert_eq!(server.attribute("url.query"), "token=[redacted]&page=1");
    assert_eq!(server.attribute("server.address"), "127.0.0.1");
    let consumer = capture.expect_span("consumer process flow-users");
    assert_ne!(consumer.trace_id, server.trace_id);
    assert_eq!(consumer.parent_id, None);
    for (key, value) in [
        ("messaging.system", "rabbitmq"),
        ("messaging.destination.name", "flow-events:order.created:flow-users"),
        ("messaging.rabbitmq.destination.routing_key", "order.created"),
        ("messaging.message.id", "m-1"),
        ("messaging.message.conversation_id", capture.correlation_id().as_str()),
        ("messaging.message.body.size", "2"),
        ("messaging.rabbitmq.message.delivery_tag", "9"),
        ("app.messaging.message.redelivered", "true"),
    ] {
        assert_eq!(consumer.attribute(key), value, "{key}");
    }

    let logs: Vec<Value> = capture.logs().iter().map(|text| line(text)).collect();
    assert!(logs.len() >= 4, "{logs:#?}");
    for line in &logs {
        for key in ["timestamp", "level", "target", "message", "service", "version", "instance", "trace_id", "span_id"]
        {
            assert!(line[key].is_string(), "{key} in {line}");
        }
        assert!(
            spans.iter().any(|span| line["span_id"] == *span.span_id && line["trace_id"] == *span.trace_id),
            "{line}"
        );
    }
    let created = logs.iter().find(|line| line["message"] == "order created").unwrap();
    assert_eq!((&created["order"], &created["status"]), (&Value::from(42), &Value::from(200)));
    assert_eq!(created["customer_email"], "[redacted]");
    let access = logs.iter().find(|line| line["http.route"] == "/flow/orders/{id}").unwrap();
    assert_eq!((&access["level"], &access["http.response.status_code"]), (&Value::from("INFO"), &Value::from(200)));

    let route = [("http.route", "/flow/orders/{id}")];
    assert_eq!(metric("http.server.request.duration", &route), 1.0);
    assert_eq!(metric("http.client.request.duration", &[("url.template", "/flow/gigs/{id}")]), 1.0);
    let queue = [("messaging.destination.name", "flow-users")];
    assert_eq!(metric("messaging.process.duration", &queue), 1.0);
    assert_eq!(metric("messaging.client.consumed.messages", &queue), 1.0);
    assert_eq!(metric("app.messaging.redelivered.messages", &queue), 1.0);
    assert_eq!(metric("app.messaging.process.active_messages", &queue), 0.0);
}

#[tokio::test]
async fn consumer_may_continue_the_trace() {
    let capture = capture();
    let mut row = capture.run(async { MessageContext::capture() }).await;
    row.traceparent = Some(support::PARENT.into());
    let mut headers = lapin::types::FieldTable::default();
    messaging::inject(&row, &mut headers);
    Consumer::new("continued").continue_trace().process(&delivery("e", "k", headers, false), async {}).await;
    let spans = capture.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].trace_id, &support::PARENT[3..35]);
    assert_eq!(spans[0].parent_id.as_deref(), Some(&support::PARENT[36..52]));
    assert_eq!(spans[0].links, [(support::PARENT[3..35].to_owned(), support::PARENT[36..52].to_owned())]);
}

#[tokio::test]
async fn dropped_and_panicking_handlers_are_recorded() {
    let capture = capture();
    let row = capture.run(async { MessageContext::capture() }).await;
    let mut headers = lapin::types::FieldTable::default();
    messaging::inject(&row, &mut headers);
    let delivery = delivery("ended", "early", headers, false);
    {
        let mut pending = Box::pin(messaging::process(&delivery, "ended-early", std::future::pending::<()>()));
        assert!(futures_util::poll!(pending.as_mut()).is_pending());
    }
    let handler = async {
        if true {
            panic!("on purpose")
        }
    };
    let crashed = tokio::spawn(async move { messaging::process(&delivery, "ended-early", handler).await }).await;
    assert!(crashed.unwrap_err().is_panic());
    let errors: Vec<_> = capture.spans().iter().map(|span| span.attribute("error.type").to_owned()).collect();
    assert_eq!(errors, ["cancelled", "panic"]);
    assert_eq!(metric("app.messaging.process.active_messages", &[("messaging.destination.name", "ended-early")]), 0.0);
}

#[tokio::test]
async fn tracing_span_keeps_its_ids_outside_of_the_context() {
    let capture = capture();
    let span = async { tracing::info_span!("detached", step = 1) }.with_context(capture.context()).await;
    // As in a spawned task that was given the span but not the context.
    span.in_scope(|| tracing::info!(step = 2, "late"));
    let logs = capture.logs();
    assert_eq!(logs.len(), 1, "{logs:?}");
    assert_eq!(line(&logs[0])["step"], 2);
}

#[tokio::test]
async fn line_stays_valid_json_whatever_is_logged() {
    let capture = capture();
    capture
        .run(async {
            tracing::info!(
                service = "impostor",
                not_a_number = f64::NAN,
                quote = "\"\n\u{1}",
                "multi\nline \"message\""
            );
            let _span = tracing::info_span!("outer", token = "abc", number = 4_111_111_111_111_111_u64).entered();
            tracing::warn!(
                error = &std::io::Error::other("mail to eve@example.org") as &dyn std::error::Error,
                "failed"
            );
        })
        .await;
    let logs: Vec<Value> = capture.logs().iter().map(|text| line(text)).collect();
    assert_eq!(logs[0]["service"], "test");
    assert_eq!(logs[0]["field.service"], "impostor");
    assert_eq!(logs[0]["message"], "multi\nline \"message\"");
    assert_eq!(logs[0]["quote"], "\"\n\u{1}");
    assert_eq!((&logs[1]["token"], &logs[1]["number"]), (&Value::from("[redacted]"), &Value::from("[redacted]")));
    assert_eq!(logs[1]["error"], "mail to [redacted]");
}
