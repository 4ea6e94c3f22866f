//! `request-alternative-removed`: a value of a request may not be one of its alternatives any more.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::diff::walk::counterpart;
use crate::document::{Side, misfits};

pub(super) const RULE: Rule = Rule {
    id: "request-alternative-removed",
    what: "A value of a request may not be one of its alternatives any more.",
    why: "A request with that alternative is refused.",
    breaking: "When a consumer sends the value.",
    mend: "Accept the alternative until no consumer sends it.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    for (before, after) in pair.before.alternatives().iter().zip(&pair.after.alternatives()) {
        for (index, schema) in
            before.iter().enumerate().filter(|(index, each)| counterpart(each, *index, after).is_none())
        {
            let name = schema.label().map_or_else(|| format!("number {}", index + 1), |label| format!("`{label}`"));
            let users = pair.users_where(|_, value| misfits(schema, value, Side::Request).is_empty());
            report.add(pair.place(), format!("the alternative {name} is gone"), users);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    fn with(titles: &[&str]) -> crate::document::Document {
        let one = |title: &&str| {
            let mut shape = object(json!({ "kind": { "const": title } }));
            shape["title"] = (*title).into();
            shape
        };
        takes(object(json!({ "shape": { "oneOf": titles.iter().map(one).collect::<Vec<_>>() } })))
    }

    #[test]
    fn an_alternative_that_a_consumer_sends_must_stay() {
        let (before, after) = (with(&["circle", "square", "line"]), with(&["circle", "line"]));
        breaks(RULE.id, &before, &after, &sends(json!({ "shape": { "kind": "square" } })));
        assert_eq!(errors(&before, &after, &sends(json!({ "shape": { "kind": "line" } }))), [""; 0]);
        holds(&after, &before, &sends(json!({ "shape": { "kind": "line" } })));
    }
}
