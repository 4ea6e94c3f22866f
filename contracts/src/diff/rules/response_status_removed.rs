//! `response-status-removed`: a status is not answered any more.

use super::{Check, Rule};
use crate::diff::pair::{OperationPair, now};
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "response-status-removed",
    what: "A status is not answered any more.",
    why: "Whoever waits for it gets another one.",
    breaking: "When a consumer expects it.",
    mend: "Keep the status, or give the new behaviour an operation of its own.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for response in pair.before.responses.iter().filter(|response| now(pair.after, response.status).is_none()) {
        let place = format!("{}: response {}", pair.before.name(), response.status);
        report.add(place, "the status is gone", pair.expecting(response.status));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_status_that_a_consumer_expects_must_stay() {
        let with = |statuses: &[&str]| {
            let responses: serde_json::Map<_, _> =
                statuses.iter().map(|status| ((*status).to_owned(), json!({}))).collect();
            operation(json!({ "responses": responses }))
        };
        breaks(RULE.id, &with(&["200"]), &with(&["201"]), &sends(json!({})));
        assert_eq!(warnings(&with(&["200", "404"]), &with(&["200"]), &sends(json!({}))), [RULE.id]);
        holds(&with(&["200"]), &with(&["200", "404"]), &sends(json!({})));
        holds(&with(&["200"]), &with(&["2XX"]), &sends(json!({})));
    }
}
