//! `request-property-required`: a request needs a field that it did not need before.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-property-required",
    what: "A request needs a field that it did not need before.",
    why: "A request without it is refused.",
    breaking: "When a consumer sends the object without it.",
    mend: "Give the field a default, or ask for it in a new operation.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let (before, known) = (pair.before.required(), pair.before.known_properties());
    for name in pair.after.required().into_iter().filter(|name| !before.contains(name)) {
        let news =
            if known.contains_key(name) { "it was optional and is required now" } else { "it is new and required" };
        report.add(pair.place_of(Some(name)), news, pair.users_without(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_field_that_a_consumer_leaves_out_must_not_be_needed() {
        let before = takes(json!({ "type": "object", "properties": { "name": {} } }));
        let after = takes(json!({ "type": "object", "properties": { "name": {} }, "required": ["name"] }));
        breaks(RULE.id, &before, &after, &sends(json!({})));
        breaks(RULE.id, &takes(json!({ "type": "object" })), &after, &sends(json!({})));
        holds(&after, &before, &sends(json!({})));
    }

    #[test]
    fn a_consumer_that_sends_it_anyway_is_not_broken() {
        let before = takes(json!({ "type": "object", "properties": { "name": {} } }));
        let after = takes(object(json!({ "name": {} })));
        assert_eq!(warnings(&before, &after, &sends(json!({ "name": "a" }))), [RULE.id]);
    }

    #[test]
    fn what_a_response_always_has_may_grow() {
        holds(&answers(json!({ "type": "object" })), &answers(object(json!({ "name": {} }))), &reads(json!({})));
    }
}
