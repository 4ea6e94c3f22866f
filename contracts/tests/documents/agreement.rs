//! The gateway describes what it passes on as the service behind it does.

use serde_json::Value;

use super::files;
use super::operations::{Operation, operations};

/// Operations whose bodies the gateway fills in or out, so that they are none of the service's.
const OWN_BODY: [&str; 4] = ["messageSend", "orderCreate", "orderCreatePaymentIntent", "reviewCreate"];

/// Keywords that say what values are allowed; the gateway says enumerations by patterns.
const LIMITS: [&str; 9] =
    ["type", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties"];

/// The path without the gateway, and without the names of its parameters.
fn place(operation: &Operation<'_>) -> String {
    let path = operation.path.replace("/gateway", "");
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    format!("{} {}", operation.method, parts.collect::<Vec<_>>().join("/"))
}

#[test]
fn bodies_that_are_passed_on_have_the_limits_of_the_service() {
    let documents = files::openapi();
    let gateway = &documents.iter().find(|(name, _)| *name == "gateway").unwrap().1;
    let mut compared = 0;
    let mut differences = Vec::new();
    for ours in operations(gateway).iter().filter(|ours| !ours.is["requestBody"].is_null()) {
        let name = ours.is["operationId"].as_str().unwrap();
        if OWN_BODY.contains(&name) {
            continue;
        }
        let services = documents.iter().filter(|(name, _)| *name != "gateway");
        let behind = services.flat_map(|(_, document)| operations(document).into_iter().map(move |it| (document, it)));
        let (document, theirs) = behind.into_iter().find(|(_, theirs)| place(theirs) == place(ours)).unwrap();
        compare(name, (gateway, body(ours)), (document, body(&theirs)), &mut differences);
        compared += 1;
    }
    assert!(compared > 10, "only {compared} bodies were compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn body<'d>(operation: &Operation<'d>) -> &'d Value {
    &operation.is["requestBody"]["content"]["application/json"]["schema"]
}

/// The schema itself, where another one refers to it or allows null beside it.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(&reference[1..]).unwrap());
    }
    match schema["oneOf"].as_array() {
        Some(choices) if choices.iter().any(|choice| choice["type"] == "null") => {
            choices.iter().find(|choice| choice["type"] != "null").map_or(schema, |choice| resolved(document, choice))
        }
        _ => schema,
    }
}

fn compare(name: &str, ours: (&Value, &Value), theirs: (&Value, &Value), differences: &mut Vec<String>) {
    let (our_schema, their_schema) = (resolved(ours.0, ours.1), resolved(theirs.0, theirs.1));
    for keyword in LIMITS {
        let (ours, theirs) = (&our_schema[keyword], &their_schema[keyword]);
        if ours != theirs {
            differences.push(format!("{name}: `{keyword}` is {ours} at the gateway and {theirs} at the service"));
        }
    }
    for (property, schema) in our_schema["properties"].as_object().into_iter().flatten() {
        let theirs = (theirs.0, &their_schema["properties"][property]);
        compare(&format!("{name}.{property}"), (ours.0, schema), theirs, differences);
    }
}
