//! The documents are what their formats allow: OpenAPI by an independent reader, JSON Schema by its own schema.

use serde_json::Value;

use super::files;

/// Where the documents hold schemas, but for those within other schemas.
const SCHEMAS: [&str; 3] = ["schema", "headers", "payload"];

#[test]
fn documents_of_routes_are_read_by_others_as_they_were_meant() {
    for (name, document) in files::openapi() {
        let text = document.to_string();
        let read = oas3::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let paths = read.paths.as_ref().map_or(0, |paths| paths.len());
        assert_eq!(Some(paths), document["paths"].as_object().map(|paths| paths.len()), "{name}");
        let responses = read.operations().map(|(_, _, operation)| operation.responses(&read).len()).sum::<usize>();
        assert!(responses > 0, "{name}: no response could be read");
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
