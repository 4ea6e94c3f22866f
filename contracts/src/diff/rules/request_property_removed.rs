//! `request-property-removed`: a field of a request is gone.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::report::Report;
use crate::document::{Side, Types};

pub(super) const RULE: Rule = Rule {
    id: "request-property-removed",
    what: "A field of a request is gone.",
    why: "What a consumer says in it is refused, or goes unheard.",
    breaking: "When a consumer sends it.",
    mend: "Go on accepting it, and say in its description that it does nothing any more.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
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
    fn a_field_that_a_consumer_sends_must_stay() {
        let list =
            |properties| takes(json!({ "type": "array", "items": { "type": "object", "properties": properties } }));
        let (before, after) = (list(json!({ "name": {}, "color": {} })), list(json!({ "name": {} })));
        breaks(RULE.id, &before, &after, &sends(json!([{ "name": "a", "color": "red" }])));
        assert_eq!(warnings(&before, &after, &sends(json!([{ "name": "a" }]))), [RULE.id]);
        holds(&after, &before, &sends(json!([{ "name": "a" }])));
    }
}
