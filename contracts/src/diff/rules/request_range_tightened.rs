//! `request-range-tightened`: a number of a request has a smaller range than before.

use super::{Check, Rule};
use crate::diff::bounds::tightened;
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-range-tightened",
    what: "A number of a request has a smaller range than before.",
    why: "A request that was allowed is refused.",
    breaking: "When a consumer sends the value: its example is only one of those that it may send.",
    mend: "Keep the old range.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    for sentence in tightened(pair, &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) {
        report.add(pair.place(), sentence, pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn numbers_that_were_allowed_must_stay_so() {
        let with = |limits: serde_json::Value| takes(object(json!({ "amount": limits })));
        let usage = sends(json!({ "amount": 5 }));
        breaks(RULE.id, &with(json!({ "minimum": 0 })), &with(json!({ "minimum": 1 })), &usage);
        breaks(RULE.id, &with(json!({})), &with(json!({ "maximum": 100 })), &usage);
        holds(&with(json!({ "minimum": 1 })), &with(json!({ "minimum": 0 })), &usage);
    }
}
