//! Values with `${...}` in them.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};
use serde_json::Value;
use thiserror::Error;

/// What is wrong with a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("`{0}` opens a `${{` that is never closed")]
    Unclosed(String),
    /// Neither a variable nor a function.
    #[error("`${{{0}}}` is neither a variable name nor one of `hex(n)`, `uuid()`, `int(low, high)`, `iteration()`")]
    Unknown(String),
    /// A function with arguments that it does not take.
    #[error("`${{{call}}}` has wrong arguments: expected {expected}")]
    Arguments {
        /// The call as written.
        call: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A variable that nothing has set.
    #[error("variable `{0}` is not set at this point")]
    Unset(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    Hex(usize),
    Uuid,
    Int(i64, i64),
    Iteration,
}

/// A parsed string value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Where a template gets its values from.
pub struct Scope<'a, R> {
    /// Variables set so far.
    pub vars: &'a BTreeMap<String, Value>,
    /// The iteration's own randomness.
    pub rng: &'a mut R,
    /// Number of the iteration, from 0.
    pub iteration: u64,
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// When a `${` is not closed or holds something unknown.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let inner = &rest[start + 2..];
            let end = inner.find('}').ok_or_else(|| TemplateError::Unclosed(text.to_owned()))?;
            parts.push(parse_part(inner[..end].trim())?);
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Names of the variables that it reads.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Fills it in. A template that is one variable alone keeps the variable's JSON type.
    ///
    /// # Errors
    /// When a variable is not set.
    pub fn value<R: Rng>(&self, scope: &mut Scope<'_, R>) -> Result<Value, TemplateError> {
        match self.0.as_slice() {
            [Part::Text(text)] => Ok(Value::String(text.clone())),
            [Part::Variable(name)] => scope.vars.get(name).cloned().ok_or_else(|| TemplateError::Unset(name.clone())),
            [Part::Int(low, high)] => Ok(scope.rng.random_range(*low..=*high).into()),
            [Part::Iteration] => Ok(scope.iteration.into()),
            _ => self.text(scope).map(Value::String),
        }
    }

    /// Fills it in as text.
    ///
    /// # Errors
    /// When a variable is not set.
    pub fn text<R: Rng>(&self, scope: &mut Scope<'_, R>) -> Result<String, TemplateError> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => match scope.vars.get(name) {
                    Some(Value::String(text)) => out.push_str(text),
                    Some(other) => out.push_str(&other.to_string()),
                    None => return Err(TemplateError::Unset(name.clone())),
                },
                Part::Hex(digits) => {
                    for _ in 0..*digits {
                        let digit = scope.rng.random_range(0..16u32);
                        out.push(char::from_digit(digit, 16).unwrap_or('0'));
                    }
                }
                Part::Uuid => {
                    let uuid = uuid::Builder::from_random_bytes(scope.rng.random()).into_uuid();
                    out.push_str(&uuid.to_string());
                }
                Part::Int(low, high) => {
                    out.push_str(&scope.rng.random_range(*low..=*high).to_string());
                }
                Part::Iteration => out.push_str(&scope.iteration.to_string()),
            }
        }
        Ok(out)
    }
}

fn parse_part(inner: &str) -> Result<Part, TemplateError> {
    let Some((name, arguments)) = inner.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        let variable = !inner.is_empty()
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !inner.starts_with(|c: char| c.is_ascii_digit());
        return if variable {
            Ok(Part::Variable(inner.to_owned()))
        } else {
            Err(TemplateError::Unknown(inner.to_owned()))
        };
    };
    let wrong = |expected| TemplateError::Arguments { call: inner.to_owned(), expected };
    match name {
        "hex" => match arguments.trim().parse() {
            Ok(digits @ 1..=64) => Ok(Part::Hex(digits)),
            _ => Err(wrong("a number of digits from 1 to 64")),
        },
        "int" => {
            let bounds = arguments
                .split_once(',')
                .and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)))
                .filter(|(low, high): &(i64, i64)| low <= high);
            let (low, high) = bounds.ok_or_else(|| wrong("a lower and an upper bound"))?;
            Ok(Part::Int(low, high))
        }
        "uuid" if arguments.trim().is_empty() => Ok(Part::Uuid),
        "iteration" if arguments.trim().is_empty() => Ok(Part::Iteration),
        "uuid" | "iteration" => Err(wrong("no arguments")),
        _ => Err(TemplateError::Unknown(inner.to_owned())),
    }
}

/// A JSON value whose strings are templates.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTemplate {
    /// A value without templates in it.
    Plain(Value),
    /// A string.
    Text(Template),
    /// An array.
    Array(Vec<ValueTemplate>),
    /// An object.
    Object(Vec<(String, ValueTemplate)>),
}

impl ValueTemplate {
    /// Parses every string in `value`.
    ///
    /// # Errors
    /// The first template that does not parse.
    pub fn parse(value: &Value) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?),
            Value::Array(items) => Self::Array(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::parse(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            other => Self::Plain(other.clone()),
        })
    }

    /// Calls `see` with the name of each variable that it reads.
    pub fn for_each_variable(&self, see: &mut impl FnMut(&str)) {
        match self {
            Self::Plain(_) => {}
            Self::Text(template) => template.variables().for_each(see),
            Self::Array(items) => items.iter().for_each(|item| item.for_each_variable(see)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.for_each_variable(see)),
        }
    }

    /// Fills it in.
    ///
    /// # Errors
    /// When a variable is not set.
    pub fn value<R: Rng>(&self, scope: &mut Scope<'_, R>) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => template.value(scope)?,
            Self::Array(items) => Value::Array(items.iter().map(|item| item.value(scope)).collect::<Result<_, _>>()?),
            Self::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, field)| Ok((key.clone(), field.value(scope)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;
    use serde_json::json;

    use super::*;

    fn render(text: &str, vars: &BTreeMap<String, Value>) -> Result<Value, TemplateError> {
        let mut rng = ChaCha12Rng::seed_from_u64(7);
        let mut scope = Scope { vars, rng: &mut rng, iteration: 3 };
        Template::parse(text)?.value(&mut scope)
    }

    #[test]
    fn lone_variable_keeps_its_type() {
        let vars = BTreeMap::from([("n".to_owned(), json!(12))]);
        assert_eq!(render("${n}", &vars), Ok(json!(12)));
        assert_eq!(render("n=${n}", &vars), Ok(json!("n=12")));
    }

    #[test]
    fn functions_are_reproducible_from_the_seed() {
        let vars = BTreeMap::new();
        assert_eq!(render("${hex(8)}", &vars), render("${hex(8)}", &vars));
        assert_eq!(render("${iteration()}", &vars), Ok(json!(3)));
        let Ok(Value::Number(number)) = render("${int(5, 6)}", &vars) else {
            panic!("not a number");
        };
        assert!((5..=6).contains(&number.as_i64().unwrap()));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        assert_eq!(Template::parse("a ${b").unwrap_err().to_string(), "`a ${b` opens a `${` that is never closed");
        assert_eq!(
            Template::parse("${hex(900)}").unwrap_err().to_string(),
            "`${hex(900)}` has wrong arguments: expected a number of digits from 1 to 64"
        );
        assert!(matches!(Template::parse("${a b}"), Err(TemplateError::Unknown(_))));
        assert_eq!(render("${nobody}", &BTreeMap::new()), Err(TemplateError::Unset("nobody".into())));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            let _ = Template::parse(&text);
        }

        #[test]
        fn text_without_dollar_is_itself(text in "[^$]{0,80}") {
            prop_assert_eq!(render(&text, &BTreeMap::new()), Ok(json!(text)));
        }
    }
}
