//! A provider with one document of each kind, and pacts with it.

use contracts::coverage::{Coverage, Promises, measure};
use contracts::document::Document;
use contracts::store::{Pact, load_file};
use serde_json::{Value, json};

pub(crate) fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "shop", "version": "1.0.0" },
        "servers": [{ "url": "https://shop.example/api/" }],
        "paths": {
            "/orders": { "post": {
                "parameters": [{ "$ref": "#/components/parameters/Key" }],
                "requestBody": { "required": true, "content": { "application/json": { "schema": {
                    "type": "object", "additionalProperties": false, "required": ["amount"],
                    "properties": { "amount": { "type": "integer", "minimum": 1 }, "note": { "type": "string" } },
                } } } },
                "responses": { "201": { "$ref": "#/components/responses/Order" }, "4XX": { "description": "refused" } },
            } },
            "/orders/{id}": {
                "parameters": [{ "in": "path", "name": "id", "required": true, "schema": { "type": "integer" } }],
                "get": {
                    "parameters": [{ "in": "query", "name": "full", "schema": { "type": "boolean" } }],
                    "responses": { "200": { "$ref": "#/components/responses/Order" }, "404": {} },
                },
                "delete": { "responses": { "204": {} } },
            },
            "/orders/latest": { "get": { "responses": { "200": { "$ref": "#/components/responses/Order" } } } },
        },
        "components": {
            "parameters": { "Key": {
                "in": "header", "name": "Idempotency-Key", "required": true, "schema": { "maxLength": 4 },
            } },
            "responses": { "Order": {
                "headers": { "ETag": { "schema": { "type": "string" } } },
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } },
            } },
            "schemas": { "Order": { "type": "object", "properties": {
                "id": { "type": "integer" }, "state": { "type": "string", "enum": ["open", "done"] },
                "lines": { "type": "array", "items": {
                    "properties": { "title": { "type": "string" }, "price": { "type": "integer" } },
                } },
                "parent": { "$ref": "#/components/schemas/Order" },
            } } },
        },
    })
}

pub(crate) fn asyncapi() -> Value {
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let headers = |name: &str| object(json!({ "type": { "const": name }, "attempt": { "type": "integer" } }));
    let paid = object(json!({ "order": { "type": "string" }, "total": { "type": "integer" } }));
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "shop", "version": "1.0.0" },
        "defaultContentType": "application/json",
        "channels": { "orders": { "address": "shop.orders", "messages": {
            "Paid": { "headers": headers("order.paid.v1"), "payload": paid },
            "Lost": { "headers": headers("order.lost.v1"), "payload": { "type": "object" } },
        } } },
        "operations": { "send": { "action": "send", "channel": { "$ref": "#/channels/orders" } } },
    })
}

pub(crate) fn promises() -> Promises {
    let mut promises = Promises::default();
    for (name, document) in [("openapi.json", openapi()), ("asyncapi.json", asyncapi())] {
        promises.add("shop", Document::from_value(name.as_ref(), document).unwrap());
    }
    promises
}

pub(crate) fn pact(consumer: &str, provider: &str, interactions: Value) -> Pact {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("{consumer}-{provider}.json"));
    let document = json!({
        "consumer": { "name": consumer }, "provider": { "name": provider }, "interactions": interactions,
        "metadata": { "pactSpecification": { "version": "4.0" } },
    });
    std::fs::write(&path, document.to_string()).unwrap();
    load_file(&path).unwrap()
}

pub(crate) fn body(content: Value) -> Value {
    json!({ "content": content, "contentType": "application/json", "encoded": false })
}

/// An interaction that asks for an order.
pub(crate) fn get(path: &str, response: Value) -> Value {
    json!({
        "type": "Synchronous/HTTP", "description": format!("reading {path}"),
        "request": { "method": "GET", "path": path }, "response": response,
    })
}

pub(crate) fn post(request: Value, response: Value) -> Value {
    let mut request = request;
    request["method"] = "POST".into();
    request["path"] = "/api/orders".into();
    json!({ "type": "Synchronous/HTTP", "description": "ordering", "request": request, "response": response })
}

pub(crate) fn message(metadata: Value, payload: Value) -> Value {
    json!({
        "type": "Asynchronous/Messages", "description": "an order was paid",
        "metadata": metadata, "contents": body(payload),
    })
}

/// What is covered of the shop by one consumer.
pub(crate) fn covered(interactions: Value) -> Coverage {
    measure(&promises(), &[pact("web", "shop", interactions)])
}

/// Problems of one consumer's pact, without the name of its file.
pub(crate) fn problems(interactions: Value) -> Vec<String> {
    let problems = covered(interactions).problems;
    problems.iter().map(|problem| problem.to_string().split_once(".json: ").unwrap().1.to_owned()).collect()
}
