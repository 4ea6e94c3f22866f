//! The management API.

use amqp_broker::Broker;
use lapin::{BasicProperties, options::*, types::FieldTable};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lapin_client::*;

/// One request with the right credentials; the answer's status and JSON.
pub(crate) async fn ask(broker: &Broker, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}{path}", broker.management_addr().unwrap());
    let mut request = client.request(method, url).basic_auth("guest", Some("guest"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = within("the management API", request.send()).await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub(crate) async fn fetch(broker: &Broker, path: &str) -> Value {
    let (status, value) = ask(broker, Method::GET, path, None).await;
    assert_eq!(status, StatusCode::OK, "{path}: {value}");
    value
}

#[tokio::test]
async fn credentials_are_demanded() {
    let broker = start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/api/overview", broker.management_addr().unwrap());
    for request in [client.get(&url), client.get(&url).basic_auth("guest", Some("wrong"))] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    }
}

#[tokio::test]
async fn queues_are_counted_as_messages_move() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "a/b", &[("x-max-length", 9.into())]).await;
    confirms(&channel).await;
    for _ in 0..3 {
        send(&channel, "a/b", "12345").await;
    }
    channel.basic_qos(2, BasicQosOptions::default()).await.unwrap();
    let mut deliveries = consume(&channel, "a/b", "").await;
    next(&mut deliveries).await.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await.unwrap();
    ack(&next(&mut deliveries).await).await;
    next(&mut deliveries).await;
    next(&mut deliveries).await;
    // The answer comes after what was acknowledged before.
    ready(&channel, "a/b").await;
    let queue = fetch(&broker, "/api/queues/%2F/a%2Fb").await;
    let expected = json!({
        "name": "a/b", "vhost": "/", "type": "classic", "durable": false, "exclusive": false, "auto_delete": false,
        "arguments": { "x-max-length": 9 }, "messages": 2, "messages_ready": 0, "messages_unacknowledged": 2,
        "message_bytes_ready": 0, "consumers": 1, "state": "running",
        "message_stats": { "publish": 3, "deliver": 4, "get": 0, "deliver_get": 4, "ack": 1, "redeliver": 1 },
    });
    assert_eq!(queue, expected);
    assert_eq!(fetch(&broker, "/api/queues").await, json!([expected]));
    assert_eq!(fetch(&broker, "/api/queues/%2F").await, json!([expected]));
    assert_eq!(ask(&broker, Method::GET, "/api/queues/%2F/none", None).await.0, StatusCode::NOT_FOUND);
    let overview = fetch(&broker, "/api/overview").await;
    assert_eq!(overview["queue_totals"], json!({ "messages": 2, "messages_ready": 0, "messages_unacknowledged": 2 }));
    assert_eq!(overview["message_stats"]["publish"], 3);
    assert_eq!(overview["product_name"], amqp_broker::PRODUCT);
}

#[tokio::test]
async fn peek_shows_messages_and_leaves_them() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    let headers = table(&[("x-reason", text("bad json")), ("n", 7.into())]);
    let properties =
        BasicProperties::default().with_message_id("m-1".into()).with_delivery_mode(2).with_headers(headers);
    send_with(&channel, "", "q", "{oops", properties).await;
    send(&channel, "q", "second").await;
    let get = |count: u32, ackmode: &str, encoding: &str| json!({ "count": count, "ackmode": ackmode, "encoding": encoding, "truncate": 50000 });
    let path = "/api/queues/%2F/q/get";
    let peek = async |body| ask(&broker, Method::POST, path, Some(body)).await;
    let (_, shown) = peek(get(1, "ack_requeue_true", "auto")).await;
    assert_eq!(
        shown,
        json!([{
            "payload_bytes": 5, "redelivered": false, "exchange": "", "routing_key": "q", "message_count": 1,
            "properties": { "headers": { "n": 7, "x-reason": "bad json" }, "delivery_mode": 2, "message_id": "m-1" },
            "payload": "{oops", "payload_encoding": "string",
        }])
    );
    let (_, shown) = peek(get(9, "reject_requeue_true", "base64")).await;
    assert_eq!(shown[0]["payload"], "e29vcHM=");
    assert_eq!((&shown[0]["redelivered"], &shown[1]["redelivered"]), (&json!(true), &json!(false)));
    assert_eq!(ready(&channel, "q").await, 2);
    let (_, shown) = peek(get(1, "ack_requeue_false", "auto")).await;
    assert_eq!(shown[0]["payload"], "{oops");
    assert_eq!(body(&crate::lapin_client::get(&channel, "q").await.unwrap()), "second");
    assert_eq!(peek(json!({ "count": 1 })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        ask(&broker, Method::POST, "/api/queues/%2F/none/get", Some(get(1, "ack_requeue_true", "auto"))).await.0,
        404
    );
}

#[tokio::test]
async fn purge_empties_a_queue() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", "x").await;
    assert_eq!(ask(&broker, Method::DELETE, "/api/queues/%2F/q/contents", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ready(&channel, "q").await, 0);
}

#[tokio::test]
async fn exchanges_bindings_and_connections_are_listed() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let options = QueueBindOptions::default();
    channel.queue_bind("q".into(), "amq.topic".into(), "a.#".into(), options, FieldTable::default()).await.unwrap();
    let exchanges = fetch(&broker, "/api/exchanges").await;
    let names: Vec<_> =
        exchanges.as_array().unwrap().iter().map(|exchange| exchange["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"]);
    let bindings = fetch(&broker, "/api/bindings").await;
    let summary: Vec<_> = bindings
        .as_array()
        .unwrap()
        .iter()
        .map(|binding| ["source", "destination", "routing_key"].map(|name| binding[name].as_str().unwrap()))
        .collect();
    assert_eq!(summary, [["", "q", "q"], ["amq.topic", "q", "a.#"]]);
    let connections = fetch(&broker, "/api/connections").await;
    assert_eq!(connections.as_array().unwrap().len(), 1);
    assert_eq!((&connections[0]["user"], &connections[0]["channels"]), (&json!("guest"), &json!(1)));
    assert_eq!(connections[0]["client_properties"]["capabilities"]["publisher_confirms"], true);
}

#[tokio::test]
async fn connection_can_be_closed_from_outside() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    let mut deliveries = {
        declare(&channel, "q", &[]).await;
        consume(&channel, "q", "").await
    };
    let connections = fetch(&broker, "/api/connections").await;
    let name = connections[0]["name"].as_str().unwrap().replace(' ', "%20").replace('>', "%3E");
    assert_eq!(ask(&broker, Method::DELETE, &format!("/api/connections/{name}"), None).await.0, StatusCode::NO_CONTENT);
    let end = within("the end", futures_util::StreamExt::next(&mut deliveries)).await;
    assert!(matches!(end, Some(Err(_)) | None), "{end:?}");
    until("the connection to go", || async { fetch(&broker, "/api/connections").await == json!([]) }).await;
}
