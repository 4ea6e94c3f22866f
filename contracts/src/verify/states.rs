//! Provider states: set up before an interaction, torn down after it, their values fed to the request's generators.

use std::collections::HashMap;

use pact_models::generators::{Generator, Generators};
use pact_models::provider_states::ProviderState;
use reqwest::{Client, Method, Request, Url};
use serde_json::{Map, Value, json};

use super::exchange::{Exchange, Trace};
use super::mismatch::Mismatch;
use crate::canonical;

/// Values that states gave, by name.
pub(super) type Values = Map<String, Value>;

/// Sets up every state in order. A provider with a hook hears of an interaction without states too, as the state `""`,
/// so that it can start each interaction from nothing.
pub(super) async fn set_up(
    exchange: Exchange<'_>,
    hook: Option<&Url>,
    states: &[ProviderState],
    trace: &Trace,
) -> Result<Values, Mismatch> {
    let Some(hook) = hook else {
        return match states.first() {
            None => Ok(Values::new()),
            Some(state) => Err(Mismatch::state(format!(
                "the state `{}` cannot be set up: provider `{}` has no state hook, expected a URL that takes it",
                state.name, exchange.provider
            ))),
        };
    };
    let mut values = Values::new();
    if states.is_empty() {
        values.extend(call(exchange, hook, "setup", &ProviderState::default(""), trace).await?);
    }
    for state in states {
        values.extend(state.params.iter().map(|(name, value)| (name.clone(), value.clone())));
        values.extend(call(exchange, hook, "setup", state, trace).await?);
    }
    Ok(values)
}

/// Tears down every state, the last one first; all of them, even when one fails.
pub(super) async fn tear_down(
    exchange: Exchange<'_>,
    hook: Option<&Url>,
    states: &[ProviderState],
    trace: &Trace,
) -> Vec<Mismatch> {
    let mut failures = Vec::new();
    if let Some(hook) = hook {
        for state in states.iter().rev() {
            failures.extend(call(exchange, hook, "teardown", state, trace).await.err());
        }
    }
    failures
}

/// Says which value of a state a generator needs and no state gave. The engine would silently keep the example, and the
/// provider would be blamed for what it answers to it.
pub(super) fn missing_value(generators: &Generators, values: &Values) -> Option<Mismatch> {
    let mut needed: Vec<String> = generators
        .categories
        .values()
        .flat_map(HashMap::values)
        .filter_map(|generator| match generator {
            Generator::ProviderStateGenerator(expression, _) => Some(names(expression)),
            _ => None,
        })
        .flatten()
        .filter(|name| !values.contains_key(name))
        .collect();
    needed.sort_unstable();
    let name = needed.first()?;
    let given: Vec<String> = values.keys().map(|name| format!("`{name}`")).collect();
    let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
    Some(Mismatch::state(format!("the request needs the value `{name}` of a state, but the state hook gave {given}")))
}

/// Names in `${...}`; an expression without any is a name itself.
fn names(expression: &str) -> Vec<String> {
    if !expression.contains("${") {
        return vec![expression.to_owned()];
    }
    let parts = expression.split("${").skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name.trim().to_owned()).collect()
}

async fn call(
    exchange: Exchange<'_>,
    hook: &Url,
    action: &str,
    state: &ProviderState,
    trace: &Trace,
) -> Result<Values, Mismatch> {
    let what = format!("the {action} of state `{}`", state.name);
    let body = json!({ "action": action, "state": state.name, "params": state.params });
    let request = post(exchange.client, hook, &body, trace)?;
    let reply = exchange.send(request, &what).await.map_err(|error| Mismatch::state(error.sentence))?;
    let text = canonical::shorten(&String::from_utf8_lossy(&reply.body), 200);
    if !(200..300).contains(&reply.status) {
        return Err(Mismatch::state(format!("{what} failed: the hook answered {} with `{text}`", reply.status)));
    }
    if reply.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Values::new());
    }
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(values)) => Ok(values),
        Ok(Value::Null) => Ok(Values::new()),
        _ => Err(Mismatch::state(format!(
            "{what} failed: the hook answered `{text}`, expected a JSON object or nothing"
        ))),
    }
}

/// A POST of JSON to a hook, in the interaction's trace.
pub(super) fn post(client: &Client, url: &Url, body: &Value, trace: &Trace) -> Result<Request, Mismatch> {
    client
        .request(Method::POST, url.clone())
        .header("content-type", "application/json")
        .header("traceparent", &trace.traceparent)
        .header("x-correlation-id", &trace.correlation_id)
        .body(body.to_string())
        .build()
        .map_err(|error| Mismatch::transport(format!("cannot build a request to `{url}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_reads_every_placeholder_or_the_whole_expression() {
        assert_eq!(names("Bearer ${token} for ${ user }"), ["token", "user"]);
        assert_eq!(names("orderId"), ["orderId"]);
        assert!(names("${unterminated").is_empty());
    }
}
