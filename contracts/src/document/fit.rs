//! Whether a value fits a schema, with the path of everything that does not.

use regex::Regex;
use serde_json::{Map, Value};

use super::schema::{Additional, Schema};
use super::types::Types;
use crate::canonical::{brief, member, shorten};

/// Most steps of one check: alternatives within alternatives multiply.
const MAX_STEPS: u32 = 200_000;
/// Longest pattern that is tried, in bytes.
const MAX_PATTERN: usize = 1_000;

/// Who says the value, which decides what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The consumer sends it: it must be complete, and may have what the schema does not name.
    Request,
    /// The consumer expects it: it may be a part of what the provider says, and nothing beyond that.
    Response,
    /// The provider said it: it must be complete, and nothing beyond that.
    Said,
}

/// One place where a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// JSON path in the value.
    pub(crate) path: String,
    /// What the document says, and what the value is.
    pub(crate) sentence: String,
}

/// Everything about the value that does not fit. Formats are not looked at: an example stands for any text.
pub(crate) fn misfits(schema: &Schema<'_>, value: &Value, side: Side) -> Vec<Misfit> {
    let mut check = Check { side, found: Vec::new(), steps: 0 };
    check.value(schema, value, &mut "$".to_owned(), true);
    if check.steps > MAX_STEPS {
        check.found.push(Misfit {
            path: "$".to_owned(),
            sentence: "the document has too many alternatives here to be checked".into(),
        });
    }
    check.found
}

struct Check {
    side: Side,
    found: Vec<Misfit>,
    steps: u32,
}

impl Check {
    fn say(&mut self, path: &str, sentence: impl Into<String>) {
        self.found.push(Misfit { path: path.to_owned(), sentence: sentence.into() });
    }

    /// `whole` is false inside an alternative, where other parts of the schema may name further members.
    fn value(&mut self, schema: &Schema<'_>, value: &Value, path: &mut String, whole: bool) {
        self.steps += 1;
        if self.steps > MAX_STEPS || (value.is_null() && schema.is_nullable()) {
            return;
        }
        let (allowed, found) = (schema.types(), Types::of(value));
        if !allowed.contains(found) {
            return self.say(path, format!("expected {allowed}, got `{}`", brief(value)));
        }
        if let Some(listed) = schema.enumeration().filter(|listed| !listed.contains(&value)) {
            let listed: Vec<String> = listed.iter().take(20).map(|each| format!("`{}`", brief(each))).collect();
            self.say(path, format!("expected {}, got `{}`", listed.join(" or "), brief(value)));
        }
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(_) => self.number(schema, value, path),
            Value::Array(items) => self.list(schema, items, path),
            Value::Object(members) => self.object(schema, members, path, whole),
            _ => {}
        }
        for alternatives in schema.alternatives() {
            self.one_of(&alternatives, value, path);
        }
    }

    /// Some alternative must fit; of those that do not, the nearest one is told.
    fn one_of(&mut self, alternatives: &[Schema<'_>], value: &Value, path: &mut String) {
        let before = std::mem::take(&mut self.found);
        let mut nearest: Option<Vec<Misfit>> = None;
        for alternative in alternatives {
            self.value(alternative, value, path, false);
            let found = std::mem::take(&mut self.found);
            let nearer = nearest.as_ref().is_none_or(|nearest| found.len() < nearest.len());
            if nearer {
                nearest = Some(found);
            }
            if nearest.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
        }
        self.found = before;
        self.found.extend(nearest.into_iter().flatten());
    }

    fn text(&mut self, schema: &Schema<'_>, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        self.count(schema, ("minLength", "maxLength"), length, "characters", path);
        for pattern in schema.keyword("pattern").filter_map(Value::as_str).filter(|each| each.len() <= MAX_PATTERN) {
            // Patterns of JavaScript that this engine does not know are not judged.
            if Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
                self.say(path, format!("expected a text like `{pattern}`, got `{}`", shorten(text, 120)));
            }
        }
    }

    fn number(&mut self, schema: &Schema<'_>, value: &Value, path: &str) {
        let Some(number) = value.as_f64() else { return };
        let mut bound = |keyword: &str, words: &str, holds: fn(f64, f64) -> bool| {
            for limit in schema.keyword(keyword).filter_map(Value::as_f64) {
                if !holds(number, limit) {
                    self.say(path, format!("expected {words} {limit}, got `{value}`"));
                }
            }
        };
        bound("minimum", "at least", |number, limit| number >= limit);
        bound("maximum", "at most", |number, limit| number <= limit);
        bound("exclusiveMinimum", "more than", |number, limit| number > limit);
        bound("exclusiveMaximum", "less than", |number, limit| number < limit);
    }

    fn list(&mut self, schema: &Schema<'_>, items: &[Value], path: &mut String) {
        self.count(schema, ("minItems", "maxItems"), items.len() as u64, "items", path);
        let Some(each) = schema.items() else { return };
        let length = path.len();
        for (index, item) in items.iter().enumerate() {
            path.push_str(&format!("[{index}]"));
            self.value(&each, item, path, true);
            path.truncate(length);
        }
    }

    fn object(&mut self, schema: &Schema<'_>, members: &Map<String, Value>, path: &mut String, whole: bool) {
        let (own, known) = (schema.properties(), schema.known_properties());
        let length = path.len();
        // What only the other side says cannot be missing.
        let unsaid = match self.side {
            Side::Request => Some("readOnly"),
            Side::Response => None,
            Side::Said => Some("writeOnly"),
        };
        if let Some(unsaid) = unsaid {
            let missing = |name: &&str| {
                !members.contains_key(*name) && !known.get(*name).is_some_and(|schema| schema.says(unsaid))
            };
            for name in schema.required().into_iter().filter(missing) {
                self.say(&format!("{path}{}", member(name)), "the document requires it, but it is missing");
            }
        }
        let additional = schema.additional();
        let open = known.is_empty() || schema.alternatives().iter().flatten().any(is_open);
        let patterned = schema.keyword("patternProperties").next().is_some();
        for (name, value) in members {
            path.push_str(&member(name));
            if let Some(schema) = own.get(name.as_str()) {
                if self.side != Side::Request && schema.says("writeOnly") {
                    self.say(path, "the document says `writeOnly`: it is sent, and never comes back");
                }
                self.value(schema, value, path, true);
            } else if !known.contains_key(name.as_str()) && !patterned {
                match &additional {
                    Additional::Values(schema) => self.value(schema, value, path, true),
                    Additional::Forbidden => self.say(path, "the document allows no such field"),
                    Additional::Unsaid if whole && !open && self.side != Side::Request => {
                        self.say(path, "the document promises no such field");
                    }
                    Additional::Unsaid | Additional::Allowed => {}
                }
            }
            path.truncate(length);
        }
    }

    fn count(&mut self, schema: &Schema<'_>, (least, most): (&str, &str), count: u64, what: &str, path: &str) {
        for limit in schema.keyword(least).filter_map(Value::as_u64).filter(|limit| count < *limit) {
            self.say(path, format!("expected at least {limit} {what}, got {count}"));
        }
        for limit in schema.keyword(most).filter_map(Value::as_u64).filter(|limit| count > *limit) {
            self.say(path, format!("expected at most {limit} {what}, got {count}"));
        }
    }
}

/// Whether an alternative takes members that it does not name.
fn is_open(schema: &Schema<'_>) -> bool {
    match schema.additional() {
        Additional::Allowed | Additional::Values(_) => true,
        Additional::Forbidden => false,
        Additional::Unsaid => {
            schema.types().contains(Types::OBJECT)
                && schema.known_properties().is_empty()
                && schema.alternatives().is_empty()
        }
    }
}
