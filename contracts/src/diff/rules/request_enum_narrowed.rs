//! `request-enum-narrowed`: fewer values are allowed in a request than before.

use super::{Check, Rule};
use crate::canonical::brief;
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-enum-narrowed",
    what: "Fewer values are allowed in a request than before.",
    why: "A request with one of the other values is refused.",
    breaking: "When a consumer sends the field: its example is only one of the values that it may send.",
    mend: "Accept the old values beside the new ones.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let Some(after) = pair.after.enumeration() else { return };
    let sentence = match pair.before.enumeration() {
        Some(before) => {
            let gone = before.into_iter().filter(|value| !value.is_null() && !after.contains(value));
            let gone: Vec<String> = gone.map(|value| format!("`{}`", brief(value))).collect();
            if gone.is_empty() {
                return;
            }
            format!("{} is not allowed any more", gone.join(", "))
        }
        None => {
            let left: Vec<String> = after.iter().take(20).map(|value| format!("`{}`", brief(value))).collect();
            format!("only {} is allowed now", left.join(" or "))
        }
    };
    report.add(pair.place(), sentence, pair.users());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn values_that_a_consumer_may_send_must_stay() {
        let with = |values: &[&str]| takes(object(json!({ "size": { "type": "string", "enum": values } })));
        let usage = sends(json!({ "size": "small" }));
        breaks(RULE.id, &with(&["small", "large"]), &with(&["small"]), &usage);
        breaks(RULE.id, &takes(object(json!({ "size": { "type": "string" } }))), &with(&["small"]), &usage);
        holds(&with(&["small"]), &with(&["small", "large"]), &usage);
    }

    #[test]
    fn values_of_a_parameter_must_stay() {
        let with = |values: &[&str]| {
            let parameters = json!([{ "in": "query", "name": "sort", "schema": { "enum": values } }]);
            operation(json!({ "parameters": parameters, "responses": { "200": {} } }))
        };
        let usage = uses(json!({ "query": { "sort": ["name"] } }), json!({ "status": 200 }));
        breaks(RULE.id, &with(&["name", "price"]), &with(&["price"]), &usage);
    }
}
