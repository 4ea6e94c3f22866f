//! `response-pattern-changed`: a text of a response or payload need not match the pattern any more that it did.

use super::{Check, Rule};
use crate::canonical::shorten;
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::{matches, patterns};
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-pattern-changed",
    what: "A text of a response or payload need not match the pattern any more that it did.",
    why: "Whoever reads it by that pattern may find something else.",
    breaking: "When the text that a consumer expects does not match the new pattern; whether others do, \
               nobody can tell, so it is a warning else.",
    mend: "Keep the texts within the old pattern.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let (before, after) = (patterns(pair.before), patterns(pair.after));
    let Some(gone) = before.iter().find(|pattern| !after.contains(pattern)) else { return };
    let refused = pair
        .users_where(|_, value| value.as_str().is_some_and(|text| after.iter().any(|pattern| !matches(pattern, text))));
    let sentence = format!("it need not match `{}` any more", shorten(gone, 120));
    match refused.is_empty() && !pair.users().is_empty() {
        true => report.warn(pair.place(), sentence, pair.users()),
        false => report.add(pair.place(), sentence, refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn texts_that_a_consumer_expects_must_go_on_matching() {
        let with = |schema: serde_json::Value| answers(object(json!({ "code": schema })));
        let (word, number) = (with(json!({ "pattern": "^[a-z]+$" })), with(json!({ "pattern": "^[0-9]+$" })));
        breaks(RULE.id, &word, &number, &reads(json!({ "code": "a" })));
        assert_eq!(warnings(&word, &with(json!({})), &reads(json!({ "code": "a" }))), [RULE.id]);
        holds(&with(json!({})), &word, &reads(json!({ "code": "a" })));
    }
}
