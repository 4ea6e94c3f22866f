//! `event-content-type-changed`: a payload has another media type than before.

use super::{Check, Rule};
use crate::diff::pair::EventPair;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "event-content-type-changed",
    what: "A payload has another media type than before.",
    why: "Whoever handles the event cannot read it.",
    breaking: "When a consumer handles the event.",
    mend: "Send the new form as an event of its own.",
    check: Check::Event(check),
};

fn check(pair: &EventPair<'_>, report: &mut Report) {
    if let (Some(before), after) = (pair.before.content_type, pair.after.content_type)
        && after != Some(before)
    {
        let sentence = format!("its payload was `{before}` and is `{}` now", after.unwrap_or("anything"));
        report.add(pair.before.name.to_owned(), sentence, pair.uses.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_payload_that_a_consumer_reads_must_keep_its_type() {
        let with = |media_type: &str| event(json!({ "name": "thing.made.v1", "contentType": media_type }));
        breaks(RULE.id, &with("application/json"), &with("application/cbor"), &hears(json!({}), json!({})));
        holds(&event(json!({ "name": "thing.made.v1" })), &with("application/json"), &hears(json!({}), json!({})));
    }
}
