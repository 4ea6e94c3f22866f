//! The documents of providers, held against what is seen: OpenAPI for answers, AsyncAPI for messages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::Message;
use super::operation::Answer;
use super::report::Undocumented;
use crate::document::{Document, Model, Schema, Side, content_for, misfits, operation_among};

/// Places that are kept of one name.
const MOST_PLACES: usize = 20;

/// What documents promise by provider, and where what was seen parts from it.
#[derive(Debug, Default)]
pub(super) struct Documents<'d> {
    /// Read once: to read a document takes a hundred times as long as to compare an answer with it.
    of: BTreeMap<&'d str, Vec<Model<'d>>>,
    /// Whether any of them describes messages.
    has_events: bool,
    /// Whose document has an event; looking for it each time would mean reading all of them.
    owners: BTreeMap<String, Option<(&'d str, usize)>>,
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

impl<'d> Documents<'d> {
    pub(super) fn new(documents: &'d BTreeMap<String, Vec<Document>>) -> Self {
        let models = |documents: &'d Vec<Document>| documents.iter().map(Document::model).collect();
        let of: BTreeMap<&str, Vec<Model<'_>>> =
            documents.iter().map(|(provider, documents)| (provider.as_str(), models(documents))).collect();
        let has_events = of.values().flatten().any(|model| !model.events.is_empty());
        Self { of, has_events, ..Self::default() }
    }

    /// Takes in a message of this name.
    pub(super) fn message(&mut self, name: &str, message: &Message) {
        if !self.has_events {
            return;
        }
        let words: Vec<&str> = message.metadata.values().filter_map(Value::as_str).collect();
        let owner = match self.owners.get(name) {
            Some(owner) => *owner,
            None => {
                let owner = self.owner(&words);
                if self.owners.len() < super::MOST_NAMES {
                    self.owners.insert(name.to_owned(), owner);
                }
                owner
            }
        };
        let (provider, places) = match owner {
            None => (String::new(), vec![(String::new(), "is in no AsyncAPI document".to_owned())]),
            Some((provider, index)) => {
                let model = self.of.get(provider).and_then(|models| models.get(index));
                let places = model.and_then(|model| {
                    let event = model.event(&words, "")?;
                    let payload = serde_json::from_slice(&message.body).ok()?;
                    Some(differences(&event.payload, &payload))
                });
                (provider.to_owned(), places.unwrap_or_default())
            }
        };
        self.keep(provider, name, places);
    }

    /// The template of the operation that a request is for, where a document of the provider has it.
    pub(super) fn route(&self, provider: &str, method: &str, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or_default();
        operation_among(self.of.get(provider)?, method, path).map(|operation| operation.path.to_owned())
    }

    fn owner(&self, words: &[&str]) -> Option<(&'d str, usize)> {
        self.of.iter().find_map(|(provider, models)| {
            let index = models.iter().position(|model| model.event(words, "").is_some())?;
            Some((*provider, index))
        })
    }

    /// Takes in an answer of an operation that is counted under this name.
    pub(super) fn answer(&mut self, name: &str, answer: &Answer) {
        let Some(models) = self.of.get(answer.provider.as_str()) else { return };
        let path = answer.path.split('?').next().unwrap_or_default();
        let media_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
        let described = models.iter().any(|model| !model.operations.is_empty());
        let places =
            operation_among(models, &answer.method, path).map(|operation| match operation.response(answer.status) {
                None => vec![(String::new(), format!("the document has no status `{}` here", answer.status))],
                Some(response) => content_for(&response.content, media_type.unwrap_or("application/json"))
                    .zip(serde_json::from_slice(&answer.body).ok())
                    .map(|(content, payload)| differences(&content.schema, &payload))
                    .unwrap_or_default(),
            });
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
