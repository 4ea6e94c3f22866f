//! `request-null-refused`: a value of a request may not be null any more.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "request-null-refused",
    what: "A value of a request may not be null any more.",
    why: "A request with null is refused.",
    breaking: "When a consumer sends the value.",
    mend: "Take null as if the field were not there.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    if pair.before.types().contains(Types::NULL) && !pair.after.types().contains(Types::NULL) {
        // Where anything was allowed, the type says more than that null is not.
        if pair.before.types() != Types::ANY {
            report.add(pair.place(), "it may not be null any more", pair.users());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn null_must_go_on_being_accepted() {
        let with = |schema| takes(object(json!({ "note": schema })));
        let (before, after) = (with(json!({ "type": ["string", "null"] })), with(json!({ "type": "string" })));
        breaks(RULE.id, &before, &after, &sends(json!({ "note": null })));
        holds(&after, &before, &sends(json!({ "note": "a" })));
        let optional = with(json!({ "oneOf": [{ "type": "null" }, { "type": "string" }] }));
        breaks(RULE.id, &optional, &after, &sends(json!({ "note": "a" })));
    }
}
