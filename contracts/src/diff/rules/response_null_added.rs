//! `response-null-added`: a value of a response or payload may be null now.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "response-null-added",
    what: "A value of a response or payload may be null now.",
    why: "Whoever reads it may stumble over null.",
    breaking: "When a consumer reads it.",
    mend: "Leave the field out where it was optional, or give the new meaning a field of its own.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    if pair.after.types().contains(Types::NULL) && !pair.before.types().contains(Types::NULL) {
        // Where anything is allowed, the type says more than that null is.
        if pair.after.types() != Types::ANY {
            report.add(pair.place(), "it may be null now", pair.users());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn what_a_consumer_reads_must_not_become_null() {
        let with = |kind| answers(object(json!({ "note": { "type": kind } })));
        let (before, after) = (with(json!("string")), with(json!(["string", "null"])));
        breaks(RULE.id, &before, &after, &reads(json!({ "note": "a" })));
        holds(&after, &before, &reads(json!({ "note": "a" })));
    }

    #[test]
    fn nullable_of_openapi_3_0_is_null() {
        let with = |nullable: bool| {
            let schema = object(json!({ "note": { "type": "string", "nullable": nullable } }));
            let content = json!({ "application/json": { "schema": schema } });
            let paths = json!({ "/things/{id}": { "post": { "responses": { "200": { "content": content } } } } });
            let document = json!({ "openapi": "3.0.3", "paths": paths });
            crate::document::Document::from_value("shop.json".as_ref(), document).unwrap()
        };
        breaks(RULE.id, &with(false), &with(true), &reads(json!({ "note": "a" })));
    }
}
