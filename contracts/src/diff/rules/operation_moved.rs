//! `operation-moved`: an operation is below another path of the server.

use super::{Check, Rule};
use crate::diff::pair::OperationPair;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "operation-moved",
    what: "An operation is below another path of the server.",
    why: "Whoever calls it where it was gets 404.",
    breaking: "When a consumer calls it.",
    mend: "Answer below both paths until every consumer has moved.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    let (before, after) = (&pair.before.bases, &pair.after.bases);
    if !before.iter().any(|base| after.contains(base)) {
        let said = |bases: &[String]| bases.iter().map(|base| format!("`{base}/`")).collect::<Vec<_>>().join(" or ");
        let sentence = format!("it was below {} and is below {} now", said(before), said(after));
        report.add(pair.before.name(), sentence, pair.uses.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_operation_that_is_called_must_stay_below_its_path() {
        let with = |servers: serde_json::Value| operation(json!({ "servers": servers, "responses": { "200": {} } }));
        let (root, api) = (with(json!([{ "url": "https://a" }])), with(json!([{ "url": "https://b/api" }])));
        breaks(RULE.id, &root, &api, &sends(json!({})));
        holds(&root, &with(json!([{ "url": "/api" }, { "url": "/" }])), &sends(json!({})));
    }
}
