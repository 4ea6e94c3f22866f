//! Going through all pacts, once.

use std::collections::{BTreeMap, BTreeSet};

use super::bind::{Bound, bind};
use super::check;
use super::exchange::{Payload, Talk};
use super::model::{ConsumerCoverage, Coverage, ProviderCoverage, Share};
use super::problem::Problem;
use super::promises::Promises;
use crate::document::{Content, Document, Model, Schema, content_for, fields, used};
use crate::store::{Interaction, Pact};

/// What the pacts cover of what is promised, and where the two do not fit each other.
///
/// A pact with a provider that has no document is a problem: nothing of it could be checked.
#[must_use]
pub fn measure(promises: &Promises, pacts: &[Pact]) -> Coverage {
    let mut coverage = Coverage::default();
    let mut known = BTreeSet::new();
    for (provider, documents) in promises.iter() {
        known.insert(provider);
        let pacts: Vec<&Pact> = pacts.iter().filter(|pact| pact.provider == provider).collect();
        let (measured, problems) = one(provider, documents, &pacts);
        coverage.operations.add(&measured.operations, provider);
        coverage.events.add(&measured.events, provider);
        coverage.statuses.add(&measured.statuses, provider);
        coverage.fields.add(&measured.fields, provider);
        coverage.problems.extend(problems);
        coverage.providers.push(measured);
    }
    for pact in pacts.iter().filter(|pact| !known.contains(pact.provider.as_str())) {
        let sentence = format!("no document of `{}` is known, so nothing of this pact can be checked", pact.provider);
        coverage.problems.push(problem(pact, None, ("", String::new(), sentence)));
    }
    coverage.problems.sort();
    coverage
}

fn one(provider: &str, documents: &[Document], pacts: &[&Pact]) -> (ProviderCoverage, Vec<Problem>) {
    let models: Vec<Model<'_>> = documents.iter().map(Document::model).collect();
    let operations: BTreeSet<String> =
        models.iter().flat_map(|model| &model.operations).map(|operation| operation.name()).collect();
    let events: BTreeSet<String> =
        models.iter().flat_map(|model| &model.events).map(|event| event.name.to_owned()).collect();
    let mut tally = Tally::default();
    let mut consumers: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for pact in pacts {
        let (asked, heard) = consumers.entry(&pact.consumer).or_default();
        for interaction in &pact.interactions {
            let talk = Talk::of(interaction);
            let bound = match bind(&models, interaction, &talk) {
                Ok(bound) => bound,
                Err(sentence) => {
                    problems.push(problem(pact, Some(interaction), ("", String::new(), sentence)));
                    continue;
                }
            };
            match bound {
                Bound::Operation(operation) => asked.insert(operation.name()),
                Bound::Event(event) => heard.insert(event.name.to_owned()),
            };
            tally.take(bound, &talk);
            let found = check::check(&talk, bound);
            problems.extend(found.into_iter().map(|found| problem(pact, Some(interaction), found)));
        }
    }
    let statuses: BTreeSet<String> = models.iter().flat_map(|model| &model.operations).flat_map(statuses).collect();
    let share = |all: &BTreeSet<String>, covered: &BTreeSet<String>| {
        Share::of(all.iter().map(|name| (name, covered.contains(name))))
    };
    let asked = consumers.values().flat_map(|(asked, _)| asked).cloned().collect();
    let heard = consumers.values().flat_map(|(_, heard)| heard).cloned().collect();
    let measured = ProviderCoverage {
        provider: provider.to_owned(),
        operations: share(&operations, &asked),
        events: share(&events, &heard),
        statuses: share(&statuses, &tally.statuses),
        fields: share(&tally.fields, &tally.used),
        consumers: consumers
            .into_iter()
            .map(|(consumer, (asked, heard))| ConsumerCoverage {
                consumer: consumer.to_owned(),
                operations: share(&operations, &asked),
                events: share(&events, &heard),
            })
            .collect(),
    };
    (measured, problems)
}

/// Statuses and fields that were met.
#[derive(Default)]
struct Tally {
    statuses: BTreeSet<String>,
    fields: BTreeSet<String>,
    used: BTreeSet<String>,
    /// Schemas whose fields are there already, by place.
    seen: BTreeSet<(String, Vec<*const serde_json::Value>)>,
}

impl Tally {
    fn take(&mut self, bound: Bound<'_, '_>, talk: &Talk) {
        match (bound, talk) {
            (Bound::Operation(operation), Talk::Http(exchange)) => {
                let Some(response) = operation.response(exchange.status) else { return };
                let place = format!("{} {}", operation.name(), response.status);
                if (200..300).contains(&exchange.status) {
                    self.body(&place, schema(&response.content, exchange.answer.as_ref()), exchange.answer.as_ref());
                }
                self.statuses.insert(place);
            }
            (Bound::Event(event), Talk::Message(message)) => {
                self.body(event.name, Some(&event.payload), message.payload.as_ref());
            }
            _ => {}
        }
    }

    fn body(&mut self, place: &str, schema: Option<&Schema<'_>>, payload: Option<&Payload>) {
        let Some(schema) = schema else { return };
        let named = |paths: BTreeSet<String>| paths.into_iter().map(move |path| format!("{place}: {path}"));
        if self.seen.insert((place.to_owned(), schema.identity())) {
            self.fields.extend(named(fields(schema)));
        }
        if let Some(value) = payload.and_then(|payload| payload.json.as_ref()) {
            self.used.extend(named(used(schema, value)));
        }
    }
}

/// The form of a body that a consumer reads; the first one when it reads none.
fn schema<'c, 'a>(content: &'c [Content<'a>], payload: Option<&Payload>) -> Option<&'c Schema<'a>> {
    let read = payload.and_then(|payload| content_for(content, payload.media_type.as_deref()?));
    read.or(content.first()).map(|content| &content.schema)
}

fn statuses(operation: &crate::document::Operation<'_>) -> Vec<String> {
    operation.responses.iter().map(|response| format!("{} {}", operation.name(), response.status)).collect()
}

fn problem(pact: &Pact, interaction: Option<&Interaction>, (part, path, sentence): check::Found) -> Problem {
    Problem {
        pact: pact.path.clone(),
        consumer: pact.consumer.clone(),
        provider: pact.provider.clone(),
        description: interaction.map(|each| each.description.clone()).unwrap_or_default(),
        states: interaction.map(|each| each.states.clone()).unwrap_or_default(),
        part,
        path,
        sentence,
    }
}
