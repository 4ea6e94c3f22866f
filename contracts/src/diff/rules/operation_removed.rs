//! `operation-removed`: an operation is gone.

use super::{Check, Rule};
use crate::diff::pair::Versions;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "operation-removed",
    what: "An operation is gone.",
    why: "Whoever calls it gets 404 or 405.",
    breaking: "When a consumer calls it.",
    mend: "Keep it beside its successor until no consumer calls it any more.",
    check: Check::Versions(check),
};

fn check(versions: &Versions<'_>, report: &mut Report) {
    for (operation, users) in &versions.gone_operations {
        report.add(operation.name(), "the operation is gone", users.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_operation_that_is_called_must_stay() {
        let before = operation(json!({ "responses": { "200": {} } }));
        breaks(RULE.id, &before, &openapi(json!({})), &sends(json!({})));
    }

    #[test]
    fn parameters_of_a_path_may_change_their_names() {
        let path = |path: &str| openapi(json!({ path: { "post": { "responses": { "200": {} } } } }));
        holds(&path("/things/{id}"), &path("/things/{thingId}"), &sends(json!({})));
    }
}
