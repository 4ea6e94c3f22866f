//! `request-length-tightened`: a text of a request may be less long, or less short, than before.

use super::{Check, Rule};
use crate::diff::bounds::tightened;
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-length-tightened",
    what: "A text of a request may be less long, or less short, than before.",
    why: "A request that was allowed is refused.",
    breaking: "When a consumer sends the value: its example is only one of those that it may send.",
    mend: "Keep the old limits, and shorten what is stored.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    for sentence in tightened(pair, &["minLength", "maxLength"]) {
        report.add(pair.place(), sentence, pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn lengths_that_were_allowed_must_stay_so() {
        let with = |limits: serde_json::Value| takes(object(json!({ "text": limits })));
        let usage = sends(json!({ "text": "a" }));
        breaks(RULE.id, &with(json!({ "maxLength": 9 })), &with(json!({ "maxLength": 8 })), &usage);
        breaks(RULE.id, &with(json!({})), &with(json!({ "minLength": 1 })), &usage);
        holds(&with(json!({ "maxLength": 8 })), &with(json!({ "maxLength": 9, "minLength": 0 })), &usage);
    }
}
