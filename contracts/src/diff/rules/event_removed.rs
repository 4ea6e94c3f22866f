//! `event-removed`: an event is not sent any more.

use super::{Check, Rule};
use crate::diff::pair::Versions;
use crate::diff::report::Report;
use crate::diff::version::successor;

pub(super) const RULE: Rule = Rule {
    id: "event-removed",
    what: "An event is not sent any more.",
    why: "Whoever listens for it waits for ever.",
    breaking: "When a consumer handles it.",
    mend: "Go on sending it beside its successor until no consumer handles it any more.",
    check: Check::Versions(check),
};

fn check(versions: &Versions<'_>, report: &mut Report) {
    for (event, users) in &versions.gone_events {
        if successor(versions.events_after, event).is_none() {
            let renamed = versions.new_events.iter().find(|other| other.address == event.address);
            let now = renamed.map(|other| format!(": `{}` goes there now", other.name)).unwrap_or_default();
            report.add(event.name.to_owned(), format!("the event is not sent any more{now}"), users.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_event_that_a_consumer_handles_must_be_sent() {
        let before = events(json!({ "things": { "messages": { "thing.made.v1": {}, "thing.sold": {} } } }));
        let after = events(json!({ "things": { "messages": { "thing.sold": {} } } }));
        breaks(RULE.id, &before, &after, &hears(json!({}), json!({})));
        holds(&after, &before, &hears(json!({}), json!({})));
    }

    #[test]
    fn what_is_only_received_is_no_promise() {
        let with = |action: &str| {
            let operations = json!({ "listen": { "action": action, "channel": { "$ref": "#/channels/c" } } });
            let document = json!({
                "asyncapi": "3.0.0", "operations": operations,
                "channels": { "c": { "messages": { "thing.made.v1": {} } } },
            });
            crate::document::Document::from_value("shop.json".as_ref(), document).unwrap()
        };
        breaks(RULE.id, &with("send"), &with("receive"), &hears(json!({}), json!({})));
    }
}
