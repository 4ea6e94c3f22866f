//! The answers that a route has in common with all others of its server.

use serde_json::{Value, json};

/// What a server is, which decides how its requests can fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// Called by the gateway.
    Service,
    /// Called by anybody.
    Gateway,
}

/// Adds the failures that no handler names, and gives each failure its body.
pub(super) fn complete(operation: &mut Value, server: Server) {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let takes = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let named = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let (in_path, in_query, body) = (takes("path"), takes("query"), operation["requestBody"].is_object());
    if named("Idempotency-Key") && server == Server::Service {
        operation["responses"]["201"]["headers"] = json!({ "Idempotent-Replayed": {
            "description": "`true` on an answer that was given before.", "schema": { "type": "string", "const": "true" }
        } });
    }
    let mut fails = |status: &str, codes: &[&str]| add(&mut operation["responses"], status, codes);
    if in_path {
        fails("400", &["invalid_path"]);
    }
    if in_query {
        fails("400", &["invalid_query"]);
    }
    if named("before") {
        fails("400", &["invalid_page"]);
    }
    if named("Idempotency-Key") {
        fails("400", &["invalid_idempotency_key"]);
        fails("422", &["idempotency_key_reused"]);
    }
    if body {
        fails("400", &["invalid_json", "invalid_body", "unreadable_body"]);
        fails("413", &["body_too_large"]);
        fails("415", &["json_expected"]);
        fails("422", &["invalid_body"]);
    }
    fails("500", &["internal"]);
    match server {
        Server::Service => {
            fails("401", &["token_missing", "token_expired", "token_invalid"]);
            fails("503", &["timed_out"]);
        }
        Server::Gateway => {
            fails("429", &["too_many_requests"]);
            fails("502", &["service_failed"]);
            fails("503", &["service_unavailable", "overloaded", "timed_out"]);
            fails("504", &["service_timed_out"]);
            operation["responses"]["429"]["headers"] = json!({ "Retry-After": {
                "description": "Seconds until the next request is welcome.", "schema": { "type": "integer", "minimum": 1 }
            } });
        }
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) {
            response["content"] =
                json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        }
    }
}

/// Adds codes to the description of a status, which lists them.
fn add(responses: &mut Value, status: &str, codes: &[&str]) {
    let known = responses[status]["description"].as_str().unwrap_or_default();
    let more = codes.iter().map(|code| format!("`{code}`")).filter(|code| !known.contains(code.as_str()));
    let description = Some(known.to_owned()).filter(|known| !known.is_empty()).into_iter().chain(more);
    responses[status]["description"] = description.collect::<Vec<_>>().join(", ").into();
}
