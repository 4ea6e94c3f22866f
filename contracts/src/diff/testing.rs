//! Small documents and pacts for the tests of the rules: one operation, one event, one consumer called `web`.

use serde_json::{Value, json};

use super::{Level, Usage, diff};
use crate::document::Document;
use crate::store::load_file;

/// A document whose one operation, `POST /things/{id}`, is this.
pub(super) fn operation(operation: Value) -> Document {
    openapi(json!({ "/things/{id}": { "post": operation } }))
}

/// A document with these paths.
pub(super) fn openapi(paths: Value) -> Document {
    let document = json!({ "openapi": "3.1.0", "info": { "title": "shop", "version": "1" }, "paths": paths });
    Document::from_value("shop.json".as_ref(), document).unwrap()
}

/// One whose request has a body like this.
pub(super) fn takes(schema: Value) -> Document {
    operation(json!({
        "requestBody": { "content": { "application/json": { "schema": schema } } },
        "responses": { "200": { "description": "" } },
    }))
}

/// One whose response has a body like this.
pub(super) fn answers(schema: Value) -> Document {
    operation(json!({ "responses": { "200": { "content": { "application/json": { "schema": schema } } } } }))
}

/// An object with these properties, all of them required.
pub(super) fn object(properties: Value) -> Value {
    let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

/// A document of one event, `thing.made.v1`, that is this message.
pub(super) fn event(message: Value) -> Document {
    events(json!({ "thing.made.v1": { "messages": { "Made": message } } }))
}

/// A document with these channels, on which everything is sent.
pub(super) fn events(channels: Value) -> Document {
    let document = json!({ "asyncapi": "3.0.0", "info": { "title": "shop", "version": "1" }, "channels": channels });
    Document::from_value("shop.json".as_ref(), document).unwrap()
}

/// Use by a consumer that sends this and expects nothing but a success.
pub(super) fn sends(body: Value) -> Usage {
    uses(json!({ "body": json_body(body) }), json!({ "status": 200 }))
}

/// Use by a consumer that reads this in the response.
pub(super) fn reads(body: Value) -> Usage {
    uses(json!({}), json!({ "status": 200, "body": json_body(body) }))
}

/// Use by a consumer that reads this, with a pattern for one path.
pub(super) fn reads_like(body: Value, path: &str, pattern: &str) -> Usage {
    let rules = json!({ "body": { path: { "matchers": [{ "match": "regex", "regex": pattern }] } } });
    uses(json!({}), json!({ "status": 200, "body": json_body(body), "matchingRules": rules }))
}

/// Use by a consumer that asks and expects this.
pub(super) fn uses(mut request: Value, response: Value) -> Usage {
    request["method"] = "POST".into();
    request["path"] = "/things/7".into();
    usage(json!({
        "type": "Synchronous/HTTP", "description": "making a thing", "request": request, "response": response,
    }))
}

/// Use by a consumer that hears this in the event.
pub(super) fn hears(payload: Value, metadata: Value) -> Usage {
    let mut metadata = metadata;
    metadata["type"] = "thing.made.v1".into();
    usage(json!({
        "type": "Asynchronous/Messages", "description": "a thing was made", "contents": json_body(payload),
        "metadata": metadata,
    }))
}

/// Known use, by nobody.
pub(super) fn nobody() -> Usage {
    Usage::of(&[], "shop")
}

fn json_body(content: Value) -> Value {
    json!({ "content": content, "contentType": "application/json", "encoded": false })
}

fn usage(interaction: Value) -> Usage {
    let pact = json!({
        "consumer": { "name": "web" }, "provider": { "name": "shop" }, "interactions": [interaction],
        "metadata": { "pactSpecification": { "version": "4.0" } },
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("web-shop.json");
    std::fs::write(&file, pact.to_string()).unwrap();
    Usage::of(&[load_file(&file).unwrap()], "shop")
}

/// Rules whose findings are errors; each names `web` unless nobody knows who uses what.
pub(super) fn errors(before: &Document, after: &Document, usage: &Usage) -> Vec<&'static str> {
    let findings = diff(before, after, usage).into_iter().filter(|finding| finding.level == Level::Error);
    let rules = findings.map(|finding| {
        let users: Vec<&str> = finding.used_by.iter().map(|user| user.consumer.as_str()).collect();
        assert!(!usage.is_known() || users == ["web"], "{finding:?}");
        finding.rule
    });
    rules.collect()
}

/// Rules whose findings are warnings.
pub(super) fn warnings(before: &Document, after: &Document, usage: &Usage) -> Vec<&'static str> {
    let findings = diff(before, after, usage).into_iter().filter(|finding| finding.level == Level::Warning);
    findings.map(|finding| finding.rule).collect()
}

/// One rule at work: an error for who uses what changed, the same when nobody knows, a warning when nobody uses it, and
/// nothing at all the other way round.
pub(super) fn breaks(rule: &str, before: &Document, after: &Document, usage: &Usage) {
    assert_eq!(errors(before, after, usage), [rule]);
    assert_eq!(errors(before, after, &Usage::unknown()), [rule]);
    assert_eq!(warnings(before, after, &nobody()), [rule]);
    assert_eq!(diff(before, before, usage), []);
}

/// Nothing is found, whoever uses it.
pub(super) fn holds(before: &Document, after: &Document, usage: &Usage) {
    for usage in [usage, &Usage::unknown(), &nobody()] {
        assert_eq!(diff(before, after, usage), []);
    }
}
