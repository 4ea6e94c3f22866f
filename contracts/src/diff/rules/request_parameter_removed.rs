//! `request-parameter-removed`: a parameter of a request is gone.

use super::{Check, Rule};
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::Place;

pub(super) const RULE: Rule = Rule {
    id: "request-parameter-removed",
    what: "A parameter of a request is gone.",
    why: "Whoever sends it is refused, or gets an answer to another question.",
    breaking: "When a consumer sends it.",
    mend: "Go on accepting it, and say in its description that it does nothing any more.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for parameter in pair.before.parameters.iter().filter(|parameter| parameter.place != Place::Path) {
        if pair.after.parameter_like(pair.before, parameter).is_none() {
            let part = Part::Parameter(parameter.place, parameter.name);
            let mut users = part.of_operation(pair).into_iter().map(|reader| reader.used).collect::<Vec<_>>();
            users.dedup_by(|one, other| std::ptr::eq(*one, *other));
            report.add(format!("{}: {part}", pair.before.name()), "the parameter is gone", users);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_parameter_that_a_consumer_sends_must_stay() {
        let with = |parameters| operation(json!({ "parameters": parameters, "responses": { "200": {} } }));
        let before = with(json!([{ "in": "query", "name": "page" }]));
        let usage = uses(json!({ "query": { "page": ["1", "2"] } }), json!({ "status": 200 }));
        breaks(RULE.id, &before, &with(json!([])), &usage);
    }

    #[test]
    fn names_of_headers_have_no_case() {
        let with =
            |name| operation(json!({ "parameters": [{ "in": "header", "name": name }], "responses": { "200": {} } }));
        holds(
            &with("X-Page"),
            &with("x-page"),
            &uses(json!({ "headers": { "x-page": ["1"] } }), json!({ "status": 200 })),
        );
    }
}
