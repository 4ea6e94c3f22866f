//! `metadata-optional`: a header of a message that was always there may be missing now.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::part::Part;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "metadata-optional",
    what: "A header of a message that was always there may be missing now.",
    why: "Whoever reads it may find nothing.",
    breaking: "When a consumer reads it.",
    mend: "Go on sending it always.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part != Part::Metadata {
        return;
    }

    let (known, required) = (pair.after.known_properties(), pair.after.required());
    for name in pair.before.required().into_iter().filter(|name| known.contains_key(name) && !required.contains(name)) {
        report.add(pair.place_of(Some(name)), "the header may be missing now", pair.users_of(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_header_that_a_consumer_reads_must_always_come() {
        let with = |required: &[&str]| {
            let headers = json!({ "type": "object", "properties": { "id": {} }, "required": required });
            event(json!({ "name": "thing.made.v1", "headers": headers }))
        };
        breaks(RULE.id, &with(&["id"]), &with(&[]), &hears(json!({}), json!({ "id": "a" })));
        holds(&with(&[]), &with(&["id"]), &hears(json!({}), json!({ "id": "a" })));
    }
}
