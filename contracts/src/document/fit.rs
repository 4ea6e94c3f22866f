//! Whether a value fits a schema, with the path of everything that does not.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::schema::{Additional, Schema};
use super::types::Types;
use crate::canonical::{brief, member, shorten};

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
    let (schema, budget) = schema.anew();
    let mut check = Check { side, found: Vec::new(), budget };
    check.value(&schema, value, &mut "$".to_owned(), true);
    if check.budget.is_spent() {
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
    budget: Arc<Budget>,
}

impl Check {
    fn say(&mut self, path: &str, sentence: impl Into<String>) {
        self.found.push(Misfit { path: path.to_owned(), sentence: sentence.into() });
    }

    /// `whole` is false inside an alternative, where other parts of the schema may name further members.
    fn value(&mut self, schema: &Schema<'_>, value: &Value, path: &mut String, whole: bool) {
        schema.spend();
        if self.budget.is_spent() || (value.is_null() && schema.is_nullable()) {
            return;
        }
        let (allowed, found) = (schema.types(), Types::of(value));
        if !allowed.contains(found) {
            return self.say(path, format!("expected {allowed}, got `{}`", brief(value)));
        }
        let listed = schema.enumeration();
        self.budget.spend(listed.as_ref().map_or(0, Vec::len) / 16);
        if let Some(listed) = listed.filter(|listed| !listed.contains(&value)) {
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
        for choice in schema.choices() {
            self.one_of(schema, choice, value, path);
        }
    }

    /// Some alternative must fit; of those that do not, the nearest one is told.
    fn one_of<'a>(&mut self, schema: &Schema<'a>, choice: &[&'a Value], value: &Value, path: &mut String) {
        let before = std::mem::take(&mut self.found);
        let mut nearest: Option<Vec<Misfit>> = None;
        for alternative in choice.iter().map_while(|each| schema.alternative(each)) {
            self.value(&alternative, value, path, false);
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
        for pattern in schema.keyword("pattern").filter_map(Value::as_str) {
            if self.budget.pattern(pattern).is_some_and(|regex| !regex.is_match(text)) {
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
        let length = path.len();
        // What only the other side says cannot be missing.
        let unsaid = match self.side {
            Side::Request => Some("readOnly"),
            Side::Response => None,
            Side::Said => Some("writeOnly"),
        };
        if let Some(unsaid) = unsaid {
            let missing = |name: &&str| {
                !members.contains_key(*name) && !schema.known_property(name).is_some_and(|schema| schema.says(unsaid))
            };
            for name in schema.required().into_iter().filter(missing) {
                self.say(&format!("{path}{}", member(name)), "the document requires it, but it is missing");
            }
        }
        let additional = schema.additional();
        let open = schema.is_open();
        let patterned = schema.keyword("patternProperties").next().is_some();
        for (name, value) in members {
            path.push_str(&member(name));
            if let Some(schema) = schema.property(name) {
                if self.side != Side::Request && schema.says("writeOnly") {
                    self.say(path, "the document says `writeOnly`: it is sent, and never comes back");
                }
                self.value(&schema, value, path, true);
            } else if !patterned && !schema.knows(name) {
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
