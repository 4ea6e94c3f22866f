//! `response-bounds-widened`: a value of a response or payload may be larger, smaller, longer or shorter than before.

use super::{Check, Rule};
use crate::diff::bounds::loosened;
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-bounds-widened",
    what: "A value of a response or payload may be larger, smaller, longer or shorter than before.",
    why: "Whoever counted on the limits may stumble.",
    breaking: "Never by itself: a pact does not say that a consumer counts on a limit, so it is always a warning.",
    mend: "Tell the consumers, and wait until they are ready.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let keywords = [
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ];
    for sentence in loosened(pair, &keywords) {
        report.warn(pair.place(), sentence, pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn wider_limits_are_worth_a_warning() {
        let with = |limit: u32| answers(object(json!({ "name": { "type": "string", "maxLength": limit } })));
        let usage = reads(json!({ "name": "a" }));
        assert_eq!(
            (errors(&with(8), &with(9), &usage).len(), warnings(&with(8), &with(9), &usage)),
            (0, vec![RULE.id])
        );
        holds(&with(9), &with(8), &usage);
    }
}
