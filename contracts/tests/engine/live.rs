//! Contracts held against what is seen of a running system.

use contracts::live::{Answer, Call, Live, Message, Watch};
use serde_json::{Value, json};

use crate::shop::{order, pact, paid};

fn message(metadata: &Value, body: &Value) -> Message {
    Message {
        metadata: metadata.as_object().unwrap().clone().into_iter().collect(),
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into(),
    }
}

/// `an order was paid` as it travels: with the metadata of the contract and some more.
fn paid_message(body: &Value) -> Message {
    let metadata = json!({
        "type": "shop.order-paid.v1", "id": "77", "contentType": "application/json",
        "routingKey": "orders.paid", "x-correlation-id": "c-1",
    });
    message(&metadata, body)
}

async fn seen(interactions: Value, messages: &[Message]) -> Live {
    let mut watch = Watch::new(&[pact(interactions)]);
    for message in messages {
        watch.message(message).await;
    }
    watch.report()
}

#[tokio::test]
async fn message_that_fits_its_contract_breaks_nothing() {
    let live = seen(json!([paid()]), &[paid_message(&json!({ "order": "another", "total": 3 }))]).await;
    assert_eq!((live.messages.seen, live.messages.checked), (1, 1));
    assert_eq!((live.broken, live.unknown_fields, live.never_seen), (vec![], vec![], vec![]));
}

#[tokio::test]
async fn renamed_field_on_the_wire_is_named_with_consumer_count_and_correlation_id() {
    let wrong = paid_message(&json!({ "orderId": "o", "total": 3 }));
    let live = seen(json!([paid()]), &[wrong.clone(), wrong]).await;
    let [broken] = live.broken.as_slice() else { panic!("{live:?}") };
    assert_eq!((broken.consumer.as_str(), broken.provider.as_str(), broken.count), ("mail", "shop", 2));
    assert_eq!((broken.name.as_str(), broken.correlation_id.as_deref()), ("shop.order-paid.v1", Some("c-1")));
    assert_eq!(
        broken.mismatches,
        ["$.order: expected a value like \"o-7\", but the field is missing (the answer has `orderId` instead)"]
    );
    assert_eq!(live.unknown_fields[0].fields, ["$.orderId"]);
}

#[tokio::test]
async fn metadata_that_is_lost_or_wrong_on_the_wire_is_named() {
    let mut lost = paid_message(&json!({ "order": "o", "total": 3 }));
    lost.metadata.remove("id");
    let live = seen(json!([paid()]), &[lost]).await;
    assert_eq!(live.broken[0].mismatches, ["metadata `id`: expected `1`, but the key is missing"]);
    let mut wrong = paid_message(&json!({ "order": "o", "total": 3 }));
    wrong.metadata.insert("id".to_owned(), json!("not a number"));
    let live = seen(json!([paid()]), &[wrong]).await;
    assert!(live.broken[0].mismatches[0].starts_with("metadata `id`: expected"), "{live:?}");
}

#[tokio::test]
async fn value_without_a_rule_is_an_example_and_its_type_is_a_promise() {
    let mut pinned = paid();
    pinned["matchingRules"].as_object_mut().unwrap().remove("body");
    let live = seen(json!([pinned.clone()]), &[paid_message(&json!({ "order": "o-8", "total": 5 }))]).await;
    assert_eq!(live.broken, vec![], "the state in which these values come is not this one");
    let live = seen(json!([pinned]), &[paid_message(&json!({ "order": "o-8", "total": "5" }))]).await;
    assert!(live.broken[0].mismatches[0].starts_with("$.total: expected"), "{live:?}");
}

#[tokio::test]
async fn one_of_several_interactions_of_a_consumer_has_to_fit() {
    let mut other = paid();
    other["description"] = json!("an order was paid with a voucher");
    other["contents"]["content"] = json!({ "order": "o-7", "voucher": "v-1" });
    other["matchingRules"]["body"] = json!({ "$.voucher": { "combine": "AND", "matchers": [{ "match": "type" }] } });
    let with_voucher = paid_message(&json!({ "order": "o", "voucher": "v" }));
    let live = seen(json!([paid(), other.clone()]), &[with_voucher]).await;
    assert_eq!(live.broken, vec![]);
    let live = seen(json!([paid(), other]), &[paid_message(&json!({ "order": "o" }))]).await;
    assert_eq!(live.broken.len(), 1);
}

#[tokio::test]
async fn event_without_contract_and_contract_without_event_are_told() {
    let stranger = message(&json!({ "type": "shop.order-shipped.v1", "routingKey": "orders.shipped" }), &json!({}));
    let nameless = message(&json!({}), &json!({}));
    let live = seen(json!([paid()]), &[stranger.clone(), stranger, nameless]).await;
    let told: Vec<_> =
        live.without_contract.iter().map(|one| (one.kind.as_str(), one.name.as_str(), one.seen)).collect();
    assert_eq!(told, [("event", "(no name)", 1), ("event", "shop.order-shipped.v1", 2)]);
    assert_eq!(
        (live.never_seen[0].event.as_str(), &live.never_seen[0].consumers),
        ("shop.order-paid.v1", &vec!["mail".to_owned()])
    );
    assert_eq!((live.messages.seen, live.has_checked()), (3, false));
}

#[tokio::test]
async fn contract_that_names_no_event_is_told_and_pending_ones_are_not_held_against_anybody() {
    let mut nameless = paid();
    nameless["metadata"] = json!({ "contentType": "application/json" });
    nameless["matchingRules"]["metadata"] = json!({});
    let live = seen(json!([nameless]), &[]).await;
    assert!(live.notes[0].contains("`an order was paid` of `mail`"), "{live:?}");
    let mut pending = paid();
    pending["pending"] = json!(true);
    let live = seen(json!([pending]), &[paid_message(&json!({}))]).await;
    assert_eq!((live.broken.len(), live.without_contract.len()), (0, 1));
}

#[tokio::test]
async fn of_many_messages_all_are_counted_and_some_compared() {
    let mut watch = Watch::new(&[pact(json!([paid()]))]);
    let message = paid_message(&json!({ "order": "o", "total": 3 }));
    for _ in 0..300 {
        watch.message(&message).await;
    }
    let live = watch.report();
    assert_eq!((live.messages.seen, live.messages.checked), (300, 120));
    for number in 0..700 {
        let mut stranger = message.clone();
        stranger.metadata.insert("type".to_owned(), json!(format!("event-{number}")));
        watch.message(&stranger).await;
    }
    let live = watch.report();
    assert_eq!((live.messages.seen, live.without_contract.len()), (1000, 500));
    assert!(live.notes[0].starts_with("200 messages, answers and calls were only counted"), "{live:?}");
}

fn answer(path: &str, status: u16, body: &Value) -> Answer {
    Answer {
        provider: "shop".to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        status,
        headers: [("content-type".parse().unwrap(), "application/json".parse().unwrap())].into_iter().collect(),
        body: body.to_string().into(),
        correlation_id: Some("c-9".to_owned()),
    }
}

#[tokio::test]
async fn answer_of_another_object_fits_by_shape_and_a_wrong_type_does_not() {
    let right = json!({ "total": 9, "currency": "USD", "lines": [], "extra": { "deep": 1 } });
    let mut watch = Watch::new(&[pact(json!([order()]))]);
    watch.answer(&answer("/orders/019a-77?full=1", 200, &right)).await;
    let live = watch.report();
    assert_eq!((live.responses.seen, live.responses.checked, live.broken.len()), (1, 1, 0), "{live:?}");
    assert_eq!(
        (live.unknown_fields[0].name.as_str(), &live.unknown_fields[0].fields),
        ("GET /orders/{}", &vec!["$.extra".to_owned()])
    );
    watch.answer(&answer("/orders/8", 200, &json!({ "total": "9", "currency": "USD", "lines": [] }))).await;
    watch.answer(&answer("/orders/8", 404, &json!({ "code": "no_such_order" }))).await;
    watch.answer(&answer("/carts/8", 200, &json!({}))).await;
    let live = watch.report();
    assert_eq!((live.responses.seen, live.responses.checked), (4, 2));
    assert_eq!(live.broken[0].mismatches, ["$.total: expected '9' (String) to be an integer"]);
    assert_eq!(
        (live.without_contract[0].kind.as_str(), live.without_contract[0].name.as_str()),
        ("operation", "shop GET /carts/{}")
    );
}

#[tokio::test]
async fn call_that_nobody_has_a_contract_for_is_told() {
    let mut watch = Watch::new(&[pact(json!([order()]))]);
    let call = |consumer: &str, route: &str| Call {
        consumer: consumer.to_owned(),
        provider: "shop".to_owned(),
        method: "GET".to_owned(),
        route: route.to_owned(),
    };
    watch.call(call("mail", "/orders/{id}"));
    watch.call(call("web", "/orders/{id}"));
    watch.call(call("mail", "/orders/{id}/lines"));
    let live = watch.report();
    assert_eq!((live.calls.seen, live.calls.checked), (3, 1));
    let told: Vec<_> = live.without_contract.iter().map(|one| (one.consumer.as_deref(), one.name.as_str())).collect();
    assert_eq!(told, [(Some("mail"), "shop GET /orders/{id}/lines"), (Some("web"), "shop GET /orders/{id}")]);
}

fn document(file: &str, content: Value) -> contracts::document::Document {
    contracts::document::Document::from_value(file.as_ref(), content).expect("a document")
}

#[tokio::test]
async fn message_that_parts_from_the_document_is_told_and_fails_nobody() {
    let payload = json!({
        "type": "object", "additionalProperties": false, "required": ["order", "total", "currency"],
        "properties": { "order": { "type": "string" }, "total": { "type": "integer" }, "currency": { "type": "string" } },
    });
    let document = document(
        "shop.json",
        json!({
            "asyncapi": "3.0.0", "info": { "title": "shop", "version": "1" },
            "channels": { "paid": { "address": "orders.paid", "messages": { "paid": { "name": "shop.order-paid.v1", "payload": payload } } } },
            "operations": { "send": { "action": "send", "channel": { "$ref": "#/channels/paid" } } },
        }),
    );
    let documents = [("shop".to_owned(), vec![document])].into();
    let mut watch = Watch::new(&[pact(json!([paid()]))]).with_documents(&documents);
    watch.message(&paid_message(&json!({ "order": "o", "total": 3, "currency": "EUR" }))).await;
    assert_eq!(watch.report().undocumented, vec![]);
    watch.message(&paid_message(&json!({ "order": "o", "total": 3, "extra": 1 }))).await;
    watch.message(&message(&json!({ "type": "shop.order-shipped.v1" }), &json!({}))).await;
    let live = watch.report();
    assert_eq!(live.broken, vec![]);
    let told: Vec<_> = live.undocumented.iter().map(|one| (one.name.as_str(), one.places.join("; "))).collect();
    assert_eq!(told[0].0, "shop.order-shipped.v1");
    assert!(told[0].1.contains("is in no AsyncAPI document"), "{told:?}");
    assert_eq!(told[1].0, "shop.order-paid.v1");
    assert!(told[1].1.contains("$.extra") && told[1].1.contains("currency"), "{told:?}");
}

#[tokio::test]
async fn answer_that_parts_from_the_document_is_told() {
    let body =
        json!({ "type": "object", "additionalProperties": false, "properties": { "total": { "type": "integer" } } });
    let document = document(
        "shop.json",
        json!({
            "openapi": "3.1.0", "info": { "title": "shop", "version": "1" },
            "paths": { "/orders/{id}": { "get": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
                "responses": { "200": { "description": "ok", "content": { "application/json": { "schema": body } } } },
            } } },
        }),
    );
    let documents = [("shop".to_owned(), vec![document])].into();
    let mut watch = Watch::new(&[pact(json!([order()]))]).with_documents(&documents);
    // By its document an operation is known even when nothing in the path looks like an identifier.
    watch.answer(&answer("/orders/newest", 200, &json!({ "total": "8" }))).await;
    watch.answer(&answer("/orders/8", 404, &json!({}))).await;
    watch.answer(&answer("/carts/8", 200, &json!({}))).await;
    assert_eq!(watch.report().without_contract.len(), 1);
    let told: Vec<String> = watch
        .report()
        .undocumented
        .iter()
        .map(|one| format!("{} {}: {}", one.provider, one.name, one.places.join("; ")))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("shop GET /carts/{}: is in no OpenAPI document of its provider"), "{told:?}");
    assert!(
        told[1].contains("the document has no status `404` here") && told[1].contains("$.total: expected"),
        "{told:?}"
    );
}
