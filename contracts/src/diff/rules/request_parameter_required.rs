//! `request-parameter-required`: a request needs a parameter that it did not need before.

use super::{Check, Rule};
use crate::coverage::Talk;
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::Place;

pub(super) const RULE: Rule = Rule {
    id: "request-parameter-required",
    what: "A request needs a parameter that it did not need before.",
    why: "A request without it is refused.",
    breaking: "When a consumer calls the operation without it.",
    mend: "Give the parameter a default, or ask for it in a new operation.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for parameter in pair.after.parameters.iter().filter(|parameter| parameter.required) {
        let before = pair.before.parameter_like(pair.after, parameter);
        if parameter.place == Place::Path || before.is_some_and(|before| before.required) {
            continue;
        }
        let lacks = |talk: &Talk| match (talk, parameter.place) {
            (Talk::Http(exchange), Place::Query) => !exchange.query.contains_key(parameter.name),
            (Talk::Http(exchange), Place::Header) => !exchange.headers.contains_key(&parameter.name.to_lowercase()),
            _ => true,
        };
        let users = pair.uses.iter().copied().filter(|used| lacks(&used.talk)).collect();
        let news = if before.is_some() { "it was optional and is required now" } else { "it is new and required" };
        report.add(
            format!("{}: {}", pair.before.name(), Part::Parameter(parameter.place, parameter.name)),
            news,
            users,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    fn with(parameters: serde_json::Value) -> crate::document::Document {
        operation(json!({ "parameters": parameters, "responses": { "200": {} } }))
    }

    #[test]
    fn a_parameter_that_a_consumer_leaves_out_must_stay_optional() {
        let after = with(json!([{ "in": "query", "name": "page", "required": true }]));
        breaks(RULE.id, &with(json!([])), &after, &sends(json!({})));
        breaks(RULE.id, &with(json!([{ "in": "query", "name": "page" }])), &after, &sends(json!({})));
    }

    #[test]
    fn a_consumer_that_sends_it_anyway_is_not_broken() {
        let after = with(json!([{ "in": "query", "name": "page", "required": true }]));
        let usage = uses(json!({ "query": { "page": ["1"] } }), json!({ "status": 200 }));
        assert_eq!(errors(&with(json!([])), &after, &usage), [""; 0]);
    }

    #[test]
    fn a_new_parameter_may_be_optional() {
        holds(&with(json!([])), &with(json!([{ "in": "query", "name": "page" }])), &sends(json!({})));
    }
}
