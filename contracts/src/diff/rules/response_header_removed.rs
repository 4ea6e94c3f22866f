//! `response-header-removed`: a header of a response is gone.

use super::{Check, Rule};
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "response-header-removed",
    what: "A header of a response is gone.",
    why: "Whoever reads it finds nothing.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it beside its successor.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for (before, after) in pair.responses() {
        for header in &before.headers {
            if !after.headers.iter().any(|other| other.name.eq_ignore_ascii_case(header.name)) {
                let part = Part::ResponseHeader(before.status, header.name);
                let users = part.of_operation(pair).into_iter().map(|reader| reader.used).collect();
                report.add(format!("{}: {part}", pair.before.name()), "the header is gone", users);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_header_that_a_consumer_reads_must_stay() {
        let with = |headers: serde_json::Value| operation(json!({ "responses": { "200": { "headers": headers } } }));
        let (before, after) = (with(json!({ "ETag": {} })), with(json!({})));
        let usage = uses(json!({}), json!({ "status": 200, "headers": { "etag": ["a"] } }));
        breaks(RULE.id, &before, &after, &usage);
        holds(&after, &before, &reads(json!({})));
        holds(&before, &with(json!({ "etag": {} })), &usage);
    }
}
