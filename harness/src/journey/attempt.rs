//! One try of a step: what came back, held against what was expected.

use std::collections::BTreeMap;

use chaos::history::Outcome;
use rand::Rng;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::plan::{Save, Step};
use super::template::Scope;

/// Largest response body that is read.
const BODY_LIMIT: usize = 4 << 20;

/// What became of one try.
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) saved: BTreeMap<String, Value>,
}

impl Attempt {
    pub(super) fn ok(status: Option<u16>) -> Self {
        Self { outcome: Outcome::Ok, status, error: None, saved: BTreeMap::new() }
    }

    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, error: Some(error.into()), ..Self::ok(None) }
    }

    pub(super) fn unknown(error: impl Into<String>) -> Self {
        Self { outcome: Outcome::Info, error: Some(error.into()), ..Self::ok(None) }
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// Compares a response with what the step expects of it; `heard` gets it once it is whole.
pub(super) async fn judge<R: Rng>(
    step: &Step,
    mut response: reqwest::Response,
    scope: &mut Scope<'_, R>,
    heard: impl FnOnce(u16, &HeaderMap, &[u8]),
) -> Attempt {
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_LIMIT => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                return Attempt::failed(format!("the response is larger than {BODY_LIMIT} B"))
                    .with_status(status.as_u16());
            }
            Ok(None) => break,
            Err(error) => {
                return Attempt::unknown(root_cause(&error)).with_status(status.as_u16());
            }
        }
    }
    heard(status.as_u16(), &headers, &body);
    let expected_status = step.status.map_or(status.is_success(), |expected| expected == status.as_u16());
    if !expected_status {
        let expected = step.status.map_or("a 2xx status".to_owned(), |status| status.to_string());
        let sentence = format!("expected {expected}, got {status}: {}", excerpt(&String::from_utf8_lossy(&body)));
        // A 5xx says that something broke, not that nothing happened.
        let attempt = if status.is_server_error() { Attempt::unknown(sentence) } else { Attempt::failed(sentence) };
        return attempt.with_status(status.as_u16());
    }
    let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut attempt = Attempt::ok(Some(status.as_u16()));
    let mut failures = Vec::new();
    for (pointer, expected) in &step.json {
        let expected = match expected.value(scope) {
            Ok(expected) => expected,
            Err(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        match json.pointer(pointer) {
            Some(found) if *found == expected => {}
            Some(found) => {
                failures.push(format!("`{pointer}`: expected `{expected}`, found `{}`", excerpt(&found.to_string())))
            }
            None => failures
                .push(format!("`{pointer}`: expected `{expected}`, found nothing in {}", excerpt(&json.to_string()))),
        }
    }
    for (name, expected) in &step.response_headers {
        let expected = expected.text(scope).unwrap_or_default();
        let found = headers.get(name).and_then(|value| value.to_str().ok());
        if found != Some(expected.as_str()) {
            failures.push(format!("header `{name}`: expected `{expected}`, found {found:?}"));
        }
    }
    for (name, save) in &step.save {
        let Save::Pointer(pointer) = save else {
            continue;
        };
        match json.pointer(pointer) {
            Some(found) if !found.is_null() => {
                attempt.saved.insert(name.clone(), found.clone());
            }
            _ => failures.push(format!(
                "`{pointer}`: expected a value for `{name}`, found nothing in {}",
                excerpt(&json.to_string())
            )),
        }
    }
    if !failures.is_empty() {
        attempt.outcome = Outcome::Fail;
        attempt.error = Some(failures.join("; "));
    }
    attempt
}

/// The innermost cause of a failed request.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { format!("timed out: {cause}") } else { cause.to_string() }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
