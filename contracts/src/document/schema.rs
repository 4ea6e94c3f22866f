//! A schema as readers need it: every reference and `allOf` in it already put together.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::budget::{Budget, Key};
use super::reference;
use super::types::Types;

/// The schema that nothing fits.
static NOTHING: Value = Value::Bool(false);
/// Most schemas that one schema is put together from.
const MAX_PARTS: usize = 256;
/// Most alternatives that are looked at; where there are more, any value will do.
const MAX_ALTERNATIVES: usize = 64;
/// What may stand beside a reference without saying anything of values.
const REMARKS: [&str; 6] = ["$ref", "description", "title", "summary", "deprecated", "default"];
/// How deep alternatives may have alternatives; those further down are taken as fitting.
const MAX_NESTING: usize = 3;

/// What a value must be: all of its parts hold at once.
///
/// References and `allOf` are resolved; `oneOf` and `anyOf` with a single alternative beside `null`, which is how an
/// optional reference is written, are taken as that alternative or null. Nothing in it goes further than one step down,
/// so cyclic schemas are as good as any.
#[derive(Clone, Debug)]
pub struct Schema<'a> {
    root: &'a Value,
    parts: Vec<&'a Value>,
    choices: Vec<Vec<&'a Value>>,
    nullable: bool,
    nesting: usize,
    /// Shared by all that one look reaches; a schema of a model has none, and each look at it gets its own.
    budget: Option<Arc<Budget>>,
}

/// What a schema says of members that it does not name.
#[derive(Clone, Debug)]
pub enum Additional<'a> {
    /// Nothing: they are allowed, and nobody promises them.
    Unsaid,
    /// They are allowed.
    Allowed,
    /// They are not allowed.
    Forbidden,
    /// They are values of a map.
    Values(Schema<'a>),
}

impl<'a> Schema<'a> {
    /// The schema at `value`, a part of the document `root`.
    pub(crate) fn new(root: &'a Value, value: &'a Value) -> Self {
        Self::all(root, &[value], 0, None)
    }

    /// The schema that everything fits.
    pub(crate) fn anything(root: &'a Value) -> Self {
        Self::all(root, &[], 0, None)
    }

    /// What fits all of these.
    pub(crate) fn all_of(root: &'a Value, values: &[&'a Value]) -> Self {
        Self::all(root, values, 0, None)
    }

    fn all(root: &'a Value, values: &[&'a Value], nesting: usize, budget: Option<Arc<Budget>>) -> Self {
        let mut schema = Self { root, parts: Vec::new(), choices: Vec::new(), nullable: false, nesting, budget };
        for value in values {
            schema.add(value);
        }
        schema
    }

    fn add(&mut self, value: &'a Value) {
        // A part that is there already adds nothing; that also ends cycles.
        if self.parts.len() >= MAX_PARTS || self.parts.iter().any(|part| std::ptr::eq(*part, value)) {
            return;
        }
        self.parts.push(value);
        let Value::Object(members) = value else { return };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            // Documents with such references are refused; if one were met all the same, nothing fits it.
            self.add(reference::target(self.root, reference).unwrap_or(&NOTHING));
        }
        for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.add(part);
        }
        let version = self.root.get("openapi").and_then(Value::as_str).unwrap_or_default();
        self.nullable |= version.starts_with("3.0") && members.get("nullable") == Some(&Value::Bool(true));
        for keyword in ["oneOf", "anyOf"] {
            if let Some(listed) = members.get(keyword).and_then(Value::as_array) {
                self.choose(listed);
            }
        }
    }

    fn choose(&mut self, listed: &'a [Value]) {
        let is_null = |value: &Value| value.get("type").and_then(Value::as_str) == Some("null");
        let others: Vec<&Value> = listed.iter().filter(|value| !is_null(value)).take(MAX_ALTERNATIVES + 1).collect();
        match others.as_slice() {
            [] => {}
            [only] => self.add(only),
            several if several.len() > MAX_ALTERNATIVES => return,
            several => self.choices.push(several.to_vec()),
        }
        self.nullable |= others.len() < listed.len();
    }

    /// The values of one keyword, in all parts.
    pub(crate) fn keyword(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| part.get(name))
    }

    /// Whether a keyword is `true` in any part.
    pub(crate) fn says(&self, keyword: &str) -> bool {
        self.keyword(keyword).any(|value| value == &Value::Bool(true))
    }

    /// Which types a value may have.
    #[must_use]
    pub fn types(&self) -> Types {
        self.looked_at(|schema, budget| {
            let key = schema.key();
            budget.types.get(&key).unwrap_or_else(|| budget.types.keep(key, schema.types_within()))
        })
    }

    fn types_within(&self) -> Types {
        let declared = self.parts.iter().map(|part| match part {
            Value::Bool(false) => Types::NONE,
            _ => part.get("type").map_or(Types::ANY, Types::declared),
        });
        let own = declared.fold(Types::ANY, Types::intersection);
        let listed = self
            .enumeration()
            .map_or(Types::ANY, |values| values.into_iter().map(Types::of).fold(Types::NONE, Types::union));
        let mut types = own.intersection(listed);
        for choice in self.choices() {
            let mut chosen = Types::NONE;
            for value in choice {
                chosen = chosen.union(self.alternative(value).map_or(Types::ANY, |each| each.types()));
                if chosen == Types::ANY {
                    break;
                }
            }
            types = types.intersection(chosen);
        }
        if self.nullable { types.union(Types::NULL) } else { types }
    }

    /// The only values that are allowed, when they are listed.
    #[must_use]
    pub fn enumeration(&self) -> Option<Vec<&'a Value>> {
        let lists = self.parts.iter().flat_map(|part| {
            let listed = part.get("enum").and_then(Value::as_array).map(|values| values.iter().collect::<Vec<_>>());
            listed.into_iter().chain(part.get("const").map(|value| vec![value]))
        });
        lists.reduce(|one, other| {
            let other: HashSet<&Value> = other.into_iter().collect();
            one.into_iter().filter(|value| other.contains(value)).collect()
        })
    }

    /// Members that are named, with what they must be.
    #[must_use]
    pub fn properties(&self) -> BTreeMap<&'a str, Schema<'a>> {
        let mut values: BTreeMap<&'a str, Vec<&'a Value>> = BTreeMap::new();
        for members in self.keyword("properties").filter_map(Value::as_object) {
            for (name, value) in members {
                values.entry(name).or_default().push(value);
            }
        }
        values.into_iter().map(|(name, values)| (name, self.below(&values))).collect()
    }

    /// What one member must be that is named here.
    pub(super) fn property(&self, name: &str) -> Option<Schema<'a>> {
        let named = |part: &'a Value| part.get("properties")?.as_object()?.get(name);
        let values: Vec<&Value> = self.parts.iter().filter_map(|part| named(part)).collect();
        (!values.is_empty()).then(|| self.below(&values))
    }

    /// What one member must be that is named here or in any alternative; the first to name it says so.
    pub(super) fn known_property(&self, name: &str) -> Option<Schema<'a>> {
        self.looked_at(|schema, _| {
            schema.property(name).or_else(|| schema.each_alternative().find_map(|each| each.known_property(name)))
        })
    }

    /// Whether a member is named here or in any alternative.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.looked_at(|schema, budget| {
            let key = (schema.key(), name.to_owned());
            budget.known.get(&key).unwrap_or_else(|| {
                let named = |part: &&Value| part.get("properties").is_some_and(|named| named.get(name).is_some());
                let knows = schema.parts.iter().any(named) || schema.each_alternative().any(|each| each.knows(name));
                budget.known.keep(key, knows)
            })
        })
    }

    /// Whether it names no members at all, or an alternative takes members that nothing names.
    pub(super) fn is_open(&self) -> bool {
        self.looked_at(|schema, budget| {
            let key = schema.key();
            budget.open.get(&key).unwrap_or_else(|| {
                let takes_more = |each: Schema<'_>| match each.additional() {
                    Additional::Allowed | Additional::Values(_) => true,
                    Additional::Forbidden => false,
                    Additional::Unsaid => {
                        each.types().contains(Types::OBJECT) && each.choices().is_empty() && each.names_nothing()
                    }
                };
                let open = schema.names_nothing() || schema.each_alternative().any(takes_more);
                budget.open.keep(key, open)
            })
        })
    }

    fn names_nothing(&self) -> bool {
        let named = |value: &Value| value.as_object().is_some_and(|members| !members.is_empty());
        !self.keyword("properties").any(named) && self.each_alternative().all(|each| each.names_nothing())
    }

    /// Members that are named here or in any alternative; the first to name one says what it must be.
    #[must_use]
    pub fn known_properties(&self) -> BTreeMap<&'a str, Schema<'a>> {
        self.looked_at(|schema, budget| {
            let mut known = schema.properties();
            budget.spend(known.len());
            for alternative in schema.each_alternative() {
                for (name, schema) in alternative.known_properties() {
                    known.entry(name).or_insert(schema);
                }
            }
            known
        })
    }

    /// Names of the members that must be there.
    #[must_use]
    pub fn required(&self) -> BTreeSet<&'a str> {
        self.keyword("required").filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
    }

    /// What it says of members that it does not name.
    #[must_use]
    pub fn additional(&self) -> Additional<'a> {
        let said: Vec<&Value> = self.keyword("additionalProperties").collect();
        if said.contains(&&Value::Bool(false)) {
            return Additional::Forbidden;
        }
        let schemas: Vec<&Value> = said.iter().copied().filter(|value| value.is_object()).collect();
        match (schemas.is_empty(), said.is_empty()) {
            (false, _) => Additional::Values(self.below(&schemas)),
            (true, false) => Additional::Allowed,
            (true, true) => Additional::Unsaid,
        }
    }

    /// What the items of a list must be.
    #[must_use]
    pub fn items(&self) -> Option<Schema<'a>> {
        let values: Vec<&Value> = self.keyword("items").filter(|value| !value.is_array()).collect();
        (!values.is_empty()).then(|| self.below(&values))
    }

    /// What the items of a list must be here or in any alternative; the first to say it says what they must be.
    #[must_use]
    pub fn known_items(&self) -> Option<Schema<'a>> {
        self.looked_at(|schema, _| {
            schema.items().or_else(|| schema.each_alternative().find_map(|each| each.known_items()))
        })
    }

    /// Sets of schemas, of each of which one must fit too.
    #[must_use]
    pub fn alternatives(&self) -> Vec<Vec<Schema<'a>>> {
        self.looked_at(|schema, _| {
            let one = |choice: &Vec<&'a Value>| choice.iter().map(|value| schema.alternative(value)).collect();
            schema.choices().iter().map(one).collect::<Option<_>>().unwrap_or_default()
        })
    }

    /// The lists of alternatives, none of them made a schema yet.
    pub(super) fn choices(&self) -> &[Vec<&'a Value>] {
        if self.nesting < MAX_NESTING { &self.choices } else { &[] }
    }

    /// One alternative as a schema; none when the budget is spent.
    pub(super) fn alternative(&self, value: &'a Value) -> Option<Schema<'a>> {
        let budget = self.budget.as_ref();
        if budget.is_some_and(|budget| budget.is_spent()) {
            return None;
        }
        let alternative = Self::all(self.root, &[value], self.nesting + 1, budget.cloned());
        alternative.spend();
        Some(alternative)
    }

    /// All alternatives of all lists, until the budget is spent.
    fn each_alternative(&self) -> impl Iterator<Item = Schema<'a>> {
        self.choices().iter().flatten().map_while(|value| self.alternative(value))
    }

    /// The same schema with a budget of its own.
    pub(super) fn anew(&self) -> (Self, Arc<Budget>) {
        let budget = Arc::new(Budget::default());
        (Self { budget: Some(Arc::clone(&budget)), ..self.clone() }, budget)
    }

    /// Counts one look at every part and alternative of it.
    pub(super) fn spend(&self) {
        if let Some(budget) = &self.budget {
            budget.spend(1 + self.parts.len() + self.choices.iter().map(Vec::len).sum::<usize>());
        }
    }

    /// Looks with the budget that it has, else with a new one.
    fn looked_at<T>(&self, look: impl FnOnce(&Self, &Budget) -> T) -> T {
        match &self.budget {
            Some(budget) => look(self, budget),
            None => {
                let (schema, budget) = self.anew();
                look(&schema, &budget)
            }
        }
    }

    fn key(&self) -> Key {
        (self.identity().into_iter().map(|part| part as usize).collect(), self.nesting)
    }

    /// Whether null is allowed whatever else is said.
    pub(crate) fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// Where its parts stand in memory, those left out that only refer to others: what cycles are noticed by.
    pub(crate) fn identity(&self) -> Vec<*const Value> {
        let refers = |part: &Value| {
            part.get("$ref").is_some_and(Value::is_string)
                && part.as_object().is_some_and(|members| members.keys().all(|key| REMARKS.contains(&key.as_str())))
        };
        self.parts.iter().filter(|part| !refers(part)).map(|part| std::ptr::from_ref(*part)).collect()
    }

    /// What it is called: the reference that it is written as, or its title.
    #[must_use]
    pub fn label(&self) -> Option<&'a str> {
        let first = self.parts.first()?;
        first.get("$ref").or_else(|| first.get("title")).and_then(Value::as_str)
    }

    fn below(&self, values: &[&'a Value]) -> Self {
        Self::all(self.root, values, 0, self.budget.clone())
    }
}
