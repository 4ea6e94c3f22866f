//! Takes in what a running system says, and keeps where it and the contracts part.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::MOST_NAMES;
use super::event::{Events, Message};
use super::operation::{Answer, Call, Operations};
use super::path;
use super::promised::Documents;
use super::report::{Count, Live, NeverSeen, WithoutContract};
use super::tally::{Nearest, Tally, is_sampled};
use crate::document::Document;
use crate::store::Pact;

/// Holds contracts against what is seen of a running system.
#[derive(Debug)]
pub struct Watch<'d> {
    events: Events,
    operations: Operations,
    messages: Names,
    answers: Names,
    calls: BTreeMap<Call, u64>,
    calls_beyond: u64,
    documents: Documents<'d>,
}

/// What was seen by name, bounded.
#[derive(Debug, Default)]
struct Names {
    known: BTreeMap<String, Tally>,
    strangers: BTreeMap<String, u64>,
    beyond: u64,
}

impl Names {
    /// Counts something that nobody has a contract for, and says whether it is one of the first of its name.
    fn stranger(&mut self, name: String) -> bool {
        if self.strangers.len() >= MOST_NAMES && !self.strangers.contains_key(&name) {
            self.beyond += 1;
            return false;
        }
        let count = self.strangers.entry(name).or_default();
        *count += 1;
        is_sampled(*count)
    }

    fn count(&self) -> Count {
        let strangers: u64 = self.strangers.values().sum();
        Count {
            seen: self.known.values().map(|tally| tally.seen).sum::<u64>() + strangers + self.beyond,
            checked: self.known.values().map(|tally| tally.checked).sum(),
        }
    }
}

impl<'d> Watch<'d> {
    /// A watch over the contracts of these pacts.
    #[must_use]
    pub fn new(pacts: &[Pact]) -> Self {
        Self {
            events: Events::of(pacts),
            operations: Operations::of(pacts),
            messages: Names::default(),
            answers: Names::default(),
            calls: BTreeMap::new(),
            calls_beyond: 0,
            documents: Documents::default(),
        }
    }

    /// The same over the documents of providers too, by their names in the pacts.
    #[must_use]
    pub fn with_documents(mut self, documents: &'d BTreeMap<String, Vec<Document>>) -> Self {
        self.documents = Documents::new(documents);
        self.operations.locate(|provider, method, path| self.documents.route(provider, method, path));
        self
    }

    /// Takes in a message that was published.
    pub async fn message(&mut self, message: &Message) {
        let (name, expectations) = self.events.find(message);
        if expectations.is_empty() {
            if self.messages.stranger(name.clone()) {
                self.documents.message(&name, message);
            }
            return;
        }
        let tally = self.messages.known.entry(name.clone()).or_default();
        if !tally.see() {
            return;
        }
        tally.checked += 1;
        if let Ok(document) = serde_json::from_slice::<Value>(&message.body) {
            let examples: Vec<&Value> = expectations.iter().filter_map(|one| one.example.as_ref()).collect();
            tally.fields(&document, &examples);
        }
        let mut verdicts = Verdicts::default();
        for one in expectations {
            verdicts.add((&one.consumer, &one.provider), one.differences(message).await);
        }
        verdicts.settle(tally, &name, message.correlation_id());
        self.documents.message(&name, message);
    }

    /// Takes in an answer that a client got.
    pub async fn answer(&mut self, answer: &Answer) {
        let route = self.documents.route(&answer.provider, &answer.method, &answer.path);
        let path = route.clone().unwrap_or_else(|| path::general(&answer.path));
        let name = format!("{} {path}", answer.method);
        let expectations = self.operations.find(answer, route.as_deref());
        if expectations.is_empty() {
            if self.answers.stranger(format!("{} {name}", answer.provider)) {
                self.documents.answer(&name, answer);
            }
            return;
        }
        let tally = self.answers.known.entry(name.clone()).or_default();
        if !tally.see() {
            return;
        }
        self.documents.answer(&name, answer);
        // A status that no contract of the operation has is no breach: nobody says what is answered then.
        let expectations: Vec<_> = expectations.into_iter().filter(|one| one.is_about(answer.status)).collect();
        if expectations.is_empty() {
            return;
        }
        tally.checked += 1;
        if let Ok(document) = serde_json::from_slice::<Value>(&answer.body) {
            let examples: Vec<&Value> = expectations.iter().filter_map(|one| one.example.as_ref()).collect();
            if !examples.is_empty() {
                tally.fields(&document, &examples);
            }
        }
        let mut verdicts = Verdicts::default();
        for one in expectations {
            verdicts.add((&one.consumer, &one.provider), one.differences(answer).await);
        }
        verdicts.settle(tally, &name, answer.correlation_id.clone());
    }

    /// Takes in a call between two services.
    pub fn call(&mut self, call: Call) {
        if self.calls.len() >= MOST_NAMES && !self.calls.contains_key(&call) {
            self.calls_beyond += 1;
            return;
        }
        *self.calls.entry(call).or_default() += 1;
    }

    /// What was found so far, the names in order.
    #[must_use]
    pub fn report(&self) -> Live {
        let tallies = || self.messages.known.iter().chain(&self.answers.known);
        let covered = self.calls.iter().filter(|(call, _)| self.operations.covers(call));
        let mut notes = Vec::new();
        if !self.events.nameless.is_empty() {
            notes.push(format!(
                "the metadata of {} says no type, routing key or topic by which a message could be known",
                self.events.nameless.join(", ")
            ));
        }
        let beyond = self.messages.beyond + self.answers.beyond + self.calls_beyond;
        if beyond > 0 {
            notes.push(format!("{beyond} messages, answers and calls were only counted: they have too many names"));
        }
        Live {
            messages: self.messages.count(),
            responses: self.answers.count(),
            calls: Count {
                seen: self.calls.values().sum::<u64>() + self.calls_beyond,
                checked: covered.map(|(_, count)| count).sum(),
            },
            broken: tallies().flat_map(|(_, tally)| tally.broken()).collect(),
            without_contract: self.without_contract(),
            never_seen: self.never_seen(),
            unknown_fields: tallies().filter_map(|(name, tally)| tally.unknown(name)).collect(),
            undocumented: self.documents.report(),
            notes,
        }
    }

    fn without_contract(&self) -> Vec<WithoutContract> {
        let of = |kind: &str, names: &Names| -> Vec<WithoutContract> {
            let one = |(name, seen): (&String, &u64)| WithoutContract {
                kind: kind.to_owned(),
                consumer: None,
                name: name.clone(),
                seen: *seen,
            };
            names.strangers.iter().map(one).collect()
        };
        let calls = self.calls.iter().filter(|(call, _)| !self.operations.covers(call));
        let calls = calls.map(|(call, seen)| WithoutContract {
            kind: "call".to_owned(),
            consumer: Some(call.consumer.clone()),
            name: format!("{} {} {}", call.provider, call.method, call.route),
            seen: *seen,
        });
        of("event", &self.messages).into_iter().chain(of("operation", &self.answers)).chain(calls).collect()
    }

    fn never_seen(&self) -> Vec<NeverSeen> {
        let unseen = self.events.all().filter(|(name, _)| !self.messages.known.contains_key(*name));
        unseen
            .filter_map(|(event, expectations)| {
                let consumers: BTreeSet<&String> = expectations.iter().map(|one| &one.consumer).collect();
                Some(NeverSeen {
                    event: event.to_owned(),
                    provider: expectations.first()?.provider.clone(),
                    consumers: consumers.into_iter().cloned().collect(),
                })
            })
            .collect()
    }
}

/// For each consumer and provider: nothing when one of the interactions fits, else the one that differs least.
#[derive(Default)]
struct Verdicts<'e>(BTreeMap<(&'e str, &'e str), Option<Nearest>>);

impl<'e> Verdicts<'e> {
    fn add(&mut self, (consumer, provider): (&'e String, &'e String), found: Option<Nearest>) {
        let pair = (consumer.as_str(), provider.as_str());
        let better = match (self.0.get(&pair), &found) {
            (None, _) | (Some(Some(_)), None) => true,
            (Some(None), _) => false,
            (Some(Some(held)), Some(new)) => new.mismatches.len() < held.mismatches.len(),
        };
        if better {
            self.0.insert(pair, found);
        }
    }

    fn settle(self, tally: &mut Tally, name: &str, correlation_id: Option<String>) {
        for (pair, nearest) in self.0 {
            if let Some(nearest) = nearest {
                tally.fails(pair, name, nearest, correlation_id.clone());
            }
        }
    }
}
