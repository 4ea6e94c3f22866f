//! Reading a TOML document key by key, collecting mistakes instead of stopping at the first.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, hint_among};
use super::units::UnitError;

/// The mistakes found so far, and where in the text they are.
pub(super) struct Findings<'t> {
    text: &'t str,
    problems: RefCell<Vec<(usize, Problem)>>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::default() }
    }

    /// Adds a mistake at a byte range of the text.
    pub(super) fn add(&self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let at = span.start.min(self.text.len());
        // A span may end inside a character only if the parser is wrong; walking to a boundary keeps that from panicking.
        let at = (0..=at).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let problem = Problem { line, column, message: message.into(), hint };
        self.problems.borrow_mut().push((at, problem));
    }

    /// The mistakes in the order of their places, each once.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.message.cmp(&right.1.message)));
        problems.dedup();
        problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// A table of the document. Keys that were never asked for are mistakes, reported by [`Section::finish`].
pub(super) struct Section<'d> {
    /// Path for messages, such as `services.order`.
    pub(super) path: String,
    /// Place of the table.
    pub(super) span: Range<usize>,
    table: &'d DeTable<'d>,
    asked: RefCell<BTreeSet<&'static str>>,
    findings: &'d Findings<'d>,
}

impl<'d> Section<'d> {
    pub(super) fn root(table: &'d Spanned<DeTable<'d>>, findings: &'d Findings<'d>) -> Self {
        let asked = RefCell::default();
        Self { path: String::new(), span: 0..0, table: table.get_ref(), asked, findings }
    }

    /// Adds a mistake about this table as a whole.
    pub(super) fn problem(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.add(&self.span, message, Some(hint.into()));
    }

    /// Adds a mistake about the value of a key.
    pub(super) fn problem_at(&self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let span = self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        self.findings.add(&span, message, hint);
    }

    /// The table's name in messages.
    pub(super) fn name(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) }
    }

    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.asked.borrow_mut().insert(key);
        self.table.contains_key(key)
    }

    fn wrong_type(&self, path: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let message = format!("`{path}` is {}, expected {expected}", article(value.get_ref().type_str()));
        self.findings.add(&value.span(), message, None);
    }

    pub(super) fn missing(&self, key: &str, expected: &str) {
        self.findings.add(&self.span, format!("{} lacks `{key}`", self.name()), Some(format!("expected {expected}")));
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        self.string_of(&self.key_path(key), value)
    }

    /// A string that must be there and must not be empty.
    pub(super) fn required(&self, key: &'static str, expected: &str) -> Option<String> {
        if !self.has(key) {
            self.missing(key, expected);
        }
        let text = self.string(key)?;
        if text.trim().is_empty() {
            self.problem_at(key, format!("`{}` is empty", self.key_path(key)), Some(format!("expected {expected}")));
            return None;
        }
        Some(text)
    }

    fn string_of(&self, path: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                self.wrong_type(path, value, "a string");
                None
            }
        }
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if value.get_ref().as_bool().is_none() {
            self.wrong_type(&self.key_path(key), value, "`true` or `false`");
        }
        value.get_ref().as_bool()
    }

    /// An integer of type `T`; `expected` says which are accepted.
    pub(super) fn integer<T: TryFrom<u64>>(&self, key: &'static str, expected: &str) -> Option<T> {
        let value = self.value(key)?;
        let path = self.key_path(key);
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(&path, value, expected);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|n| T::try_from(n).ok());
        if number.is_none() {
            let message = format!("`{path}` is `{}`, expected {expected}", integer.as_str());
            self.findings.add(&value.span(), message, None);
        }
        number
    }

    /// A string read by a parser of units.
    pub(super) fn unit<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, UnitError>) -> Option<T> {
        let text = match self.value(key)?.get_ref() {
            // A bare number is the usual slip; the parser's message says that a unit is needed.
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            _ => self.string(key)?,
        };
        parse(&text)
            .map_err(|error| {
                let message = format!("`{}` is `{}`, expected {}", self.key_path(key), error.text, error.expected);
                self.problem_at(key, message, None);
            })
            .ok()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string(key)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let message = format!("`{}` is `{text}`", self.key_path(key));
            self.problem_at(key, message, Some(hint_among(&text, &words, "accepted")));
        }
        found
    }

    /// An array of strings.
    pub(super) fn strings(&self, key: &'static str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let path = self.key_path(key);
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(&path, value, "an array of strings");
            return None;
        };
        Some(array.iter().enumerate().filter_map(|(at, item)| self.string_of(&format!("{path}[{at}]"), item)).collect())
    }

    /// An argument vector: at least the program.
    pub(super) fn argv(&self, key: &'static str) -> Vec<String> {
        const EXPECTED: &str = "an array: the program, then its arguments, as in `[\"cargo\", \"build\"]`";
        if !self.has(key) {
            self.missing(key, EXPECTED);
            return Vec::new();
        }
        let argv = self.strings(key);
        if argv.as_ref().is_some_and(|argv| argv.first().is_none_or(|program| program.trim().is_empty())) {
            self.problem_at(
                key,
                format!("`{}` names no program", self.key_path(key)),
                Some(format!("expected {EXPECTED}")),
            );
        }
        argv.unwrap_or_default()
    }

    /// A table whose values are strings; numbers and booleans are taken as they are written.
    pub(super) fn string_map(&self, key: &'static str) -> BTreeMap<String, String> {
        let Some(section) = self.section(key) else { return BTreeMap::new() };
        section
            .table
            .iter()
            .filter_map(|(name, value)| {
                let text = match value.get_ref() {
                    DeValue::Integer(number) => number.to_string(),
                    DeValue::Float(number) => number.to_string(),
                    DeValue::Boolean(flag) => flag.to_string(),
                    _ => section.string_of(&section.key_path(name.get_ref()), value)?,
                };
                Some((name.get_ref().to_string(), text))
            })
            .collect()
    }

    /// A table whose values are arrays of strings.
    pub(super) fn string_lists(&self, key: &'static str) -> BTreeMap<String, Vec<String>> {
        let Some(section) = self.section(key) else { return BTreeMap::new() };
        let lists = section.table.iter().filter_map(|(name, value)| {
            let path = section.key_path(name.get_ref());
            let Some(items) = value.get_ref().as_array() else {
                section.wrong_type(&path, value, "an array of strings");
                return None;
            };
            let items = items.iter().enumerate();
            let texts = items.filter_map(|(at, item)| section.string_of(&format!("{path}[{at}]"), item));
            Some((name.get_ref().to_string(), texts.collect()))
        });
        lists.collect()
    }

    /// A sub-table.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'d>> {
        let value = self.value(key)?;
        self.section_of(self.key_path(key), value)
    }

    fn section_of(&self, path: String, value: &'d Spanned<DeValue<'d>>) -> Option<Section<'d>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(&path, value, "a table");
            return None;
        };
        Some(Section { path, span: value.span(), table, asked: RefCell::default(), findings: self.findings })
    }

    /// The keys of a sub-table, whatever their values are.
    pub(super) fn names(&self, key: &'static str) -> Vec<String> {
        let table = self.value(key).and_then(|value| value.get_ref().as_table());
        table.map_or_else(Vec::new, |table| table.keys().map(|key| key.get_ref().to_string()).collect())
    }

    /// The named sub-tables of a sub-table.
    pub(super) fn named(&self, key: &'static str) -> Vec<(String, Section<'d>)> {
        self.section(key).map_or_else(Vec::new, |section| {
            let entries = section.table.iter();
            entries
                .filter_map(|(name, value)| {
                    let path = section.key_path(name.get_ref());
                    Some((name.get_ref().to_string(), section.section_of(path, value)?))
                })
                .collect()
        })
    }

    /// The values of an array of tables, for another deserializer.
    pub(super) fn tables(&self, key: &'static str) -> Vec<&'d Spanned<DeValue<'d>>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("an array of tables, each under `[[{key}]]`"));
            return Vec::new();
        };
        array.iter().collect()
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        let accepted: Vec<&str> = asked.iter().copied().collect();
        for key in self.table.keys() {
            if !asked.contains(key.get_ref().as_ref()) {
                let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
                let message = format!("unknown key `{}`{place}", key.get_ref());
                self.findings.add(&key.span(), message, Some(hint_among(key.get_ref(), &accepted, "accepted")));
            }
        }
    }
}

fn article(type_name: &str) -> String {
    let vowel = type_name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {type_name}", if vowel { "an" } else { "a" })
}
