//! The documents of providers, held against what is seen: OpenAPI for answers, AsyncAPI for messages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::Message;
use super::operation::Answer;
use super::report::Undocumented;
use crate::document::{Document, Schema, Side, content_for, misfits};

/// Places that are kept of one name.
const MOST_PLACES: usize = 20;

/// Documents by provider, and where what was seen parts from them.
#[derive(Debug, Default)]
pub(super) struct Documents {
    of: BTreeMap<String, Vec<Document>>,
    /// Whether any of them describes messages.
    has_events: bool,
    /// Whose document has an event; looking for it each time would mean reading all of them.
    owners: BTreeMap<String, Option<(String, usize)>>,
    found: BTreeMap<(String, String), Found>,
}

/// What was found under one name: path and sentence, and how often; and how often anything was not kept.
#[derive(Debug, Default)]
struct Found {
    places: BTreeMap<String, (String, u64)>,
    beyond: u64,
}

/// Path and sentence.
type Place = (String, String);

impl Documents {
    pub(super) fn new(of: BTreeMap<String, Vec<Document>>) -> Self {
        let has_events = of.values().flatten().any(|document| !document.model().events.is_empty());
        Self { of, has_events, ..Self::default() }
    }

    /// Takes in a message of this name.
    pub(super) fn message(&mut self, name: &str, message: &Message) {
        if !self.has_events {
            return;
        }
        let words: Vec<&str> = message.metadata.values().filter_map(Value::as_str).collect();
        let owner = match self.owners.get(name) {
            Some(owner) => owner.clone(),
            None => {
                let owner = self.owner(&words);
                if self.owners.len() < super::MOST_NAMES {
                    self.owners.insert(name.to_owned(), owner.clone());
                }
                owner
            }
        };
        let (provider, places) = match owner {
            None => (String::new(), vec![(String::new(), "is in no AsyncAPI document".to_owned())]),
            Some((provider, index)) => {
                let document = self.of.get(&provider).and_then(|documents| documents.get(index));
                let places = document.and_then(|document| {
                    let model = document.model();
                    let event = model.event(&words, "")?;
                    let payload = serde_json::from_slice(&message.body).ok()?;
                    Some(differences(&event.payload, &payload))
                });
                (provider, places.unwrap_or_default())
            }
        };
        self.keep(provider, name, places);
    }

    /// The template of the operation that a request is for, where a document of the provider has it.
    pub(super) fn route(&self, provider: &str, method: &str, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or_default();
        let mut models = self.of.get(provider)?.iter().map(Document::model);
        models.find_map(|model| model.operation(method, path).map(|operation| operation.path.to_owned()))
    }

    fn owner(&self, words: &[&str]) -> Option<(String, usize)> {
        self.of.iter().find_map(|(provider, documents)| {
            let index = documents.iter().position(|document| document.model().event(words, "").is_some())?;
            Some((provider.clone(), index))
        })
    }

    /// Takes in an answer of an operation that is counted under this name.
    pub(super) fn answer(&mut self, name: &str, answer: &Answer) {
        let Some(documents) = self.of.get(&answer.provider) else { return };
        let path = answer.path.split('?').next().unwrap_or_default();
        let mut described = false;
        let mut places = None;
        for document in documents {
            let model = document.model();
            described |= !model.operations.is_empty();
            let Some(operation) = model.operation(&answer.method, path) else { continue };
            let media_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
            places = Some(match operation.response(answer.status) {
                None => vec![(String::new(), format!("the document has no status `{}` here", answer.status))],
                Some(response) => content_for(&response.content, media_type.unwrap_or("application/json"))
                    .zip(serde_json::from_slice(&answer.body).ok())
                    .map(|(content, payload)| differences(&content.schema, &payload))
                    .unwrap_or_default(),
            });
            break;
        }
        match places {
            Some(places) => self.keep(answer.provider.clone(), name, places),
            None if described => {
                let place = (String::new(), "is in no OpenAPI document of its provider".to_owned());
                self.keep(answer.provider.clone(), name, vec![place]);
            }
            None => {}
        }
    }

    fn keep(&mut self, provider: String, name: &str, places: Vec<Place>) {
        if places.is_empty() {
            return;
        }
        let key = (provider, name.to_owned());
        if self.found.len() >= super::MOST_NAMES && !self.found.contains_key(&key) {
            return;
        }
        let found = self.found.entry(key).or_default();
        for (path, sentence) in places {
            if found.places.len() >= MOST_PLACES && !found.places.contains_key(&path) {
                found.beyond += 1;
                continue;
            }
            found.places.entry(path).or_insert((sentence, 0)).1 += 1;
        }
    }

    /// What was found.
    pub(super) fn report(&self) -> Vec<Undocumented> {
        let all = self.found.iter().map(|((provider, name), found)| Undocumented {
            provider: provider.clone(),
            name: name.clone(),
            places: found
                .places
                .iter()
                .map(|(path, (sentence, count))| {
                    let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
                    format!("{place}{sentence} ({count} times)")
                })
                .collect(),
            more: found.beyond,
        });
        all.collect()
    }
}

/// What a document says and a value does not, and the other way round. Items of lists share one place.
fn differences(schema: &Schema<'_>, value: &Value) -> Vec<Place> {
    let found = misfits(schema, value, Side::Said).into_iter();
    let places: BTreeMap<String, String> =
        found.map(|misfit| (without_indexes(&misfit.path), misfit.sentence)).collect();
    places.into_iter().collect()
}

fn without_indexes(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find('[') {
        let (before, from) = rest.split_at(start);
        general.push_str(before);
        match from.find(']') {
            Some(end) if from[1..end].bytes().all(|byte| byte.is_ascii_digit()) => {
                general.push_str("[*]");
                rest = &from[end + 1..];
            }
            _ => {
                general.push('[');
                rest = &from[1..];
            }
        }
    }
    general + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn items_of_a_list_are_one_place() {
        assert_eq!(without_indexes("$.lines[12].tags[0]['odd[1]']"), "$.lines[*].tags[*]['odd[*]']");
        assert_eq!(without_indexes("$.open[1"), "$.open[1");
    }

    proptest! {
        #[test]
        fn any_path_has_a_general_form(path in "[a-z$.\\[\\]0-9é']{0,12}") {
            let general = without_indexes(&path);
            prop_assert_eq!(without_indexes(&general), general);
        }
    }
}
