//! Pacts that the documents do not bear out: each mistake is named by interaction and path.

use serde_json::{Value, json};

use crate::shop::{body, get, message, post, problems};

fn ordered(request: Value) -> Vec<String> {
    problems(json!([post(request, json!({ "status": 201 }))]))
}

fn answered(response: Value) -> Vec<String> {
    let problems = problems(json!([get("/api/orders/7", response)]));
    problems.into_iter().map(|problem| problem.replacen("`reading /api/orders/7`: ", "", 1)).collect()
}

#[test]
fn an_interaction_within_the_document_passes() {
    let headers =
        json!({ "idempotency-key": ["a"], "content-type": ["application/json"], "authorization": ["Bearer a"] });
    let request = json!({ "headers": headers, "body": body(json!({ "amount": 3, "note": "now" })) });
    assert_eq!(ordered(request), [""; 0]);
    let response = json!({ "status": 200, "headers": { "etag": ["a"], "content-type": ["application/json"] },
        "body": body(json!({ "id": 7, "state": "open", "parent": { "parent": { "id": 6 } } })) });
    assert_eq!(answered(response), [""; 0]);
}

#[test]
fn unknown_operations_are_named() {
    let found = problems(json!([get("/api/carts/7", json!({ "status": 200 }))]));
    assert_eq!(found, ["`reading /api/carts/7`: the provider's document has no such path: `GET /api/carts/7`"]);
    let found = problems(json!([get("/api/orders", json!({ "status": 200 }))]));
    assert_eq!(found, ["`reading /api/orders`: the provider's document has no such method: `GET /api/orders`"]);
    // Without the path of the server, it is another path.
    assert_eq!(problems(json!([get("/orders/7", json!({ "status": 200 }))])).len(), 1);
}

#[test]
fn requests_are_checked_in_every_part() {
    let found = ordered(json!({ "query": { "fast": ["1"] }, "body": body(json!({ "amount": "3", "tip": 1 })) }));
    assert_eq!(
        found,
        [
            "`ordering`: request body `$.amount`: expected integer, got `\"3\"`",
            "`ordering`: request body `$.tip`: the document allows no such field",
            "`ordering`: request header `Idempotency-Key`: the document requires it, but it is missing",
            "`ordering`: request query `fast`: the document has no such parameter",
        ]
    );
    let key = json!({ "idempotency-key": ["a-key-of-more"] });
    assert_eq!(
        ordered(json!({ "headers": key })),
        [
            "`ordering`: request body: the document requires one, but the pact has none",
            "`ordering`: request header `Idempotency-Key`: expected at most 4 characters, got 13",
        ]
    );
    let text = json!({ "content": "amount=3", "contentType": "text/csv", "encoded": false });
    let text = json!({ "headers": { "idempotency-key": ["a"] }, "body": text });
    assert_eq!(
        ordered(text),
        ["`ordering`: request body: the document has no `text/csv` here, expected application/json"]
    );
    let found = problems(json!([get("/api/orders/x", json!({ "status": 200 }))]));
    assert_eq!(found, ["`reading /api/orders/x`: request path `id`: expected integer, got `\"x\"`"]);
}

#[test]
fn whoever_expects_a_refusal_may_send_what_is_forbidden() {
    assert_eq!(
        problems(json!([post(json!({ "body": body(json!({ "amount": 0 })) }), json!({ "status": 400 }))])),
        [""; 0]
    );
}

#[test]
fn responses_are_checked_in_every_part() {
    assert_eq!(
        answered(json!({ "status": 201 })),
        ["response status: the document has no status 201, expected one of 200, 404"]
    );
    let headers = json!({ "status": 200, "headers": { "x-page": ["1"] } });
    assert_eq!(answered(headers), ["response header `x-page`: the document promises no such header"]);
    let found = answered(json!({
        "status": 200,
        "body": body(json!({ "id": "7", "state": "lost", "lines": [{ "name": "a" }], "price": 1 })),
    }));
    assert_eq!(
        found,
        [
            "response body `$.id`: expected integer, got `\"7\"`",
            "response body `$.lines[0].name`: the document promises no such field",
            "response body `$.price`: the document promises no such field",
            "response body `$.state`: expected `\"open\"` or `\"done\"`, got `\"lost\"`",
        ]
    );
    let found = answered(json!({ "status": 404, "body": body(json!({ "code": "gone" })) }));
    assert_eq!(found, ["response body: the document has no body with status 404, but the pact expects one"]);
}

#[test]
fn messages_are_checked_in_payload_and_metadata() {
    let paid = |metadata: Value, payload: Value| problems(json!([message(metadata, payload)]));
    assert_eq!(paid(json!({ "type": "order.paid.v1", "attempt": 1 }), json!({ "order": "7" })), [""; 0]);
    assert_eq!(
        paid(json!({ "type": "order.paid.v1", "attempt": "one" }), json!({ "order": 7, "tax": 1 })),
        [
            "`an order was paid`: metadata `attempt`: expected integer, got `\"one\"`",
            "`an order was paid`: payload `$.order`: expected string, got `7`",
            "`an order was paid`: payload `$.tax`: the document promises no such field",
        ]
    );
    let unknown = paid(json!({ "type": "order.paid.v2" }), json!({}));
    assert!(unknown[0].contains("no event whose name, type or address is in the metadata"), "{unknown:?}");
    // Two events share the address, so it does not say which one is meant.
    assert_eq!(paid(json!({ "topic": "shop.orders" }), json!({})).len(), 1);
}
