//! `request-type-narrowed`: a value of a request may have fewer types than before.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "request-type-narrowed",
    what: "A value of a request may have fewer types than before.",
    why: "A request with one of the other types is refused.",
    breaking: "When a consumer sends the value.",
    mend: "Accept both types.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let (before, after) = (pair.before.types().without(Types::NULL), pair.after.types().without(Types::NULL));
    // A parameter is a text on its way, so that whoever takes any text takes what it was.
    let as_text = matches!(pair.part, Part::Parameter(..)) && after.contains(Types::STRING);
    if !after.contains(before) && !as_text {
        report.add(pair.place(), format!("it was {before} and is {after} now"), pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_type_that_a_consumer_sends_must_stay() {
        let with = |kind| takes(object(json!({ "amount": { "type": kind } })));
        let usage = sends(json!({ "amount": 7 }));
        breaks(RULE.id, &with(json!("integer")), &with(json!("string")), &usage);
        breaks(RULE.id, &with(json!("number")), &with(json!("integer")), &usage);
        breaks(RULE.id, &takes(object(json!({ "amount": {} }))), &with(json!("number")), &usage);
        holds(&with(json!("integer")), &with(json!(["string", "number"])), &usage);
    }

    #[test]
    fn a_parameter_is_a_value_like_any_other() {
        let with = |kind| {
            let parameters = json!([{ "in": "path", "name": "id", "required": true, "schema": { "type": kind } }]);
            operation(json!({ "parameters": parameters, "responses": { "200": {} } }))
        };
        breaks(RULE.id, &with("string"), &with("integer"), &sends(json!({})));
    }

    #[test]
    fn a_parameter_of_the_path_may_have_another_name() {
        let with = |name: &str, kind: &str| {
            let parameters = json!([{ "in": "path", "name": name, "required": true, "schema": { "type": kind } }]);
            let operation = json!({ "parameters": parameters, "responses": { "200": {} } });
            openapi(json!({ format!("/things/{{{name}}}"): { "post": operation } }))
        };
        breaks(RULE.id, &with("id", "string"), &with("thing", "integer"), &sends(json!({})));
        holds(&with("id", "integer"), &with("thing", "string"), &sends(json!({})));
    }
}
