//! `request-fields-closed`: a request may not have fields any more that the document does not name.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::{Additional, Schema, Side};

pub(super) const RULE: Rule = Rule {
    id: "request-fields-closed",
    what: "A request may not have fields any more that the document does not name.",
    why: "A request with any other field is refused.",
    breaking: "When a consumer sends such a field.",
    mend: "Ignore what is not known.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let closed = |schema: &Schema<'_>| matches!(schema.additional(), Additional::Forbidden);
    if !closed(pair.after) || closed(pair.before) {
        return;
    }
    let known = pair.after.known_properties();
    let said = pair.before.known_properties();
    let other = |name: &String| !known.contains_key(name.as_str()) && !said.contains_key(name.as_str());
    let users = pair.users_where(|_, value| value.as_object().is_some_and(|members| members.keys().any(other)));
    report.add(pair.place(), "fields that the document does not name are refused now", users);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn fields_that_nobody_named_must_stay_allowed() {
        let with = |more: serde_json::Value| {
            takes(json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": more }))
        };
        breaks(RULE.id, &with(json!(true)), &with(json!(false)), &sends(json!({ "a": 1, "b": 2 })));
        assert_eq!(warnings(&with(json!(true)), &with(json!(false)), &sends(json!({ "a": 1 }))), [RULE.id]);
        holds(&with(json!(false)), &with(json!(true)), &sends(json!({ "a": 1 })));
    }
}
