//! The language that picks spans out of a flow.
//!
//! `span[service=order name="POST /api/v1/order" kind=server]` picks the spans for which every comparison holds. A
//! comparison is `field operator value`: the fields `service`, `name`, `kind`, `status`, `duration`, `trace_id`, `span_id`,
//! `resource.<attribute>` or the name of any span attribute; the operators `=`, `!=`, `^=` (begins with), `$=` (ends with),
//! `*=` (contains), `=~` (matches the regular expression), `<`, `<=`, `>`, `>=`. A field alone asks that it is there, one
//! with `!` before it that it is not. Values with spaces or brackets are quoted; `\"` and `\\` stand for themselves.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::duration;
use crate::collector::Span;

/// Longest selector, in bytes.
const LONGEST: usize = 4_096;

/// A text that is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{selector}` is not a selector: {problem} at character {at}; expected something like `span[service=order kind=server]`"
)]
pub struct SelectorError {
    selector: String,
    problem: String,
    at: usize,
}

/// Picks spans: all comparisons must hold.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
pub(crate) struct Condition {
    field: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Present,
    Absent,
    Compare(Operator, String),
    Matches(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Prefix,
    Suffix,
    Contains,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longest spelling first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 9] = [
    ("!=", Operator::NotEqual),
    ("^=", Operator::Prefix),
    ("$=", Operator::Suffix),
    ("*=", Operator::Contains),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Selector {
    /// Whether every comparison holds for a span.
    pub fn matches(&self, span: &Span) -> bool {
        self.conditions.iter().all(|condition| condition.holds(span))
    }

    /// How many comparisons there are.
    pub(crate) fn len(&self) -> usize {
        self.conditions.len()
    }

    /// The comparisons that do not hold for a span, each as `field: expected ..., is ...`.
    pub(crate) fn differences(&self, span: &Span) -> Vec<String> {
        self.conditions
            .iter()
            .filter(|condition| !condition.holds(span))
            .map(|condition| condition.difference(span))
            .collect()
    }
}

impl Condition {
    fn holds(&self, span: &Span) -> bool {
        let actual = actual(span, &self.field);
        match (&self.test, actual) {
            (Test::Present, actual) => actual.is_some(),
            (Test::Absent, actual) => actual.is_none(),
            (Test::Compare(Operator::NotEqual, expected), actual) => actual.as_deref() != Some(expected),
            (_, None) => false,
            (Test::Matches(pattern), Some(actual)) => pattern.is_match(&actual),
            (Test::Compare(operator, expected), Some(actual)) => {
                if self.field == "duration" {
                    let (Some(expected), actual) = (duration::parse(expected), span.duration_ns()) else {
                        return false;
                    };
                    return ordered(*operator, actual as f64, expected.as_nanos() as f64);
                }
                match operator {
                    Operator::Equal => actual == *expected,
                    Operator::NotEqual => actual != *expected,
                    Operator::Prefix => actual.starts_with(expected),
                    Operator::Suffix => actual.ends_with(expected),
                    Operator::Contains => actual.contains(expected),
                    order => match (actual.parse::<f64>(), expected.parse::<f64>()) {
                        (Ok(actual), Ok(expected)) => ordered(*order, actual, expected),
                        _ => false,
                    },
                }
            }
        }
    }

    fn difference(&self, span: &Span) -> String {
        let actual =
            actual(span, &self.field).map_or_else(|| "is not there".to_owned(), |actual| format!("is `{actual}`"));
        let expected = match &self.test {
            Test::Present => "to be there".to_owned(),
            Test::Absent => "not to be there".to_owned(),
            Test::Matches(pattern) => format!("to match `{pattern}`"),
            Test::Compare(operator, value) => {
                let spelling =
                    OPERATORS.iter().find(|(_, known)| known == operator).map_or("", |(spelling, _)| spelling);
                format!("{spelling} `{value}`")
            }
        };
        format!("{}: expected {expected}, {actual}", self.field)
    }
}

fn ordered(operator: Operator, actual: f64, expected: f64) -> bool {
    match operator {
        Operator::Less => actual < expected,
        Operator::LessOrEqual => actual <= expected,
        Operator::Greater => actual > expected,
        Operator::GreaterOrEqual => actual >= expected,
        Operator::Equal => actual == expected,
        _ => false,
    }
}

/// The value of a field, as text.
fn actual(span: &Span, field: &str) -> Option<String> {
    match field {
        "service" => Some(span.service().to_owned()),
        "name" => Some(span.name.to_string()),
        "kind" => Some(span.kind.name().to_owned()),
        "status" => Some(span.status.name().to_owned()),
        "duration" => Some(duration::milliseconds(span.duration_ns())),
        "trace_id" => Some(span.trace_id.to_string()),
        "span_id" => Some(span.span_id.to_string()),
        _ => match field.strip_prefix("resource.") {
            Some(attribute) => span.resource.attributes.get(attribute).map(ToString::to_string),
            None => span.attributes.get(field).map(ToString::to_string),
        },
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        let conditions = parser.selector().map_err(|problem| SelectorError {
            selector: text.chars().take(200).collect(),
            problem,
            at: text[..parser.at].chars().count() + 1,
        })?;
        Ok(Self { text: text.trim().to_owned(), conditions })
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads a selector from left to right; `at` is where it stopped, always on a character boundary.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn selector(&mut self) -> Result<Vec<Condition>, String> {
        if self.text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        self.blanks();
        if !self.take("span") {
            return Err("it does not begin with `span`".to_owned());
        }
        let mut conditions = Vec::new();
        if self.take("[") {
            loop {
                self.blanks();
                if self.take("]") {
                    break;
                }
                conditions.push(self.condition()?);
            }
        }
        self.blanks();
        if self.rest().is_empty() { Ok(conditions) } else { Err("there is more after the end".to_owned()) }
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let absent = self.take("!");
        let length = self
            .rest()
            .find(|character: char| !character.is_alphanumeric() && !"._-/".contains(character))
            .unwrap_or(self.rest().len());
        if length == 0 {
            return Err(if self.rest().is_empty() { "`]` is missing" } else { "a field is missing" }.to_owned());
        }
        let field = self.rest()[..length].to_owned();
        self.at += length;
        if absent {
            return Ok(Condition { field, test: Test::Absent });
        }
        self.blanks();
        let test = if self.take("=~") {
            self.blanks();
            let start = self.at;
            let pattern = self.value()?;
            Test::Matches(Regex::new(&pattern).map_err(|error| {
                self.at = start;
                let error = error.to_string();
                format!("the regular expression is not valid ({})", error.lines().last().unwrap_or_default())
            })?)
        } else if let Some((_, operator)) = OPERATORS.iter().find(|(spelling, _)| self.take(spelling)) {
            self.blanks();
            let start = self.at;
            let value = self.value()?;
            if field == "duration" && duration::parse(&value).is_none() {
                self.at = start;
                return Err(format!("`{value}` is not a duration such as `250ms`"));
            }
            let numeric = matches!(
                operator,
                Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
            );
            if numeric && field != "duration" && value.parse::<f64>().is_err() {
                self.at = start;
                return Err(format!("`{value}` is not a number"));
            }
            Test::Compare(*operator, value)
        } else {
            Test::Present
        };
        Ok(Condition { field, test })
    }

    fn value(&mut self) -> Result<String, String> {
        if !self.take("\"") {
            let length = self
                .rest()
                .find(|character: char| character.is_whitespace() || "[]\"".contains(character))
                .unwrap_or(self.rest().len());
            if length == 0 {
                return Err("a value is missing".to_owned());
            }
            let value = self.rest()[..length].to_owned();
            self.at += length;
            return Ok(value);
        }
        let start = self.at;
        let mut value = String::new();
        while let Some(character) = self.rest().chars().next() {
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(value),
                // A backslash before anything else stands for itself, so that regular expressions stay readable.
                '\\' if self.rest().starts_with(['"', '\\']) => {
                    value.push_str(&self.rest()[..1]);
                    self.at += 1;
                }
                other => value.push(other),
            }
        }
        self.at = start;
        Err("the closing quote is missing".to_owned())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assertions::fixture;

    fn picked(selector: &str) -> Vec<u64> {
        let selector: Selector = selector.parse().expect("valid selector");
        fixture::purchase()
            .all()
            .iter()
            .filter(|span| selector.matches(span))
            .map(|span| span.span_id.number())
            .collect()
    }

    #[test]
    fn selector_compares_fields_and_attributes() {
        assert_eq!(picked("span"), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(picked(r#"span[service=order name="POST /api/v1/order" kind=server]"#), [2]);
        assert_eq!(picked("span[kind=consumer service!=users]"), [7]);
        assert_eq!(picked("span[messaging.message.id=m-1 kind=producer]"), [4]);
        assert_eq!(picked("span[ name ^= INSERT ]"), [3]);
        assert_eq!(picked("span[name$=placed name*=process]"), [5, 7]);
        assert_eq!(picked(r#"span[name=~"^(INSERT|UPDATE) \w+$"]"#), [3, 6]);
        assert_eq!(picked("span[duration>=23ms]"), [1, 2, 7]);
        assert_eq!(picked("span[messaging.batch.message_count>0]"), [4]);
        assert_eq!(picked("span[messaging.message.id !messaging.batch.message_count]"), [5, 7]);
        assert_eq!(picked("span[resource.service.name=users]"), [5, 6]);
    }

    #[test]
    fn selector_error_says_what_and_where() {
        let error = |text: &str| text.parse::<Selector>().expect_err("invalid").to_string();
        insta::assert_snapshot!([
            error("order"),
            error("span[service=order"),
            error("span[service=]"),
            error("span[name=\"x]"),
            error("span[duration<5]"),
            error("span[name=~\"(\"]"),
            error("span[a=1] b"),
            error("span[size>many]"),
        ].join("\n"), @r#"
        `order` is not a selector: it does not begin with `span` at character 1; expected something like `span[service=order kind=server]`
        `span[service=order` is not a selector: `]` is missing at character 19; expected something like `span[service=order kind=server]`
        `span[service=]` is not a selector: a value is missing at character 14; expected something like `span[service=order kind=server]`
        `span[name="x]` is not a selector: the closing quote is missing at character 12; expected something like `span[service=order kind=server]`
        `span[duration<5]` is not a selector: `5` is not a duration such as `250ms` at character 15; expected something like `span[service=order kind=server]`
        `span[name=~"("]` is not a selector: the regular expression is not valid (error: unclosed group) at character 12; expected something like `span[service=order kind=server]`
        `span[a=1] b` is not a selector: there is more after the end at character 11; expected something like `span[service=order kind=server]`
        `span[size>many]` is not a selector: `many` is not a number at character 11; expected something like `span[service=order kind=server]`
        "#);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in r#"(span)?\[?[a-z="~!<>\\\] é]*"#) {
            let _ = text.parse::<Selector>();
        }

        #[test]
        fn quoted_value_is_compared_as_written(value in "[^\\x00]{1,20}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let selector: Selector = format!("span[name=\"{quoted}\"]").parse().expect("valid");
            let mut spans = fixture::Spans::default();
            spans.server("a", 1, 1).named(&value);
            prop_assert!(selector.matches(&spans.all()[0]));
        }
    }
}
