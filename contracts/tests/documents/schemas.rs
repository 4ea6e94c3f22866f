//! The documents are what their formats allow: OpenAPI by its official schema, JSON Schema by its own.

use serde_json::Value;

use super::files;

/// <https://spec.openapis.org/oas/3.1/schema/2022-10-07>, which leaves schemas to JSON Schema.
const OPENAPI: &str = include_str!("schemas/openapi-3.1.json");

/// Where the documents hold schemas, but for those within other schemas.
const SCHEMAS: [&str; 3] = ["schema", "headers", "payload"];

#[test]
fn documents_of_routes_follow_the_official_schema() {
    let official: Value = serde_json::from_str(OPENAPI).unwrap();
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    let official = options.should_validate_formats(true).build(&official).unwrap();
    for (name, document) in files::openapi() {
        let errors: Vec<_> =
            official.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
    }
}

#[test]
fn schemas_in_documents_are_json_schemas() {
    for (name, document) in files::openapi().into_iter().chain(files::asyncapi()) {
        let named = document["components"]["schemas"].as_object().into_iter().flatten().map(|(_, schema)| schema);
        let mut schemas: Vec<&Value> = named.collect();
        collect(&document["paths"], &mut schemas);
        collect(&document["components"]["messages"], &mut schemas);
        assert!(!schemas.is_empty(), "{name}");
        for schema in schemas {
            if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
                panic!("{name}: {}: {error} in {schema}", error.instance_path());
            }
        }
    }
}

fn collect<'d>(value: &'d Value, schemas: &mut Vec<&'d Value>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match SCHEMAS.contains(&key.as_str()) && (value["$ref"].is_string() || value["type"].is_string()) {
                    true => schemas.push(value),
                    false => collect(value, schemas),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, schemas)),
        _ => {}
    }
}
