//! `response-alternative-added`: a value of a response or payload may be an alternative that it could not be before.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::diff::walk::counterpart;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-alternative-added",
    what: "A value of a response or payload may be an alternative that it could not be before.",
    why: "Whoever knows the old alternatives only cannot read it.",
    breaking: "When a consumer reads the value.",
    mend: "Send the new alternative only to those who ask for it.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    for (before, after) in pair.before.alternatives().iter().zip(&pair.after.alternatives()) {
        for (index, schema) in
            after.iter().enumerate().filter(|(index, each)| counterpart(each, *index, before).is_none())
        {
            let name = schema.label().map_or_else(|| format!("number {}", index + 1), |label| format!("`{label}`"));
            report.add(pair.place(), format!("it may be the new alternative {name}"), pair.users());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_alternative_that_a_consumer_does_not_know_must_not_come() {
        let with = |titles: &[&str]| {
            let one = |title: &&str| json!({ "title": title, "type": "object" });
            answers(object(json!({ "shape": { "anyOf": titles.iter().map(one).collect::<Vec<_>>() } })))
        };
        let (before, after) = (with(&["circle", "line"]), with(&["line", "square", "circle"]));
        breaks(RULE.id, &before, &after, &reads(json!({ "shape": {} })));
        holds(&after, &before, &reads(json!({ "shape": {} })));
    }
}
