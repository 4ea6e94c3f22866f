//! JSON beside the schema that a document gives for it.

use serde_json::{Value, json};

/// How `value` is other than `schema`, which may refer to the components of its `document`.
pub(crate) fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    let draft = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    let validator = draft.should_validate_formats(true).build(&schema).unwrap();
    let errors = validator.iter_errors(value).map(|error| format!("at `{}`: {error}", error.instance_path()));
    let errors = errors.collect::<Vec<_>>();
    (!errors.is_empty()).then(|| errors.join("; "))
}
