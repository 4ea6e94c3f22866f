//! One comparison with everything in it.

use contracts::diff::{Level, Summary, Usage, diff};
use contracts::document::Document;
use contracts::store::load_file;
use serde_json::{Value, json};

fn document(operations: Value) -> Document {
    Document::from_value("shop.json".as_ref(), json!({ "openapi": "3.1.0", "paths": operations })).unwrap()
}

fn read(properties: Value) -> Value {
    let schema = json!({ "type": "object", "properties": properties });
    json!({ "get": { "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } })
}

fn usage() -> Usage {
    let interaction = json!({
        "type": "Synchronous/HTTP", "description": "reading a thing", "providerStates": [{ "name": "a thing exists" }],
        "request": { "method": "GET", "path": "/things/7" },
        "response": {
            "status": 200,
            "body": { "content": { "price": 3 }, "contentType": "application/json", "encoded": false },
        },
    });
    let pact = json!({
        "consumer": { "name": "web" }, "provider": { "name": "shop" }, "interactions": [interaction],
        "metadata": { "pactSpecification": { "version": "4.0" } },
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("web-shop.json");
    std::fs::write(&file, pact.to_string()).unwrap();
    Usage::of(&[load_file(&file).unwrap()], "shop")
}

#[test]
fn the_text_names_what_broke_where_and_for_whom() {
    let before = document(json!({
        "/things/{id}": read(json!({ "price": { "type": "integer" }, "tax": {}, "fee": {} })),
        "/parts": read(json!({})),
    }));
    let after = document(json!({ "/things/{id}": read(json!({ "price": { "type": "string" } })) }));
    let findings = diff(&before, &after, &usage());
    assert_eq!(
        Summary(&findings).to_string(),
        "\
Changes that break consumers:

  response-type-changed: it was integer and is string now
    GET /things/{id}: response 200 `$.price`
      used by web: `reading a thing` (given a thing exists)

Changes that no recorded consumer depends on:

  operation-removed: the operation is gone
    GET /parts
  response-property-removed: the field is gone
    GET /things/{id}: response 200 `$.fee`
    GET /things/{id}: response 200 `$.tax`

Failed: 1 error, 3 warnings"
    );
    let json = serde_json::to_value(&findings[0]).unwrap();
    assert_eq!(json["used_by"][0]["consumer"], "web");
    assert_eq!((&json["level"], &json["rule"]), (&json!("error"), &json!("response-type-changed")));
}

#[test]
fn nothing_is_said_of_what_is_added() {
    let before = document(json!({ "/things/{id}": read(json!({ "price": {} })) }));
    let after = document(json!({ "/things/{id}": read(json!({ "price": {}, "tax": {} })), "/parts": read(json!({})) }));
    assert_eq!(
        Summary(&diff(&before, &after, &usage())).to_string(),
        "Passed: nothing that consumers depend on has changed"
    );
    assert_eq!(diff(&before, &after, &Usage::unknown()), []);
}

#[test]
fn documents_of_different_kinds_have_nothing_in_common() {
    let before = document(json!({ "/parts": read(json!({})) }));
    let after = Document::from_value("shop.json".as_ref(), json!({ "asyncapi": "3.0.0" })).unwrap();
    let findings = diff(&before, &after, &Usage::unknown());
    assert_eq!((findings.len(), findings[0].rule), (1, "operation-removed"));
}

#[test]
fn what_is_too_deep_to_be_compared_is_told() {
    let mut schemas = serde_json::Map::new();
    for at in 0..40 {
        schemas.insert(
            format!("S{at}"),
            json!({ "properties": { "next": { "$ref": format!("#/components/schemas/S{}", at + 1) } } }),
        );
    }
    schemas.insert("S40".to_owned(), json!({}));
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/S0" } } });
    let document = json!({
        "openapi": "3.1.0", "components": { "schemas": schemas },
        "paths": { "/deep": { "get": { "responses": { "200": { "content": content } } } } },
    });
    let document = Document::from_value("deep.json".as_ref(), document).unwrap();
    let findings = diff(&document, &document, &usage());
    assert_eq!((findings.len(), findings[0].level, findings[0].rule), (1, Level::Error, "not-compared"));
}
