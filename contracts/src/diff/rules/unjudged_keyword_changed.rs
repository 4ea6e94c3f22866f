//! `unjudged-keyword-changed`: a schema says something else by a keyword that is not compared.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;

/// Keywords that say what is allowed, and that no other rule compares.
const KEYWORDS: [&str; 16] = [
    "not",
    "if",
    "then",
    "else",
    "multipleOf",
    "uniqueItems",
    "prefixItems",
    "contains",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
];

pub(super) const RULE: Rule = Rule {
    id: "unjudged-keyword-changed",
    what: "A schema says something else by a keyword that is not compared.",
    why: "What it means for those who send or read the value, only people can tell.",
    breaking: "Never: it is a warning that asks to look.",
    mend: "Look at it; say the same by keywords that are compared, where that is possible.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    for keyword in KEYWORDS {
        let (before, after): (Vec<_>, Vec<_>) =
            (pair.before.keyword(keyword).collect(), pair.after.keyword(keyword).collect());
        if before != after {
            report.warn(pair.place(), format!("`{keyword}` has changed"), pair.users());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn what_cannot_be_judged_is_not_passed_over() {
        let with = |schema: serde_json::Value| takes(object(json!({ "amount": schema })));
        let (fives, tens) = (with(json!({ "multipleOf": 5 })), with(json!({ "multipleOf": 10 })));
        let usage = sends(json!({ "amount": 10 }));
        assert_eq!((errors(&fives, &tens, &usage).len(), warnings(&fives, &tens, &usage)), (0, vec![RULE.id]));
        assert_eq!(warnings(&fives, &with(json!({})), &nobody()), [RULE.id]);
        holds(&fives, &fives, &usage);
    }
}
