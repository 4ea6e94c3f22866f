//! `request-body-required`: a request needs a body that it did not need before.

use super::{Check, Rule};
use crate::coverage::Talk;
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::Body;

pub(super) const RULE: Rule = Rule {
    id: "request-body-required",
    what: "A request needs a body that it did not need before.",
    why: "A request without a body is refused.",
    breaking: "When a consumer calls the operation without a body.",
    mend: "Take a request without a body as one with the defaults.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    let needed = |body: &Option<Body<'_>>| body.as_ref().is_some_and(|body| body.required);
    if needed(&pair.after.body) && !needed(&pair.before.body) {
        let lacks = |talk: &Talk| matches!(talk, Talk::Http(exchange) if exchange.body.is_none());
        let users = pair.uses.iter().copied().filter(|used| lacks(&used.talk)).collect();
        report.add(format!("{}: {}", pair.before.name(), Part::RequestBody), "the body is required now", users);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_body_that_a_consumer_leaves_out_must_stay_optional() {
        let with = |required| {
            let body = json!({ "required": required, "content": { "application/json": {} } });
            operation(json!({ "requestBody": body, "responses": { "200": {} } }))
        };
        let without = operation(json!({ "responses": { "200": {} } }));
        let usage = reads(json!({}));
        breaks(RULE.id, &with(false), &with(true), &usage);
        breaks(RULE.id, &without, &with(true), &usage);
        holds(&with(true), &with(false), &usage);
        holds(&without, &with(false), &usage);
    }
}
