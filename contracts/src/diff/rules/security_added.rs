//! `security-added`: a request needs a proof of identity that it did not need before.

use super::{Check, Rule};
use crate::diff::pair::OperationPair;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "security-added",
    what: "A request needs a proof of identity that it did not need before.",
    why: "A request without it is refused with 401 or 403.",
    breaking: "When a consumer calls the operation.",
    mend: "Accept the old proof beside the new one until every consumer has it.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    let known =
        |wanted: &Vec<String>| pair.before.security.iter().any(|had| wanted.iter().all(|scheme| had.contains(scheme)));
    let place = pair.before.name();
    if pair.before.anonymous && !pair.after.anonymous {
        report.add(place, "it was open to everybody and needs a proof of identity now", pair.uses.clone());
    } else if !pair.after.anonymous
        && !pair
            .before
            .security
            .iter()
            .all(|had| pair.after.security.iter().any(|wanted| wanted.iter().all(|scheme| had.contains(scheme))))
    {
        let wanted: Vec<String> =
            pair.after.security.iter().filter(|wanted| !known(wanted)).map(|all| all.join(" and ")).collect();
        let wanted = if wanted.is_empty() {
            "another proof of identity".to_owned()
        } else {
            format!("`{}`", wanted.join("` or `"))
        };
        report.add(place, format!("it needs {wanted} now"), pair.uses.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_operation_must_not_ask_for_more() {
        let with = |security: serde_json::Value| operation(json!({ "security": security, "responses": { "200": {} } }));
        let (open, token) = (with(json!([])), with(json!([{ "token": [] }])));
        let usage = sends(json!({}));
        breaks(RULE.id, &open, &token, &usage);
        breaks(RULE.id, &token, &with(json!([{ "token": [], "key": [] }])), &usage);
        breaks(RULE.id, &token, &with(json!([{ "key": [] }])), &usage);
        holds(&token, &open, &usage);
        holds(&token, &with(json!([{ "key": [] }, { "token": [] }])), &usage);
        holds(&open, &with(json!([{ "token": [] }, {}])), &usage);
    }
}
