//! Contracts of messages, found by the name of the event.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use pact_models::matchingrules::{MatchingRule, MatchingRuleCategory, RuleLogic};
use pact_models::path_exp::DocPath;
use pact_models::v4::async_message::AsynchronousMessage;
use serde_json::Value;

use super::patience::Patience;
use super::tally::Nearest;
use crate::store::{Content, Pact};
use crate::verify::message_judged;

/// Metadata that names an event, the most telling first: CloudEvents in the bindings of AMQP, Kafka and HTTP, then the
/// property and the address of a message.
const NAMES: [&str; 9] = [
    "cloudEvents:type",
    "cloudEvents_type",
    "ce_type",
    "ce-type",
    "type",
    "eventType",
    "routingKey",
    "routing_key",
    "topic",
];
/// Metadata that carries a correlation id.
const CORRELATION: [&str; 3] = ["x-correlation-id", "correlationId", "correlation_id"];

/// A message as it was published.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its headers and properties by the names that pacts use for them: the properties of AMQP as `contentType`, `type`,
    /// `messageId`, `correlationId`; its address as `exchange` and `routingKey`.
    pub metadata: HashMap<String, Value>,
    /// Content type, where it says one.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

impl Message {
    pub(super) fn correlation_id(&self) -> Option<String> {
        CORRELATION.iter().find_map(|key| text(&self.metadata, key)).map(str::to_owned)
    }
}

fn text<'m>(metadata: &'m HashMap<String, Value>, key: &str) -> Option<&'m str> {
    metadata.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// What one consumer expects of one event.
#[derive(Debug)]
pub(super) struct Expectation {
    pub(super) consumer: String,
    pub(super) provider: String,
    message: AsynchronousMessage,
    pub(super) example: Option<Value>,
    patience: Patience,
}

/// Key of metadata, and its value.
type Name = (&'static str, String);

/// Every contract of a message.
#[derive(Debug, Default)]
pub(super) struct Events {
    by_name: BTreeMap<Name, Vec<Expectation>>,
    /// Descriptions of those that say nothing by which they could be known.
    pub(super) nameless: Vec<String>,
}

impl Events {
    /// Contracts of messages in `pacts`; what is pending need not hold and is left out.
    pub(super) fn of(pacts: &[Pact]) -> Self {
        let mut events = Self::default();
        for pact in pacts {
            for interaction in pact.interactions.iter().filter(|interaction| !interaction.pending) {
                let Content::Message(message) = &interaction.content else { continue };
                let metadata = &message.contents.metadata;
                let Some(name) = NAMES.iter().find_map(|key| Some((*key, text(metadata, key)?.to_owned()))) else {
                    events.nameless.push(format!("`{}` of `{}`", message.description, pact.consumer));
                    continue;
                };
                events.by_name.entry(name).or_default().push(Expectation {
                    consumer: pact.consumer.clone(),
                    provider: pact.provider.clone(),
                    example: example(message),
                    message: by_shape(message),
                    patience: Patience::default(),
                });
            }
        }
        events
    }

    /// The name of a message, and what is expected of it.
    pub(super) fn find(&self, message: &Message) -> (String, &[Expectation]) {
        let named = NAMES.iter().filter_map(|key| Some((*key, text(&message.metadata, key)?.to_owned())));
        let named: Vec<Name> = named.collect();
        let known = named.iter().find_map(|name| Some((name.1.clone(), self.by_name.get(name)?.as_slice())));
        known.unwrap_or_else(|| (named.into_iter().next().map_or_else(|| "(no name)".to_owned(), |name| name.1), &[]))
    }

    /// Every event with its contracts.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &[Expectation])> {
        self.by_name.iter().map(|((_, name), expectations)| (name.as_str(), expectations.as_slice()))
    }
}

impl Expectation {
    /// How a message differs; nothing when it fits.
    pub(super) async fn differences(&self, message: &Message) -> Option<Nearest> {
        let until = self.patience.until()?;
        let (body, metadata) = (message.body.clone(), message.metadata.clone());
        let found = message_judged(&self.message, body, message.content_type.clone(), metadata, until).await;
        let mismatches = self.patience.proven(found);
        let description = self.message.description.clone();
        (!mismatches.is_empty()).then_some(Nearest { description, mismatches })
    }
}

fn example(message: &AsynchronousMessage) -> Option<Value> {
    serde_json::from_slice(&message.contents.contents.value()?).ok()
}

/// The same message, its body compared by type wherever the pact has no rule.
fn by_shape(message: &AsynchronousMessage) -> AsynchronousMessage {
    let mut message = message.clone();
    let body = message.contents.matching_rules.add_category("body");
    loosen(body);
    message
}

/// Adds a rule for the whole document, which every rule for a part of it overrides. How few items a list has depends on
/// the state, so that a least number of them, which Pact adds unasked, is no promise here.
pub(super) fn loosen(body: &mut MatchingRuleCategory) {
    for rule in body.rules.values_mut().flat_map(|list| &mut list.rules) {
        match rule {
            MatchingRule::MinType(_) => *rule = MatchingRule::Type,
            MatchingRule::MinMaxType(_, max) => *rule = MatchingRule::MaxType(*max),
            _ => {}
        }
    }
    if !body.rules.contains_key(&DocPath::root()) {
        body.add_rule(DocPath::root(), MatchingRule::Type, RuleLogic::And);
    }
}
