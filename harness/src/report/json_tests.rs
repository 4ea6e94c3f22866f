use serde_json::json;

use super::*;
use crate::report::sample;

const SCHEMA_FILE: &str = include_str!("../../schema/summary.schema.json");

/// The part of JSON Schema that the file uses; any other keyword is an error, so that nothing goes unchecked.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let keywords = schema.as_object().expect("a schema is an object");
    for (keyword, argument) in keywords {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let target =
                    argument.as_str().and_then(|text| root.pointer(text.strip_prefix('#')?)).expect("a target");
                errors.extend(validate(root, target, value, at));
            }
            "type" => {
                let allowed: Vec<&str> = match argument {
                    Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                let found = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_f64() => "number",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                if !allowed.iter().any(|one| *one == found || (*one == "number" && found == "integer")) {
                    errors.push(format!("{at}: {found} instead of {allowed:?}"));
                }
            }
            "const" if argument != value => errors.push(format!("{at}: {value} instead of {argument}")),
            "enum" if !argument.as_array().expect("a list").contains(value) => {
                errors.push(format!("{at}: {value} is not one of {argument}"))
            }
            "minimum" if value.as_f64() < argument.as_f64() => {
                errors.push(format!("{at}: {value} is below {argument}"))
            }
            "const" | "enum" | "minimum" => {}
            // Of what is no object, nothing is required.
            "required" if !value.is_object() => {}
            "required" => {
                for name in argument.as_array().expect("a list").iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        errors.push(format!("{at}: `{name}` is missing"));
                    }
                }
            }
            "additionalProperties" => {
                let known = keywords["properties"].as_object().expect("properties");
                for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    if !known.contains_key(name) {
                        errors.push(format!("{at}: `{name}` is not described"));
                    }
                }
            }
            "properties" => {
                for (name, part) in argument.as_object().expect("properties") {
                    if let Some(value) = value.get(name) {
                        errors.extend(validate(root, part, value, &format!("{at}/{name}")));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    errors.extend(validate(root, argument, item, &format!("{at}/{index}")));
                }
            }
            other => panic!("keyword `{other}` is not checked"),
        }
    }
    errors
}

fn problems(summary: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA_FILE).expect("the schema is JSON");
    validate(&schema, &schema, summary, "")
}

fn summary(run: &Run) -> Value {
    serde_json::from_str(&render(run).expect("render")).expect("JSON")
}

#[test]
fn summaries_follow_the_schema() {
    assert_eq!(problems(&summary(&sample::passed())), Vec::<String>::new());
    assert_eq!(problems(&summary(&sample::failed())), Vec::<String>::new());
    assert_eq!(problems(&summary(&sample::contracts_alone())), Vec::<String>::new());
}

#[test]
fn schema_notices_what_is_wrong() {
    let mut wrong = summary(&sample::passed());
    wrong["verdict"] = json!("great");
    wrong["chaos"][0]["invariants"][0]["checked"] = json!("many");
    wrong["load"]["extra"] = json!(1);
    wrong["contracts"].as_object_mut().expect("object").remove("expected");
    let found = problems(&wrong);
    assert_eq!(found.len(), 5, "the text is neither an integer nor above the minimum: {found:#?}");
}

#[test]
fn summary_names_the_culprits() {
    let summary = summary(&sample::failed());
    assert_eq!(summary["contracts"]["failed"][0]["provider"], "order");
    assert_eq!(summary["journeys"]["failed"][0]["journey"], "purchase");
    assert_eq!(summary["telemetry"]["findings"][0]["service"], "review");
    assert_eq!(summary["chaos"][0]["invariants"][0]["witness"]["found"], 0);
    assert_eq!(summary["chaos"][0]["recovery_s"], Value::Null);
    assert_eq!(summary["components"][0]["product"], "RabbitMQ");
}

#[test]
fn fields_of_the_summary_keep_their_order() {
    let text = render(&sample::passed()).expect("render");
    let order = [
        "\"schema\"",
        "\"system\"",
        "\"profile\"",
        "\"components\"",
        "\"seed\"",
        "\"verdict\"",
        "\"wall_s\"",
        "\"ready_s\"",
        "\"replay\"",
    ];
    let places: Vec<_> = order.iter().map(|field| text.find(field).expect("present")).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_interaction_of_a_verification_is_told() {
    let contracts = &summary(&sample::contracts_alone())["contracts"];
    insta::assert_snapshot!(format!("{contracts:#}"));
}
