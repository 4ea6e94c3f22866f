//! A YAML file as a tree whose every part knows its place, so that all its mistakes can be reported together.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;

use crate::error::{Problem, Problems, suggestion};
use crate::faults::Place;

/// A part of the document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// Anything but a list or a map.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

/// Parses a document.
pub(super) fn parse(file: &str, text: &str) -> Result<Node, Problems> {
    match serde_saphyr::from_str::<Spanned<Content>>(text) {
        Ok(root) => Ok(Node::from(root)),
        Err(error) => {
            let location = error.location();
            let message = error.without_snippet().to_string();
            Err(Problems(vec![Problem {
                file: file.to_owned(),
                line: location.map_or(0, |location| location.line()),
                column: location.map_or(0, |location| location.column()),
                message: format!("not valid YAML: {}", message.lines().next().unwrap_or_default()),
                hint: None,
            }]))
        }
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        Self { place: place(&spanned), content: spanned.value }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place { line: spanned.referenced.line(), column: spanned.referenced.column() }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element::<Spanned<Content>>()? {
            nodes.push(node.into());
        }
        Ok(Content::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let place = place(&key);
            entries.push(Entry { key: key.value, place, value: map.next_value::<Spanned<Content>>()?.into() });
        }
        Ok(Content::Map(entries))
    }
}

impl Node {
    /// This document with what another one says on top: maps are merged key by key, anything else is replaced.
    pub(super) fn overlaid(self, over: Self) -> Self {
        match (self.content, over.content) {
            (Content::Map(mut entries), Content::Map(more)) => {
                for entry in more {
                    match entries.iter_mut().find(|known| known.key == entry.key) {
                        Some(known) => known.value = known.value.clone().overlaid(entry.value),
                        None => entries.push(entry),
                    }
                }
                Self { place: self.place, content: Content::Map(entries) }
            }
            (_, content) => Self { place: over.place, content },
        }
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.content {
            Content::Scalar(Value::Null) => "nothing".to_owned(),
            Content::Scalar(Value::String(text)) => format!("`{text}`"),
            Content::Scalar(other) => format!("`{other}`"),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    problems: RefCell<Vec<Problem>>,
}

impl Findings {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: RefCell::new(Vec::new()) }
    }

    pub(super) fn add(&self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            message: message.into(),
            hint,
        });
    }

    /// The value, if there were no mistakes. Mistakes are sorted by place, each once.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(Problems(problems)),
        }
    }
}

/// A map of the document with the keys that it may have.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) place: Place,
    pub(super) entries: &'a [Entry],
    pub(super) findings: &'a Findings,
    what: &'a str,
}

impl<'a> Section<'a> {
    /// A map, whose keys must be among `known` unless that is empty.
    pub(super) fn of(node: &'a Node, what: &'a str, known: &[&str], findings: &'a Findings) -> Option<Self> {
        let Content::Map(entries) = &node.content else {
            findings.add(node.place, format!("{what} is {}, expected a map", node.describe()), None);
            return None;
        };
        for entry in entries {
            if !known.is_empty() && !known.contains(&&*entry.key) {
                let hint = suggestion(&entry.key, known.iter().copied());
                findings.add(entry.place, format!("unknown key `{}` in {what}", entry.key), hint);
            }
        }
        Some(Self { place: node.place, entries, findings, what })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn require(&self, key: &str) -> Option<&'a Node> {
        let node = self.get(key);
        if node.is_none() {
            self.findings.add(self.place, format!("{} has no `{key}`", self.what), None);
        }
        node
    }

    pub(super) fn text(&self, node: &'a Node, key: &str) -> Option<&'a str> {
        match &node.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => {
                self.findings.add(node.place, format!("`{key}` is {}, expected a text", node.describe()), None);
                None
            }
        }
    }

    pub(super) fn parse<T: FromStr<Err: fmt::Display>>(&self, node: &'a Node, key: &str) -> Option<T> {
        // A number without its unit gets the message about units instead of one about types.
        let text = match &node.content {
            Content::Scalar(Value::Number(number)) => number.to_string(),
            _ => self.text(node, key)?.to_owned(),
        };
        text.parse().map_err(|error| self.findings.add(node.place, format!("`{key}`: {error}"), None)).ok()
    }

    /// A quantity that may be left out.
    pub(super) fn optional<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Option<T> {
        self.parse(self.get(key)?, key)
    }

    /// A whole number that may be left out.
    pub(super) fn whole(&self, key: &str, least: u64) -> Option<u64> {
        let node = self.get(key)?;
        match &node.content {
            Content::Scalar(Value::Number(number)) if number.as_u64().is_some_and(|number| number >= least) => {
                number.as_u64()
            }
            _ => {
                let message = format!("`{key}` is {}, expected a whole number of {least} or more", node.describe());
                self.findings.add(node.place, message, None);
                None
            }
        }
    }

    /// Yes or no, that may be left out.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        match &node.content {
            Content::Scalar(Value::Bool(flag)) => Some(*flag),
            _ => {
                let message = format!("`{key}` is {}, expected `true` or `false`", node.describe());
                self.findings.add(node.place, message, None);
                None
            }
        }
    }

    /// A list, or one item that stands for a list of one. Nothing when it is left out.
    pub(super) fn list(&self, key: &str) -> &'a [Node] {
        match self.get(key) {
            Some(Node { content: Content::List(nodes), .. }) => nodes,
            Some(node) => std::slice::from_ref(node),
            None => &[],
        }
    }
}
