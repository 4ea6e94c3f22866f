//! `request-pattern-changed`: a text of a request must match another pattern than before.

use super::{Check, Rule};
use crate::canonical::shorten;
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::{matches, patterns};
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-pattern-changed",
    what: "A text of a request must match another pattern than before.",
    why: "A request that was allowed may be refused.",
    breaking: "When the text that a consumer sends does not match it; whether its other texts do, \
               nobody can tell, so it is a warning else.",
    mend: "Accept the old texts too.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let (before, after) = (patterns(pair.before), patterns(pair.after));
    for pattern in after.into_iter().filter(|pattern| !before.contains(pattern)) {
        let refused = pair.users_where(|_, value| value.as_str().is_some_and(|text| !matches(pattern, text)));
        let sentence = format!("it must match `{}` now", shorten(pattern, 120));
        match refused.is_empty() && !pair.users().is_empty() {
            true => report.warn(pair.place(), sentence, pair.users()),
            false => report.add(pair.place(), sentence, refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn texts_that_a_consumer_sends_must_stay_allowed() {
        let with = |schema: serde_json::Value| takes(object(json!({ "name": schema })));
        let (any, word) = (with(json!({})), with(json!({ "pattern": "^[a-z]+$" })));
        breaks(RULE.id, &any, &word, &sends(json!({ "name": "Ada L." })));
        assert_eq!(errors(&any, &word, &sends(json!({ "name": "ada" }))), [""; 0]);
        assert_eq!(warnings(&any, &word, &sends(json!({ "name": "ada" }))), [RULE.id]);
        holds(&word, &any, &sends(json!({ "name": "ada" })));
    }
}
