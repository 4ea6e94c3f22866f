//! `response-property-optional`: a field that was always there may be missing now.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-property-optional",
    what: "A field that was always there may be missing now.",
    why: "Whoever reads it may find nothing.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it always, with null at worst where that was allowed.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response || pair.part == Part::Metadata {
        return;
    }

    let (known, required) = (pair.after.known_properties(), pair.after.required());
    for name in pair.before.required().into_iter().filter(|name| known.contains_key(name) && !required.contains(name)) {
        report.add(pair.place_of(Some(name)), "the field may be missing now", pair.users_of(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_field_that_a_consumer_reads_must_always_be_there() {
        let (always, maybe) = (object(json!({ "id": {} })), json!({ "type": "object", "properties": { "id": {} } }));
        breaks(RULE.id, &answers(always.clone()), &answers(maybe.clone()), &reads(json!({ "id": 1 })));
        holds(&answers(maybe.clone()), &answers(always.clone()), &reads(json!({ "id": 1 })));
        let (before, after) = (event(json!({ "payload": always })), event(json!({ "payload": maybe })));
        breaks(RULE.id, &before, &after, &hears(json!({ "id": 1 }), json!({})));
    }
}
