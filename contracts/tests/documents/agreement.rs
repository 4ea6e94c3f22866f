//! The gateway describes what it passes on as the service behind it does.

use std::collections::BTreeSet;

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
    let mut differences = Vec::new();
    let pairs = pairs(&documents).filter(|pair| !pair.ours.is["requestBody"].is_null() && !pair.has_own_body());
    let mut compared = 0;
    for Pair { gateway, ours, service, theirs } in pairs {
        compare(name(&ours), (gateway, body(&ours)), (service, body(&theirs)), &mut differences);
        compared += 1;
    }
    assert!(compared > 10, "only {compared} bodies were compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn parameters_beside_the_path_are_those_of_the_service() {
    for pair in pairs(&files::openapi()) {
        let (ours, theirs) = (parameters(&pair.ours), parameters(&pair.theirs));
        assert_eq!(ours, theirs, "{}", name(&pair.ours));
    }
}

/// A refusal of a body that the gateway fills in is none of its clients': they cannot cause it.
#[test]
fn refusals_of_the_service_are_told_by_the_gateway() {
    let mut untold = Vec::new();
    for pair in pairs(&files::openapi()) {
        let statuses = pair.theirs.is["responses"].as_object().into_iter().flatten();
        for (status, _) in statuses.filter(|(status, _)| status.starts_with('4') || *status == "503") {
            if status == "400" && pair.has_own_body() {
                continue;
            }
            let told = codes(&pair.ours, status);
            let codes = codes(&pair.theirs, status);
            // The gateway brings the token along that services ask for.
            let codes = codes.difference(&told).filter(|code| !code.starts_with("token_")).collect::<Vec<_>>();
            if !codes.is_empty() {
                untold.push(format!("{} {status}: {codes:?}", name(&pair.ours)));
            }
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

/// An operation of the gateway, and the one of the service behind it that has the same path.
struct Pair<'d> {
    gateway: &'d Value,
    ours: Operation<'d>,
    service: &'d Value,
    theirs: Operation<'d>,
}

impl Pair<'_> {
    fn has_own_body(&self) -> bool {
        OWN_BODY.contains(&name(&self.ours))
    }
}

fn pairs<'d>(documents: &'d [(&'static str, Value)]) -> impl Iterator<Item = Pair<'d>> {
    let gateway = &documents.iter().find(|(name, _)| *name == "gateway").unwrap().1;
    let pairs = operations(gateway).into_iter().filter(|ours| ours.path.starts_with("/api/")).filter_map(move |ours| {
        let services = documents.iter().filter(|(name, _)| *name != "gateway");
        let mut behind = services.flat_map(|(_, service)| operations(service).into_iter().map(move |it| (service, it)));
        let (service, theirs) = behind.find(|(_, theirs)| place(theirs) == place(&ours))?;
        Some(Pair { gateway, ours, service, theirs })
    });
    let pairs = pairs.collect::<Vec<_>>();
    assert!(pairs.len() > 50, "only {} operations have a service behind them", pairs.len());
    pairs.into_iter()
}

fn name<'d>(operation: &Operation<'d>) -> &'d str {
    operation.is["operationId"].as_str().unwrap()
}

/// Place, name and schema of the parameters of a query and of headers.
fn parameters(operation: &Operation<'_>) -> BTreeSet<String> {
    let parameters = operation.is["parameters"].as_array().into_iter().flatten();
    let beside = parameters.filter(|parameter| parameter["in"] != "path");
    beside.map(|it| format!("{} {} {} {}", it["in"], it["name"], it["required"], it["schema"])).collect()
}

/// The codes that the description of a status lists.
fn codes<'d>(operation: &Operation<'d>, status: &str) -> BTreeSet<&'d str> {
    let description = operation.is["responses"][status]["description"].as_str().unwrap_or_default();
    description.split('`').skip(1).step_by(2).collect()
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
