//! Every operation is told in full, and under a name of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files;

/// One operation of a document.
pub(crate) struct Operation<'d> {
    pub(crate) path: &'d str,
    pub(crate) method: &'d str,
    pub(crate) is: &'d Value,
}

/// All operations of a document.
pub(crate) fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = paths.flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |it| (path, it)));
    methods.map(|(path, (method, is))| Operation { path, method, is }).collect()
}

#[test]
fn operations_have_names_of_their_own() {
    for (name, document) in files::openapi() {
        let mut names = BTreeSet::new();
        for operation in operations(&document) {
            let id = operation.is["operationId"].as_str().unwrap_or_default();
            let place = format!("{name}: {} {}", operation.method, operation.path);
            assert!(!id.is_empty() && names.insert(id), "{place}: `{id}`");
            assert!(operation.is["summary"].is_string() && operation.is["tags"][0].is_string(), "{place}");
        }
    }
}

#[test]
fn failures_have_the_stable_body_and_successes_a_described_one() {
    for (name, document) in files::openapi() {
        for operation in operations(&document).iter().filter(|operation| operation.path.starts_with("/api/")) {
            for (status, response) in operation.is["responses"].as_object().unwrap() {
                let place = format!("{name}: {} {} {status}", operation.method, operation.path);
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{place}");
                match status.as_bytes()[0] {
                    b'2' => assert_eq!(schema.is_string(), status != "204", "{place}"),
                    b'4' | b'5' => assert_eq!(schema, "#/components/schemas/Problem", "{place}"),
                    _ => panic!("{place}: unexpected"),
                }
            }
        }
    }
}

#[test]
fn parameters_of_paths_are_those_of_the_operation() {
    for (name, document) in files::openapi() {
        for operation in operations(&document) {
            let declared = operation.is["parameters"].as_array().into_iter().flatten();
            let declared = declared.filter(|parameter| parameter["in"] == "path");
            let declared: BTreeSet<_> = declared.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            let in_path = in_path.collect::<BTreeSet<_>>();
            assert_eq!(declared, in_path, "{name}: {} {}", operation.method, operation.path);
        }
    }
}
