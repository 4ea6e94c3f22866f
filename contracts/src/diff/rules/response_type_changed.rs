//! `response-type-changed`: a value of a response or payload may have a type that it did not have before.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "response-type-changed",
    what: "A value of a response or payload may have a type that it did not have before.",
    why: "Whoever reads it cannot read the new type.",
    breaking: "When a consumer reads it.",
    mend: "Put the new type into a field of its own.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let (before, after) = (pair.before.types().without(Types::NULL), pair.after.types().without(Types::NULL));
    // A header is a text on its way, so that whoever reads any text reads what it is.
    let as_text = matches!(pair.part, Part::ResponseHeader(..)) && before.contains(Types::STRING);
    if !before.contains(after) && !as_text {
        report.add(pair.place(), format!("it was {before} and is {after} now"), pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_type_that_a_consumer_reads_must_stay() {
        let with = |kind| answers(object(json!({ "amount": { "type": kind } })));
        let usage = reads(json!({ "amount": 7 }));
        breaks(RULE.id, &with(json!("integer")), &with(json!("string")), &usage);
        breaks(RULE.id, &with(json!("integer")), &with(json!("number")), &usage);
        breaks(RULE.id, &with(json!("integer")), &answers(object(json!({ "amount": {} }))), &usage);
        holds(&with(json!("number")), &with(json!("integer")), &usage);
    }

    #[test]
    fn values_of_maps_and_headers_count() {
        let map = |kind| answers(json!({ "type": "object", "additionalProperties": { "type": kind } }));
        breaks(RULE.id, &map("integer"), &map("string"), &reads(json!({ "a": 1 })));
        let header = |kind| {
            operation(json!({ "responses": { "200": { "headers": { "Age": { "schema": { "type": kind } } } } } }))
        };
        let usage = uses(json!({}), json!({ "status": 200, "headers": { "Age": ["1"] } }));
        breaks(RULE.id, &header("integer"), &header("string"), &usage);
        holds(&header("string"), &header("integer"), &usage);
    }
}
