//! Events of an AsyncAPI document: the messages that its application sends.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::Cause;
use super::model::Event;
use super::schema::Schema;
use super::walk::{At, Failure, Walk};

/// Version 3: messages of operations that send. Where no operation is described at all, every message of a channel.
pub(super) fn events_3(root: &Value) -> Result<Vec<Event<'_>>, Failure> {
    let mut walk = Walk::new(root);
    let document = walk.root();
    let operations = walk.members(&document, "operations", "an object of operations")?;
    let described = !operations.is_empty();
    let mut sent: BTreeSet<*const Value> = BTreeSet::new();
    for (_, operation) in operations {
        let operation = walk.resolve(&operation)?;
        if operation.said("action") != Some("send") {
            continue;
        }
        let channel = operation.get("channel");
        let channel = channel.ok_or_else(|| (operation.pointer.clone(), Cause::Shape { expected: "a `channel`" }))?;
        let channel = walk.resolve(&channel)?;
        let listed = walk.items(&operation, "messages", "a list of messages")?;
        let listed = match listed.is_empty() {
            true => {
                walk.members(&channel, "messages", "an object of messages")?.into_iter().map(|(_, at)| at).collect()
            }
            false => listed,
        };
        for message in listed {
            sent.insert(std::ptr::from_ref(walk.resolve(&message)?.value));
        }
    }
    let mut events = Vec::new();
    for (name, channel) in walk.members(&document, "channels", "an object of channels")? {
        let channel = walk.resolve(&channel)?;
        let mut messages = Vec::new();
        for (key, message) in walk.members(&channel, "messages", "an object of messages")? {
            let message = walk.resolve(&message)?;
            if !described || sent.contains(&std::ptr::from_ref(message.value)) {
                messages.push((key, message));
            }
        }
        let place =
            Channel { address: channel.said("address").unwrap_or(name), at: &channel, alone: messages.len() == 1 };
        for (key, message) in messages {
            events.push(event(&mut walk, key, &message, &place)?);
        }
    }
    Ok(events)
}

/// Version 2: messages of `subscribe`, which is said from the side of those who listen.
pub(super) fn events_2(root: &Value) -> Result<Vec<Event<'_>>, Failure> {
    let mut walk = Walk::new(root);
    let document = walk.root();
    let mut events = Vec::new();
    for (address, channel) in walk.members(&document, "channels", "an object of channels")? {
        let channel = walk.resolve(&channel)?;
        let Some(message) = channel.get("subscribe").and_then(|operation| operation.get("message")) else { continue };
        let message = walk.resolve(&message)?;
        let choices = walk.items(&message, "oneOf", "a list of messages")?;
        let choices = if choices.is_empty() { vec![message] } else { choices };
        let place = Channel { address, at: &channel, alone: choices.len() == 1 };
        for message in choices {
            let message = walk.resolve(&message)?;
            let key = message.said("messageId").unwrap_or(address);
            events.push(event(&mut walk, key, &message, &place)?);
        }
    }
    Ok(events)
}

struct Channel<'c, 'a> {
    address: &'a str,
    at: &'c At<'a>,
    alone: bool,
}

fn event<'a>(walk: &mut Walk<'a>, key: &'a str, at: &At<'a>, channel: &Channel<'_, 'a>) -> Result<Event<'a>, Failure> {
    let mut headers: Vec<&Value> = at.value.get("headers").and_then(in_json).into_iter().collect();
    let mut content_type = at.said("contentType");
    for part in walk.items(at, "traits", "a list of traits")? {
        let part = walk.resolve(&part)?;
        headers.extend(part.value.get("headers").and_then(in_json));
        content_type = content_type.or(part.said("contentType"));
    }
    let headers = Schema::all_of(walk.root, &headers);
    let opaque = at.said("schemaFormat").is_some_and(|format| !is_json_schema(format));
    let payload: Vec<&Value> = at.value.get("payload").filter(|_| !opaque).and_then(in_json).into_iter().collect();
    let name = at.said("name").unwrap_or(key);
    let amqp = |value: &'a Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    // A header such as `type` or `ce-type` with one value only says which event it is.
    let types = headers.properties().into_iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.ends_with("type") && !name.contains("content")
    });
    let constants = types.filter_map(|(_, schema)| match schema.enumeration().as_deref() {
        Some([Value::String(only)]) => Some(only.as_str()),
        _ => None,
    });
    let aliases = [at.said("title"), Some(key), amqp(at.value, "/bindings/amqp/messageType")].into_iter().flatten();
    let aliases: Vec<&str> = aliases.chain(constants).filter(|alias| *alias != name).collect();
    Ok(Event {
        name,
        address: channel.address,
        exchange: amqp(channel.at.value, "/bindings/amqp/exchange/name"),
        alone: channel.alone,
        aliases,
        content_type: content_type.or_else(|| walk.root.get("defaultContentType").and_then(Value::as_str)),
        payload: Schema::all_of(walk.root, &payload),
        headers,
        pointer: at.pointer.clone(),
    })
}

/// The schema itself, which version 3 may wrap together with the name of its language; none in any other language.
fn in_json(value: &Value) -> Option<&Value> {
    match (value.get("schemaFormat").and_then(Value::as_str), value.get("schema")) {
        (Some(format), Some(schema)) => is_json_schema(format).then_some(schema),
        _ => Some(value),
    }
}

fn is_json_schema(format: &str) -> bool {
    ["aai.asyncapi", "schema+json", "schema+yaml", "oai.openapi"].iter().any(|known| format.contains(known))
}
