//! `response-property-removed`: a field of a response or payload is gone.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "response-property-removed",
    what: "A field of a response or payload is gone.",
    why: "Whoever reads it finds nothing.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it beside its successor until no consumer reads it any more.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response || pair.part == Part::Metadata {
        return;
    }

    if !pair.after.types().contains(Types::OBJECT) {
        return;
    }
    let after = pair.after.known_properties();
    for name in pair.before.known_properties().into_keys().filter(|name| !after.contains_key(name)) {
        report.add(pair.place_of(Some(name)), "the field is gone", pair.users_of(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_field_that_a_consumer_reads_must_stay() {
        let list =
            |properties| answers(json!({ "type": "array", "items": { "type": "object", "properties": properties } }));
        let (before, after) = (list(json!({ "id": {}, "price": {} })), list(json!({ "id": {} })));
        breaks(RULE.id, &before, &after, &reads(json!([{ "id": 1, "price": 2 }])));
        assert_eq!(warnings(&before, &after, &reads(json!([{ "id": 1 }]))), [RULE.id]);
        holds(&after, &before, &reads(json!([{ "id": 1 }])));
    }

    #[test]
    fn a_payload_is_like_a_response() {
        let with = |properties| event(json!({ "payload": { "type": "object", "properties": properties } }));
        let (before, after) = (with(json!({ "id": {}, "price": {} })), with(json!({ "id": {} })));
        breaks(RULE.id, &before, &after, &hears(json!({ "price": 2 }), json!({})));
        assert_eq!(warnings(&before, &after, &hears(json!({ "id": 1 }), json!({}))), [RULE.id]);
    }
}
