//! Replay of a message: the provider's own code emits it, its body and metadata are compared.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use pact_matching::{CoreMatchingContext, DiffConfig, match_message_contents, match_message_metadata};
use pact_models::matchingrules::{MatchingRuleCategory, MatchingRules};
use pact_models::v4::async_message::AsynchronousMessage;
use pact_models::v4::message_parts::MessageContents;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::exchange::{Exchange, Reply, Trace};
use super::http::body_of;
use super::judge;
use super::mismatch::{Mismatch, Part, from_engine};
use super::nesting;
use super::provider::Provider;
use super::states::post;
use crate::canonical;

/// Header of the hook's answer that carries the message's metadata, as base64 of a JSON object.
const METADATA: &str = "pact-message-metadata";

/// Asks for the message and returns what differs in it.
pub(super) async fn replay(
    exchange: Exchange<'_>,
    provider: &Provider,
    message: &AsynchronousMessage,
    trace: &Trace,
) -> Vec<Mismatch> {
    match ask(exchange, provider, message, trace).await {
        Ok((reply, metadata)) => {
            let content_type = reply.headers.get("content-type").and_then(|value| value.to_str().ok());
            judged(message, reply.body, content_type.map(str::to_owned), metadata, exchange.until).await
        }
        Err(failure) => vec![failure],
    }
}

async fn ask(
    exchange: Exchange<'_>,
    provider: &Provider,
    message: &AsynchronousMessage,
    trace: &Trace,
) -> Result<(Reply, HashMap<String, Value>), Mismatch> {
    let what = format!("the message `{}`", message.description);
    let Some(hook) = &provider.messages_url else {
        return Err(Mismatch::transport(format!(
            "{what} cannot be asked for: provider `{}` has no message hook, expected a URL that emits it",
            provider.name
        )));
    };
    let states: Vec<Value> = message.provider_states.iter().map(|state| json!(state)).collect();
    let body = json!({ "description": message.description, "providerStates": states });
    let reply = exchange.send(post(exchange.client, hook, &body, trace)?, &what).await?;
    if !(200..300).contains(&reply.status) {
        let said = canonical::shorten(&String::from_utf8_lossy(&reply.body), 200);
        let sentence = format!("{what} was not emitted: the hook answered {} with `{said}`", reply.status);
        return Err(Mismatch::new(Part::Status, "", sentence));
    }
    let metadata = metadata(&reply).map_err(|reason| {
        let sentence = format!("{what} has unreadable metadata: header `Pact-Message-Metadata` {reason}");
        Mismatch::new(Part::Metadata, "", sentence)
    })?;
    Ok((reply, metadata))
}

fn metadata(reply: &Reply) -> Result<HashMap<String, Value>, String> {
    let mut metadata: HashMap<String, Value> = match reply.headers.get(METADATA) {
        None => HashMap::new(),
        Some(header) => {
            let bytes = STANDARD.decode(header.as_bytes()).map_err(|error| format!("is not base64: {error}"))?;
            let object: Map<String, Value> =
                serde_json::from_slice(&bytes).map_err(|error| format!("is not a JSON object: {error}"))?;
            object.into_iter().collect()
        }
    };
    // Pact's own name for the type of a message's body.
    if let Some(content_type) = reply.headers.get("content-type").and_then(|value| value.to_str().ok()) {
        metadata.entry("contentType".to_owned()).or_insert_with(|| json!(content_type));
    }
    Ok(metadata)
}

/// What differs between a message that was emitted and the one that is expected, found until a moment.
pub(crate) async fn judged(
    message: &AsynchronousMessage,
    body: Bytes,
    content_type: Option<String>,
    metadata: HashMap<String, Value>,
    until: Instant,
) -> Vec<Mismatch> {
    if let Some(refused) = nesting::refused(message.contents.contents.value().as_ref(), &body) {
        return vec![refused];
    }
    let message = message.clone();
    let compared = move || async move { compare(&message, &body, content_type.as_deref(), metadata).await };
    judge::within(until, compared).await
}

async fn compare(
    message: &AsynchronousMessage,
    body: &Bytes,
    content_type: Option<&str>,
    metadata: HashMap<String, Value>,
) -> Vec<Mismatch> {
    let expected = &message.contents;
    let contents = body_of(body, content_type);
    let actual = MessageContents { contents, metadata, ..MessageContents::default() };
    // `match_message` looks for the rules of a V4 body under a name that its own conversion has just changed, and would
    // compare for equality; so its two halves are called with the rules that the pact has.
    let rules = CoreMatchingContext::new(DiffConfig::AllowUnexpectedKeys, &body_rules(&expected.matching_rules));
    let keys = expected.matching_rules.rules_for_category("metadata").unwrap_or_else(|| empty("metadata"));
    let keys = CoreMatchingContext::new(DiffConfig::AllowUnexpectedKeys, &keys);
    let mut found = match_message_contents(expected, &actual, &rules).await.err().unwrap_or_default();
    found.extend(match_message_metadata(expected, &actual, &keys).into_values().flatten());
    from_engine(found, expected.contents.value().as_ref(), body)
}

/// Rules of the body: called `body` by most libraries, `content` by some that write V4.
fn body_rules(rules: &MatchingRules) -> MatchingRuleCategory {
    let mut body = rules.rules_for_category("body").unwrap_or_else(|| empty("body"));
    if let Some(content) = rules.rules_for_category("content") {
        body.add_rules(content);
    }
    body
}

fn empty(category: &'static str) -> MatchingRuleCategory {
    MatchingRuleCategory::empty(category)
}
