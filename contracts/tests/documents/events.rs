//! Every event of the specification is in its producer's document, and what consumers listen to is what producers send.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files;

/// The specification's table: who sends what.
const TABLE: [(&str, &[&str]); 6] = [
    (
        "auth",
        &["user_registered.v1", "verification_requested.v1", "password_reset_requested.v1", "password_changed.v1"],
    ),
    ("chat", &["offer_made.v1"]),
    ("gig", &["created.v1", "deleted.v1"]),
    (
        "order",
        &[
            "placed.v1",
            "delivered.v1",
            "extension_requested.v1",
            "extension_decided.v1",
            "completed.v1",
            "cancelled.v1",
        ],
    ),
    ("review", &["submitted.v1"]),
    ("users", &["seller_created.v1", "seller_updated.v1"]),
];

fn addresses(document: &Value) -> BTreeSet<String> {
    let channels = document["channels"].as_object().unwrap().values();
    channels.map(|channel| channel["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_event_of_the_specification_is_sent_by_its_producer() {
    for ((producer, facts), (name, document)) in TABLE.iter().zip(files::asyncapi()) {
        let expected = facts.iter().map(|fact| format!("{producer}.{fact}")).collect::<BTreeSet<_>>();
        assert_eq!((*producer, expected), (name, addresses(&document)));
        assert_eq!(document["operations"].as_object().unwrap().len(), facts.len(), "{name}");
    }
}

#[test]
fn events_that_somebody_listens_to_are_sent() {
    let sent: BTreeSet<String> = files::asyncapi().iter().flat_map(|(_, document)| addresses(document)).collect();
    for consumer in [users::consumer::consumer(), gig::consumer::consumer()] {
        for heard in consumer.types() {
            assert!(sent.contains(heard), "{} listens to `{heard}`, which nobody sends", consumer.name());
        }
    }
}
