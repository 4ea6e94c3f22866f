//! Rules and generators of an interaction, refused by name where the matching engine would drop, misread or choke on them.
//!
//! The engine takes a matcher that it does not know for one of a plugin's, rules in an unknown category for rules of the
//! body, and a list without `matchers` for an empty one; what such a pact expects is then not what is verified.

use pact_models::path_exp::DocPath;
use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Map, Value};

use crate::canonical::{brief, member};

/// Matchers of versions 1 to 4, by all of their names.
const MATCHERS: [&str; 30] = [
    "array-contains",
    "arrayContains",
    "boolean",
    "content-type",
    "contentType",
    "date",
    "datetime",
    "decimal",
    "each-key",
    "each-value",
    "eachKey",
    "eachValue",
    "equality",
    "include",
    "integer",
    "max",
    "max-type",
    "min",
    "min-type",
    "not-empty",
    "notEmpty",
    "null",
    "number",
    "real",
    "regex",
    "semver",
    "status-code",
    "statusCode",
    "time",
    "timestamp",
];
/// The same, that are too short to be told.
const PLAIN: [&str; 2] = ["type", "values"];
/// Older files leave the name of a matcher out where its attribute tells it.
const TELLING: [&str; 6] = ["regex", "min", "max", "timestamp", "time", "date"];
/// What rules are about.
const CATEGORIES: [&str; 10] =
    ["method", "path", "header", "headers", "query", "body", "content", "contents", "status", "metadata"];
/// What generators are about.
const GENERATED: [&str; 7] = ["method", "path", "header", "query", "body", "status", "metadata"];
/// Generators of versions 3 and 4.
const GENERATORS: [&str; 11] = [
    "Date",
    "DateTime",
    "MockServerURL",
    "ProviderState",
    "RandomBoolean",
    "RandomDecimal",
    "RandomHexadecimal",
    "RandomInt",
    "RandomString",
    "Regex",
    "Time",
];
/// Longest text that an expression may generate, in bytes.
const MAX_GENERATED: u64 = 64 * 1024;
/// Repetitions that the generator gives to a part that may be repeated without end.
const ENDLESS: u64 = 20;

/// Where something is, below the interaction.
#[derive(Clone)]
struct Place(String);

impl Place {
    fn below(&self, name: &str) -> Self {
        Self(format!("{}{}", self.0, member(name)))
    }

    fn at(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The sentence goes on after the name of the interaction.
    fn wrong<T>(&self, reason: impl AsRef<str>) -> Result<T, String> {
        Err(format!("has, at `{}`, {}", self.0.trim_start_matches('.'), reason.as_ref()))
    }
}

/// Looks at the rules and generators of all parts of an interaction.
///
/// # Errors
///
/// The place of the first one that cannot be obeyed as it is written, and why.
pub(crate) fn check(interaction: &Value) -> Result<(), String> {
    let root = Place(String::new());
    let parts = ["request", "response", "contents"].map(|part| (interaction.get(part), root.below(part)));
    for (part, place) in [(Some(interaction), root.clone())].into_iter().chain(parts) {
        let Some(part) = part.and_then(Value::as_object) else { continue };
        if let Some(rules) = part.get("matchingRules").filter(|rules| !rules.is_null()) {
            matching_rules(rules, &place.below("matchingRules"))?;
        }
        if let Some(generators) = part.get("generators").filter(|generators| !generators.is_null()) {
            all_generators(generators, &place.below("generators"))?;
        }
    }
    Ok(())
}

fn object<'a>(value: &'a Value, place: &Place) -> Result<&'a Map<String, Value>, String> {
    match value {
        Value::Object(members) => Ok(members),
        other => place.wrong(format!("`{}`, expected an object", brief(other))),
    }
}

fn matching_rules(rules: &Value, place: &Place) -> Result<(), String> {
    let rules = object(rules, place)?;
    // Version 2: from a path in the whole message to one matcher. The engine goes by the first key, too.
    let version_2 = rules.keys().any(|key| key.starts_with('$'));
    for (key, rule) in rules {
        let place = place.below(key);
        if version_2 {
            path(key, &place)?;
            matcher(rule, &place)?;
        } else if CATEGORIES.contains(&key.to_lowercase().as_str()) {
            category(rule, !matches!(key.as_str(), "header" | "headers" | "query"), &place)?;
        } else {
            return place
                .wrong(format!("rules about nothing that is known, expected one of {}", CATEGORIES.join(", ")));
        }
    }
    Ok(())
}

/// Rules of one category: a list for the whole of it, or one for each path or name in it.
fn category(rules: &Value, paths: bool, place: &Place) -> Result<(), String> {
    let members = object(rules, place)?;
    if members.contains_key("matchers") {
        return list(rules, place);
    }
    for (key, rules) in members {
        let place = place.below(key);
        if paths {
            path(key, &place)?;
        }
        list(rules, &place)?;
    }
    Ok(())
}

fn path(expression: &str, place: &Place) -> Result<(), String> {
    DocPath::new(expression).map_or_else(|error| place.wrong(format!("a path that is none: {error}")), |_| Ok(()))
}

fn list(rules: &Value, place: &Place) -> Result<(), String> {
    let members = object(rules, place)?;
    if let Some(combine) = members.get("combine").filter(|combine| !combine.is_null())
        && !combine.as_str().is_some_and(|how| ["AND", "OR"].contains(&how.to_uppercase().as_str()))
    {
        return place.wrong(format!("rules that are combined by `{}`, expected `AND` or `OR`", brief(combine)));
    }
    let Some(Value::Array(matchers)) = members.get("matchers") else {
        return place.wrong("no list of `matchers`: nothing would be compared by a rule");
    };
    let place = place.below("matchers");
    matchers.iter().enumerate().try_for_each(|(index, each)| matcher(each, &place.at(index)))
}

fn matcher(rule: &Value, place: &Place) -> Result<(), String> {
    let members = object(rule, place)?;
    let name = match members.get("match").map(|name| (name, name.as_str())) {
        Some((_, Some(name))) if MATCHERS.contains(&name) || PLAIN.contains(&name) => name,
        Some((name, _)) => {
            return place.wrong(format!(
                "the matcher `{}`, which no version of the specification has: expected one of {}",
                brief(name).trim_matches('"'),
                [&PLAIN[..], &MATCHERS].concat().join(", ")
            ));
        }
        None => match TELLING.iter().find(|name| members.contains_key(**name)) {
            Some(name) => name,
            None => return place.wrong("a rule without `match`, expected the name of a matcher"),
        },
    };
    for bound in ["min", "max"] {
        let number = members.get(bound).filter(|value| !value.is_null());
        if let Some(number) = number.filter(|number| number.as_u64().is_none()) {
            return place.wrong(format!("`{bound}` of `{}`, expected a whole number of items", brief(number)));
        }
    }
    match name {
        "regex" => match members.get("regex").and_then(Value::as_str) {
            Some(regex) => expression(regex, place),
            None => place.wrong("the matcher `regex` without an expression, expected one as `regex`"),
        },
        "include" | "contentType" | "content-type" if !members.contains_key("value") => {
            place.wrong(format!("the matcher `{name}` without `value`"))
        }
        "eachKey" | "each-key" | "eachValue" | "each-value" => {
            let Some(rules) = members.get("rules").and_then(Value::as_array).filter(|rules| !rules.is_empty()) else {
                return place.wrong(format!("the matcher `{name}` without `rules`: nothing would be compared by it"));
            };
            let place = place.below("rules");
            rules.iter().enumerate().try_for_each(|(index, each)| matcher(each, &place.at(index)))
        }
        "arrayContains" | "array-contains" => {
            let Some(Value::Array(variants)) = members.get("variants") else {
                return place.wrong(format!("the matcher `{name}` without a list of `variants`"));
            };
            let place = place.below("variants");
            variants.iter().enumerate().try_for_each(|(index, variant)| match variant.get("rules") {
                Some(rules) => category(rules, true, &place.at(index).below("rules")),
                None => Ok(()),
            })
        }
        _ => Ok(()),
    }
}

fn expression(regex: &str, place: &Place) -> Result<(), String> {
    // The library that the engine compares with.
    onig::Regex::new(regex).map_or_else(
        |error| place.wrong(format!("the regular expression `{regex}`, which is none: {}", error.description())),
        |_| Ok(()),
    )
}

fn all_generators(generators: &Value, place: &Place) -> Result<(), String> {
    for (key, value) in object(generators, place)? {
        let place = place.below(key);
        if !GENERATED.contains(&key.to_lowercase().as_str()) {
            return place
                .wrong(format!("generators of nothing that is known, expected one of {}", GENERATED.join(", ")));
        }
        if ["path", "method", "status"].contains(&key.to_lowercase().as_str()) {
            generator(value, &place)?;
        } else {
            object(value, &place)?.iter().try_for_each(|(name, each)| generator(each, &place.below(name)))?;
        }
    }
    Ok(())
}

fn generator(value: &Value, place: &Place) -> Result<(), String> {
    let members = object(value, place)?;
    let name = members.get("type").and_then(Value::as_str).unwrap_or_default();
    let (least, most) = (members.get("min").and_then(Value::as_i64), members.get("max").and_then(Value::as_i64));
    match name {
        "Regex" => match members.get("regex").and_then(Value::as_str).map(longest) {
            Some(Some(length)) if length <= MAX_GENERATED => Ok(()),
            Some(Some(length)) => {
                place.wrong(format!("an expression for up to {length} bytes, expected at most {MAX_GENERATED}"))
            }
            _ => place.wrong("the generator `Regex` without a regular expression, expected one as `regex`"),
        },
        "RandomInt" if least.unwrap_or(0) > most.unwrap_or(10) => {
            place.wrong("the generator `RandomInt` whose `min` is above its `max`")
        }
        "Uuid" => Ok(()),
        name if GENERATORS.contains(&name) => Ok(()),
        _ => place.wrong(format!(
            "the generator `{}`, which no version of the specification has: expected one of Uuid, {}",
            members.get("type").map(brief).unwrap_or_default().trim_matches('"'),
            GENERATORS.join(", ")
        )),
    }
}

/// The longest text that the engine would generate, in bytes; nothing for what it cannot read.
fn longest(regex: &str) -> Option<u64> {
    fn walk(part: &Hir) -> u64 {
        match part.kind() {
            HirKind::Empty | HirKind::Look(_) => 0,
            HirKind::Literal(literal) => literal.0.len() as u64,
            HirKind::Class(_) => 4,
            HirKind::Repetition(repetition) => {
                let least = u64::from(repetition.min);
                repetition.max.map_or(least + ENDLESS, u64::from).saturating_mul(walk(&repetition.sub))
            }
            HirKind::Capture(capture) => walk(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(walk).fold(0, u64::saturating_add),
            HirKind::Alternation(parts) => parts.iter().map(walk).max().unwrap_or_default(),
        }
    }
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex).ok().map(|hir| walk(&hir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_of_what_an_expression_generates_is_bounded_from_above() {
        assert_eq!(longest("abc"), Some(3));
        assert_eq!(longest("a{3}|b{5}"), Some(5));
        assert_eq!(longest("(a{1000}){1000}"), Some(1_000_000));
        assert_eq!(longest("a+"), Some(21));
        assert_eq!(longest("((a*)*)*"), Some(8000));
        assert_eq!(longest("("), None);
    }
}
