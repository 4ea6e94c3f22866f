//! Settings of a fault as written in a scenario, read with their places.

use std::str::FromStr;

use serde_json::Value;

use super::Aim;
use crate::error::suggestion;

/// A place in a file: line and column, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

/// The settings of one fault. Each is taken once; what is left over at the end was not known to the fault.
#[derive(Debug)]
pub struct Params<'a> {
    pub(crate) entries: Vec<(String, Place, Value, Place)>,
    pub(crate) place: Place,
    pub(crate) fault: &'static str,
    pub(crate) aim: Aim<'a>,
    pub(crate) problems: Vec<(Place, String, Option<String>)>,
}

impl Params<'_> {
    fn take(&mut self, key: &str) -> Option<(Value, Place)> {
        let index = self.entries.iter().position(|(name, ..)| name == key)?;
        let (_, _, value, place) = self.entries.remove(index);
        Some((value, place))
    }

    pub(crate) fn problem(&mut self, place: Place, message: String, hint: Option<String>) {
        self.problems.push((place, message, hint));
    }

    /// A text that must be there.
    fn text(&mut self, key: &str) -> Option<(String, Place)> {
        match self.take(key) {
            Some((Value::String(text), place)) => Some((text, place)),
            Some((other, place)) => {
                self.problem(place, format!("`{key}` is `{other}`, expected a text"), None);
                None
            }
            None => {
                let message = format!("fault `{}` needs `{key}`", self.fault);
                self.problem(self.place, message, None);
                None
            }
        }
    }

    /// A known service.
    pub(crate) fn service(&mut self) -> Option<String> {
        let known = self.aim.targets.services.clone();
        self.known("service", "service", &known)
    }

    /// A known link.
    pub(crate) fn link(&mut self) -> Option<String> {
        let known = self.aim.targets.links.clone();
        self.known("link", "link", &known)
    }

    fn known(&mut self, key: &str, what: &str, known: &[String]) -> Option<String> {
        let (name, place) = self.text(key)?;
        if known.contains(&name) {
            return Some(name);
        }
        let hint = suggestion(&name, known.iter().map(String::as_str));
        self.problem(place, format!("there is no {what} `{name}`"), hint);
        None
    }

    /// A glob over queues.
    pub(crate) fn queue(&mut self) -> Option<String> {
        let (glob, place) = self.text("queue")?;
        if self.aim.targets.duplicates {
            return Some(glob);
        }
        self.problem(place, "the message broker of this system cannot duplicate deliveries".to_owned(), None);
        None
    }

    /// A quantity that must be there.
    pub(crate) fn quantity<T: FromStr<Err: std::fmt::Display>>(&mut self, key: &str) -> Option<T> {
        // A number without its unit gets the message about units instead of one about types.
        if let Some((_, _, value @ Value::Number(_), _)) = self.entries.iter_mut().find(|(name, ..)| name == key) {
            *value = Value::String(value.to_string());
        }
        let (text, place) = self.text(key)?;
        self.parse(key, &text, place)
    }

    /// A quantity that may be there.
    pub(crate) fn optional<T: FromStr<Err: std::fmt::Display> + Default>(&mut self, key: &str) -> Option<T> {
        if self.entries.iter().any(|(name, ..)| name == key) { self.quantity(key) } else { Some(T::default()) }
    }

    fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self, key: &str, text: &str, place: Place) -> Option<T> {
        text.parse().map_err(|error| self.problem(place, format!("`{key}`: {error}"), None)).ok()
    }

    /// A number from 0 to 1.
    pub(crate) fn fraction(&mut self, key: &str, default: f64) -> Option<f64> {
        match self.take(key) {
            None => Some(default),
            Some((value, place)) => match value.as_f64().filter(|number| (0.0..=1.0).contains(number)) {
                Some(number) => Some(number),
                None => {
                    self.problem(place, format!("`{key}` is `{value}`, expected a number from 0 to 1"), None);
                    None
                }
            },
        }
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)], default: T) -> Option<T> {
        match self.take(key) {
            None => Some(default),
            Some((value, place)) => {
                let text = value.as_str().unwrap_or_default();
                if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
                    return Some(*meaning);
                }
                let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                self.problem(place, format!("`{key}` is `{value}`, expected {}", all.join(", ")), None);
                None
            }
        }
    }
}
