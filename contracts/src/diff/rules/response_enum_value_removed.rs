//! `response-enum-value-removed`: a value of a response or payload does not come any more.

use serde_json::Value;

use super::{Check, Rule};
use crate::canonical::brief;
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::words;
use crate::diff::report::Report;
use crate::diff::usage::Use;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-enum-value-removed",
    what: "A value of a response or payload does not come any more.",
    why: "Whoever waits for it waits for ever.",
    breaking: "When a consumer's pact names it, as its example or in a pattern.",
    mend: "Go on sending it until no consumer waits for it.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let (Some(before), Some(after)) = (pair.before.enumeration(), pair.after.enumeration()) else { return };
    let path = pair.path();
    for value in before.into_iter().filter(|value| !value.is_null() && !after.contains(value)) {
        let names = |used: &Use, here: &Value| {
            let patterns = used.patterns(pair.part, &path);
            here == value
                || value
                    .as_str()
                    .is_some_and(|text| patterns.iter().any(|pattern| words(pattern).any(|word| word == text)))
        };
        report.add(pair.place(), format!("it is never `{}` any more", brief(value)), pair.users_where(names));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_value_that_a_consumer_waits_for_must_stay() {
        let with = |values: &[&str]| answers(object(json!({ "size": { "enum": values } })));
        let (before, after) = (with(&["small", "large"]), with(&["small"]));
        breaks(RULE.id, &before, &after, &reads(json!({ "size": "large" })));
        breaks(RULE.id, &before, &after, &reads_like(json!({ "size": "small" }), "$.size", "^(small|large)$"));
        assert_eq!(warnings(&before, &after, &reads(json!({ "size": "small" }))), [RULE.id]);
        assert_eq!(errors(&after, &before, &reads(json!({ "size": "small" }))), [""; 0]);
    }

    #[test]
    fn a_constant_of_the_metadata_must_stay() {
        let with = |version: &str| {
            event(json!({ "headers": { "type": "object", "properties": { "schema": { "enum": ["1", version] } } } }))
        };
        breaks(RULE.id, &with("2"), &with("1"), &hears(json!({}), json!({ "schema": "2" })));
    }
}
