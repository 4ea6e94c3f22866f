//! What differs between promise and answer: a place and a sentence.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use pact_models::path_exp::{DocPath, PathToken};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;

/// Longest sentence of a mismatch, in characters.
const MAX_SENTENCE: usize = 2000;
/// Most mismatches of one interaction that are told one by one.
const MAX_MISMATCHES: usize = 100;

/// Which part of an interaction a mismatch is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A state hook, before or after the exchange.
    State,
    /// The connection to the provider or its hooks.
    Transport,
    /// The response status.
    Status,
    /// A response header.
    Header,
    /// Message metadata.
    Metadata,
    /// The body of a response or message.
    Body,
    /// The pact itself.
    Pact,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mismatch {
    /// The part it is in.
    pub part: Part,
    /// JSON path in the body, name of the header or metadata key; empty where there is no such place.
    pub path: String,
    /// What was expected and what came instead.
    pub sentence: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            _ if self.path.is_empty() => f.write_str(&self.sentence),
            Part::Header => write!(f, "header `{}`: {}", self.path, self.sentence),
            Part::Metadata => write!(f, "metadata `{}`: {}", self.path, self.sentence),
            _ => write!(f, "{}: {}", self.path, self.sentence),
        }
    }
}

impl Mismatch {
    pub(super) fn new(part: Part, path: impl Into<String>, sentence: impl Into<String>) -> Self {
        // The engine quotes whole values.
        Self { part, path: path.into(), sentence: canonical::shorten(&sentence.into(), MAX_SENTENCE) }
    }

    pub(super) fn state(sentence: impl Into<String>) -> Self {
        Self::new(Part::State, "", sentence)
    }

    pub(super) fn transport(sentence: impl Into<String>) -> Self {
        Self::new(Part::Transport, "", sentence)
    }
}

/// Mismatches as the matching engine found them in an answer with this body, in a stable order, each at the most
/// precise place.
pub(super) fn from_engine(
    found: Vec<pact_matching::Mismatch>,
    expected: Option<&Bytes>,
    actual: &Bytes,
) -> Vec<Mismatch> {
    use pact_matching::Mismatch as Engine;
    let expected = expected.and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let document = serde_json::from_slice::<Value>(actual).ok();
    let mut mismatches = Vec::new();
    for mismatch in found {
        match mismatch {
            Engine::StatusMismatch { expected, actual: status, .. } => {
                let said = document.as_ref().map(|body| format!(", with `{}`", canonical::brief(body)));
                let sentence = format!("expected status {expected}, got {status}{}", said.unwrap_or_default());
                mismatches.push(Mismatch::new(Part::Status, "", sentence));
            }
            Engine::HeaderMismatch { key, expected, actual, mismatch } => {
                let sentence = if actual.is_empty() {
                    format!("expected {}, but the header is missing", quoted(&expected))
                } else {
                    detail(&mismatch)
                };
                mismatches.push(Mismatch::new(Part::Header, key.to_lowercase(), sentence));
            }
            Engine::MetadataMismatch { key, expected, actual, mismatch } => {
                let sentence = if actual.is_empty() {
                    format!("expected {}, but the key is missing", quoted(&expected))
                } else {
                    detail(&mismatch)
                };
                mismatches.push(Mismatch::new(Part::Metadata, key, sentence));
            }
            Engine::BodyTypeMismatch { expected, actual, .. } => mismatches.push(Mismatch::new(
                Part::Body,
                "",
                format!("expected a body of type {}, got {}", quoted(&expected), quoted(&actual)),
            )),
            Engine::BodyMismatch { path, mismatch, .. } => {
                let missing = missing_fields(&path, expected.as_ref(), document.as_ref());
                if mismatch.contains("missing the following keys") && !missing.is_empty() {
                    mismatches.extend(missing);
                } else {
                    let path = if path == "/" { "$".to_owned() } else { path };
                    mismatches.push(Mismatch::new(Part::Body, path, lower_first(&without_backtrace(&mismatch))));
                }
            }
            other => mismatches.push(Mismatch::new(Part::Pact, "", lower_first(&other.description()))),
        }
    }
    mismatches.sort();
    mismatches.dedup();
    if let Some(more) = mismatches.len().checked_sub(MAX_MISMATCHES).filter(|more| *more > 0) {
        mismatches.truncate(MAX_MISMATCHES);
        mismatches.push(Mismatch::new(Part::Body, "", format!("and {more} mismatches more")));
    }
    mismatches
}

/// One mismatch for each missing field, naming what is there instead: most missing fields have been renamed.
fn missing_fields(path: &str, expected: Option<&Value>, actual: Option<&Value>) -> Vec<Mismatch> {
    let objects = expected.zip(actual).and_then(|(expected, actual)| {
        let actual = at(actual, path, false)?.as_object()?;
        Some((at(expected, path, true)?.as_object()?, actual))
    });
    let Some((expected, actual)) = objects else { return Vec::new() };
    let surplus: Vec<String> =
        actual.keys().filter(|key| !expected.contains_key(*key)).map(|key| format!("`{key}`")).take(5).collect();
    let hint = match surplus.as_slice() {
        [] => String::new(),
        [one] => format!(" (the answer has {one} instead)"),
        several => format!(" (the answer has {} instead)", several.join(", ")),
    };
    expected
        .iter()
        .filter(|(key, _)| !actual.contains_key(*key))
        .map(|(key, example)| {
            let sentence =
                format!("expected a value like {}, but the field is missing{hint}", canonical::brief(example));
            Mismatch::new(Part::Body, format!("{path}{}", canonical::member(key)), sentence)
        })
        .collect()
}

/// The value at a path of the engine. An expected list may be shorter than the answer's: its last item is the example.
fn at<'a>(document: &'a Value, path: &str, example: bool) -> Option<&'a Value> {
    DocPath::new(path).ok()?.tokens().iter().try_fold(document, |value, token| match token {
        PathToken::Root => Some(value),
        PathToken::Field(name) => value.get(name),
        PathToken::Index(index) => {
            let items = value.as_array()?;
            items.get(*index).or_else(|| items.last().filter(|_| example))
        }
        _ => None,
    })
}

/// The engine's sentence without its repetition of where it is.
fn detail(sentence: &str) -> String {
    let said =
        sentence.split_once("': ").filter(|(start, _)| start.starts_with("Mismatch with header")).map(|(_, rest)| rest);
    lower_first(said.unwrap_or(sentence))
}

fn quoted(text: &str) -> String {
    format!("`{}`", canonical::shorten(text.trim_matches('"'), 120))
}

/// The engine prints its errors with where in its source they arose, when `RUST_BACKTRACE` is set.
fn without_backtrace(sentence: &str) -> Cow<'_, str> {
    match sentence.split_once("\n\nStack backtrace:") {
        Some((said, _)) => format!("{said}{}", if said.contains(": '") { "'" } else { "" }).into(),
        None => sentence.into(),
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_of_the_engine_is_told_without_its_stack() {
        let said = "Failed to parse the actual body: 'XML parsing error at 0\n\nStack backtrace:\n   0: a\n   1: b'";
        let found = pact_matching::Mismatch::BodyMismatch {
            path: "/".into(),
            expected: None,
            actual: None,
            mismatch: said.into(),
        };
        let told = from_engine(vec![found], None, &Bytes::new());
        assert_eq!(told[0].to_string(), "$: failed to parse the actual body: 'XML parsing error at 0'");
    }
}
