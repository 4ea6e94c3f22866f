//! `request-items-tightened`: a list of a request may have fewer, or must have more, items than before.

use super::{Check, Rule};
use crate::diff::bounds::tightened;
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-items-tightened",
    what: "A list of a request may have fewer, or must have more, items than before.",
    why: "A request that was allowed is refused.",
    breaking: "When a consumer sends the value: its example is only one of those that it may send.",
    mend: "Keep the old limits.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    for sentence in tightened(pair, &["minItems", "maxItems"]) {
        report.add(pair.place(), sentence, pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn numbers_of_items_that_were_allowed_must_stay_so() {
        let with = |limits: serde_json::Value| takes(object(json!({ "tags": limits })));
        let usage = sends(json!({ "tags": ["a"] }));
        breaks(RULE.id, &with(json!({ "maxItems": 9 })), &with(json!({ "maxItems": 8 })), &usage);
        breaks(RULE.id, &with(json!({})), &with(json!({ "minItems": 1 })), &usage);
        holds(&with(json!({ "minItems": 1 })), &with(json!({ "minItems": 0 })), &usage);
    }
}
