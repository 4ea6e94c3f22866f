//! `metadata-removed`: a header of a message is gone.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "metadata-removed",
    what: "A header of a message is gone.",
    why: "Whoever reads it finds nothing: an id, a type, the context of a trace.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it beside its successor.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part != Part::Metadata {
        return;
    }

    let after = pair.after.known_properties();
    for name in pair.before.known_properties().into_keys().filter(|name| !after.contains_key(name)) {
        report.add(pair.place_of(Some(name)), "the header is gone", pair.users_of(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_header_that_a_consumer_reads_must_stay() {
        let with = |properties| {
            event(json!({ "name": "thing.made.v1", "headers": { "type": "object", "properties": properties } }))
        };
        let (before, after) = (with(json!({ "id": {}, "trace": {} })), with(json!({ "id": {} })));
        breaks(RULE.id, &before, &after, &hears(json!({}), json!({ "trace": "a" })));
        assert_eq!(warnings(&before, &after, &hears(json!({}), json!({ "id": "a" }))), [RULE.id]);
        holds(&after, &before, &hears(json!({}), json!({ "id": "a" })));
    }
}
