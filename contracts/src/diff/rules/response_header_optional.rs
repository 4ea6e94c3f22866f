//! `response-header-optional`: a header that was always there may be missing now.

use super::{Check, Rule};
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "response-header-optional",
    what: "A header that was always there may be missing now.",
    why: "Whoever reads it may find nothing.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it always.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for (before, after) in pair.responses() {
        for header in before.headers.iter().filter(|header| header.required) {
            let now = after.headers.iter().find(|other| other.name.eq_ignore_ascii_case(header.name));
            if now.is_some_and(|now| !now.required) {
                let part = Part::ResponseHeader(before.status, header.name);
                let users = part.of_operation(pair).into_iter().map(|reader| reader.used).collect();
                report.add(format!("{}: {part}", pair.before.name()), "the header may be missing now", users);
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
    fn a_header_that_a_consumer_reads_must_always_come() {
        let with = |required: bool| {
            operation(json!({ "responses": { "200": { "headers": { "ETag": { "required": required } } } } }))
        };
        let usage = uses(json!({}), json!({ "status": 200, "headers": { "ETag": ["a"] } }));
        breaks(RULE.id, &with(true), &with(false), &usage);
        holds(&with(false), &with(true), &usage);
    }
}
