//! `event-address-changed`: an event is sent to another address: another routing key, topic or queue.

use super::{Check, Rule};
use crate::diff::pair::EventPair;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "event-address-changed",
    what: "An event is sent to another address: another routing key, topic or queue.",
    why: "Whoever is bound to the old one gets nothing.",
    breaking: "When a consumer handles the event.",
    mend: "Send it to both addresses until every consumer is bound to the new one.",
    check: Check::Event(check),
};

fn check(pair: &EventPair<'_>, report: &mut Report) {
    let (before, after) = (pair.before.address, pair.after.address);
    if before != after {
        report.add(
            pair.before.name.to_owned(),
            format!("its address was `{before}` and is `{after}` now"),
            pair.uses.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_event_that_a_consumer_handles_must_go_where_it_went() {
        let with = |address: &str| events(json!({ "c": { "address": address, "messages": { "thing.made.v1": {} } } }));
        breaks(RULE.id, &with("thing.made"), &with("things"), &hears(json!({}), json!({})));
        holds(&with("things"), &with("things"), &hears(json!({}), json!({})));
    }
}
