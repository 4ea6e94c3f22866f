//! `event-version-changed`: an event is sent in another version only.

use super::{Check, Rule};
use crate::diff::pair::Versions;
use crate::diff::report::Report;
use crate::diff::version::successor;

pub(super) const RULE: Rule = Rule {
    id: "event-version-changed",
    what: "An event is sent in another version only.",
    why: "Whoever handles the old version waits for ever.",
    breaking: "When a consumer handles the old version.",
    mend: "Send both versions until no consumer handles the old one any more.",
    check: Check::Versions(check),
};

fn check(versions: &Versions<'_>, report: &mut Report) {
    for (event, users) in &versions.gone_events {
        if let Some(now) = successor(versions.events_after, event) {
            report.add(event.name.to_owned(), format!("only `{}` is sent now", now.name), users.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_old_version_that_a_consumer_handles_must_be_sent_too() {
        let with = |names: &[&str]| {
            let channels: serde_json::Map<_, _> =
                names.iter().map(|name| ((*name).to_owned(), json!({ "messages": { *name: {} } }))).collect();
            events(channels.into())
        };
        let usage = hears(json!({}), json!({}));
        breaks(RULE.id, &with(&["thing.made.v1"]), &with(&["thing.made.v2"]), &usage);
        holds(&with(&["thing.made.v1"]), &with(&["thing.made.v1", "thing.made.v2"]), &usage);
    }
}
