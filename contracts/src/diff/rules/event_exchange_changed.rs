//! `event-exchange-changed`: an event is sent to another exchange.

use super::{Check, Rule};
use crate::diff::pair::EventPair;
use crate::diff::report::Report;

pub(super) const RULE: Rule = Rule {
    id: "event-exchange-changed",
    what: "An event is sent to another exchange.",
    why: "Whoever is bound to the old one gets nothing.",
    breaking: "When a consumer handles the event.",
    mend: "Bind the old exchange to the new one until every consumer has moved.",
    check: Check::Event(check),
};

fn check(pair: &EventPair<'_>, report: &mut Report) {
    let said = |exchange: Option<&str>| exchange.map_or_else(|| "not said".to_owned(), |name| format!("`{name}`"));
    let (before, after) = (pair.before.exchange, pair.after.exchange);
    if before.is_some() && before != after {
        let sentence = format!("its exchange was {} and is {} now", said(before), said(after));
        report.add(pair.before.name.to_owned(), sentence, pair.uses.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn an_event_that_a_consumer_handles_must_stay_on_its_exchange() {
        let with = |bindings: serde_json::Value| {
            events(json!({ "c": { "bindings": bindings, "messages": { "thing.made.v1": {} } } }))
        };
        let on = |name: &str| with(json!({ "amqp": { "exchange": { "name": name } } }));
        breaks(RULE.id, &on("shop"), &on("shop.events"), &hears(json!({}), json!({})));
        holds(&with(json!({})), &on("shop"), &hears(json!({}), json!({})));
    }
}
