//! Reading documents: what is understood, and what is refused with its place.

use std::collections::BTreeSet;
use std::fs;

use contracts::document::{Document, Kind, Place};
use serde_json::{Value, json};

use crate::shop::{asyncapi, openapi};

fn refused(document: Value) -> String {
    Document::from_value("shop.json".as_ref(), document).unwrap_err().to_string()
}

/// The shop with something else at one place.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = openapi();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

#[test]
fn operations_are_read_with_all_that_is_referred_to() {
    let document = Document::from_value("shop.json".as_ref(), openapi()).unwrap();
    let model = document.model();
    let names: Vec<String> = model.operations.iter().map(|operation| operation.name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let order = model.operation("POST", "/api/orders").unwrap();
    assert_eq!((order.parameters[0].place, order.parameters[0].name), (Place::Header, "Idempotency-Key"));
    assert!(order.body.as_ref().unwrap().required);
    assert_eq!(order.response(201).unwrap().headers[0].name, "ETag");
    assert_eq!(order.response(418).unwrap().status, "4XX");
    assert!(order.response(500).is_none());
    let read = model.operation("GET", "/api/orders/7").unwrap();
    assert_eq!(read.parameters_in("/api/orders/7"), Some(vec![("id", "7")]));
    assert_eq!(read.parameters.len(), 2);
}

#[test]
fn yaml_says_the_same_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.yaml");
    let yaml = "openapi: 3.0.3\npaths:\n  /things:\n    get:\n      responses:\n        '200': { description: All. }\n";
    fs::write(&path, yaml).unwrap();
    let document = Document::load(&path).unwrap();
    assert_eq!(document.kind(), Kind::OpenApi30);
    assert_eq!(document.model().operations[0].name(), "GET /things");
    fs::write(&path, "openapi: [3.0.3").unwrap();
    let error = Document::load(&path).unwrap_err().to_string();
    assert!(error.contains("shop.yaml`: it is not YAML: "), "{error}");
}

#[cfg(unix)]
#[test]
fn sockets_and_devices_are_refused_before_they_are_opened() {
    use std::os::unix::net::UnixListener;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket.json");
    let _listener = UnixListener::bind(&socket).unwrap();
    let endless = dir.path().join("endless.json");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    for path in [&socket, &endless, &dir.path().to_owned()] {
        let error = Document::load(path).unwrap_err().to_string();
        assert!(error.ends_with("`: it is no regular file, expected one that can be read to its end"), "{error}");
    }
}

#[test]
fn yaml_that_explodes_is_refused() {
    let mut yaml = "openapi: 3.0.3\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let again = format!("*a{}, ", at - 1).repeat(10);
        yaml.push_str(&format!("a{at}: &a{at} [{again}]\n"));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.yml");
    fs::write(&path, yaml).unwrap();
    let error = Document::load(&path).unwrap_err().to_string();
    assert!(error.contains("bomb.yml`: it is not YAML: ") && error.len() < 2_000, "{error}");
}

#[test]
fn events_of_both_versions_are_those_that_are_sent() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let names = |document: Value| {
        let document = Document::from_value("shop.json".as_ref(), document).unwrap();
        document.model().events.iter().map(|event| event.name.to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(asyncapi()), set(&["Lost", "Paid"]));
    let mut heard = asyncapi();
    heard["operations"]["send"]["action"] = "receive".into();
    assert_eq!(names(heard), set(&[]));
    let second = json!({
        "asyncapi": "2.6.0",
        "channels": {
            "order/paid": { "subscribe": { "message": {
                "oneOf": [{ "$ref": "#/components/messages/Paid" }, { "name": "Lost" }],
            } } },
            "order/make": { "publish": { "message": { "name": "Make" } } },
        },
        "components": { "messages": { "Paid": { "name": "Paid", "payload": { "type": "object" } } } },
    });
    assert_eq!(names(second), set(&["Lost", "Paid"]));
}

#[test]
fn references_out_of_the_document_or_nowhere_are_refused_with_their_place() {
    let schema = "/components/schemas/Order";
    assert_eq!(
        refused(with(schema, json!({ "$ref": "other.yaml#/Order" }))),
        "`shop.json` at `/components/schemas/Order/$ref`: `other.yaml#/Order` leads out of the document, expected \
         `#/...`: bundle the document into one file"
    );
    assert_eq!(
        refused(with(schema, json!({ "items": { "$ref": "#/components/schemas/Odrer" } }))),
        "`shop.json` at `/components/schemas/Order/items/$ref`: `#/components/schemas/Odrer` leads nowhere, expected a \
         JSON pointer to something in this document"
    );
    let circle = json!({ "$ref": "#/components/schemas/Order" });
    assert!(refused(with(schema, circle)).ends_with("leads to itself through other references"));
    let named = json!({ "properties": { "example": { "$ref": "#/nowhere" } } });
    assert!(refused(with(schema, named)).contains("/properties/example/$ref`: `#/nowhere` leads nowhere"));
    // Data is no reference.
    Document::from_value("shop.json".as_ref(), with(schema, json!({ "example": { "$ref": "nowhere" } }))).unwrap();
}

#[test]
fn a_name_like_a_keyword_of_data_hides_no_reference() {
    let nowhere = || json!({ "$ref": "#/nowhere" });
    let content = json!({ "content": { "application/json": { "schema": nowhere() } } });
    for name in ["default", "example", "examples", "const", "enum"] {
        for (place, value) in [
            ("/components/schemas", json!({ name: nowhere() })),
            ("/components/responses", json!({ name: content.clone() })),
            ("/components/parameters", json!({ name: { "in": "query", "name": "q", "schema": nowhere() } })),
            ("/paths/~1orders~1{id}/get/responses", json!({ name: content.clone() })),
        ] {
            let mut document = openapi();
            let named = document.pointer_mut(place).unwrap().as_object_mut().unwrap();
            named.extend(value.as_object().unwrap().clone());
            let error = refused(document);
            assert!(error.contains(&format!("at `{place}/{name}")) && error.contains("`#/nowhere` leads"), "{error}");
        }
        let mut document = asyncapi();
        document["channels"]["orders"]["messages"][name] = json!({ "payload": { "$ref": "other.json" } });
        let error = refused(document);
        assert!(error.contains(&format!("/messages/{name}/payload/$ref`: `other.json` leads out")), "{error}");
    }
}

#[test]
fn data_that_is_used_as_a_schema_is_looked_at_as_one() {
    let mut document = openapi();
    document["components"]["schemas"]["Odd"] = json!({ "example": { "items": { "$ref": "#/nowhere" } } });
    document["components"]["examples"] = json!({ "Free": { "value": { "$ref": "any text" } } });
    Document::from_value("shop.json".as_ref(), document.clone()).unwrap();
    document["components"]["schemas"]["Order"] = json!({ "$ref": "#/components/schemas/Odd/example" });
    let error = refused(document);
    assert!(error.contains("at `/components/schemas/Odd/example/items/$ref`: `#/nowhere` leads nowhere"), "{error}");
}

#[test]
fn parts_of_another_shape_are_refused_with_their_place() {
    let place = "/paths/~1orders~1{id}/get/parameters";
    assert_eq!(refused(with(place, json!({}))), format!("`shop.json` at `{place}`: expected a list of parameters"));
    let error = refused(with(place, json!([{ "in": "body", "name": "a" }])));
    assert_eq!(error, format!("`shop.json` at `{place}/0`: expected `in` to be path, query, header or cookie"));
    assert!(refused(with("/paths", json!([]))).contains("expected an object of paths"));
}

#[test]
fn other_documents_are_refused() {
    for (document, found) in [
        (json!({ "swagger": "2.0" }), "Swagger 2"),
        (json!({ "openapi": "4.0.0" }), "OpenAPI `4.0.0`"),
        (json!({ "asyncapi": "1.2.0" }), "AsyncAPI `1.2.0`"),
        (json!([]), "a file without `openapi` or `asyncapi`"),
    ] {
        let error = refused(document);
        assert!(error.starts_with(&format!("`shop.json`: it is {found}, expected OpenAPI 3.0 or 3.1")), "{error}");
    }
}

#[test]
fn what_expands_to_too_much_is_refused() {
    let parameters: Vec<Value> = (0..600).map(|at| json!({ "in": "query", "name": format!("q{at}") })).collect();
    let mut paths = serde_json::Map::new();
    for at in 0..400 {
        paths.insert(format!("/{at}"), json!({ "$ref": "#/components/pathItems/Many" }));
    }
    let document = json!({
        "openapi": "3.1.0", "paths": paths,
        "components": { "pathItems": { "Many": { "get": { "parameters": parameters, "responses": {} } } } },
    });
    assert!(refused(document).contains("entries once its references are followed, expected at most 200000"));
    let mut deep = json!({});
    for _ in 0..200 {
        deep = json!({ "items": deep });
    }
    assert!(refused(json!({ "openapi": "3.1.0", "components": deep })).contains("expected at most 128"));
}
