//! `response-enum-value-added`: a value of a response or payload may be one that it could not be before.

use super::{Check, Rule};
use crate::canonical::brief;
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::matches;
use crate::diff::report::Report;
use crate::diff::usage::Use;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-enum-value-added",
    what: "A value of a response or payload may be one that it could not be before.",
    why: "Whoever knows the old values only cannot read the new one.",
    breaking: "When a consumer reads it and its pact takes no such value; a pact that takes any \
               value of the type only gets a warning.",
    mend: "Let consumers learn the value first: their pacts then take it.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let Some(before) = pair.before.enumeration() else { return };
    let Some(after) = pair.after.enumeration() else {
        return report.add(pair.place(), "it was one of a few values and may be any now", pair.users());
    };
    let path = pair.path();
    for value in after.into_iter().filter(|value| !value.is_null() && !before.contains(value)) {
        let refuses = |used: &Use| {
            let patterns = used.patterns(pair.part, &path);
            value.as_str().is_some_and(|text| patterns.iter().any(|pattern| !matches(pattern, text)))
        };
        let refusing = pair.users_where(|used, _| refuses(used));
        let sentence = format!("it may be `{}` now", brief(value));
        match refusing.is_empty() && !pair.users().is_empty() {
            true => report.warn(pair.place(), sentence, pair.users()),
            false => report.add(pair.place(), sentence, refusing),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_value_that_a_consumer_does_not_take_must_not_come() {
        let with = |values: &[&str]| answers(object(json!({ "size": { "type": "string", "enum": values } })));
        let (before, after) = (with(&["small"]), with(&["small", "large"]));
        breaks(RULE.id, &before, &after, &reads_like(json!({ "size": "small" }), "$.size", "^(small|medium)$"));
        let tolerant = reads_like(json!({ "size": "small" }), "$.size", "^[a-z]+$");
        assert_eq!((errors(&before, &after, &tolerant).len(), warnings(&before, &after, &tolerant).len()), (0, 1));
        holds(&after, &after, &tolerant);
    }

    #[test]
    fn a_list_of_values_must_not_go() {
        let (before, after) = (
            object(json!({ "size": { "type": "string", "enum": ["a"] } })),
            object(json!({ "size": { "type": "string" } })),
        );
        breaks(RULE.id, &answers(before), &answers(after), &reads(json!({ "size": "a" })));
    }
}
