//! Dead-letter exchanges and the reasons for which messages go there.

use lapin::{
    BasicProperties, Channel,
    message::Delivery,
    options::*,
    types::{AMQPValue, FieldTable},
};

use crate::{lapin_client::*, management::fetch};

const REJECT: BasicNackOptions = BasicNackOptions { multiple: false, requeue: false };

/// A queue `q` whose dead letters go to the queue `dead`.
async fn queues(channel: &Channel, more: &[(&str, AMQPValue)]) {
    let mut arguments = vec![("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    arguments.extend(more.iter().cloned());
    declare(channel, "q", &arguments).await;
    declare(channel, "dead", &[]).await;
    confirms(channel).await;
}

async fn dead(channel: &Channel) -> Delivery {
    until("a dead letter", || async { ready(channel, "dead").await > 0 }).await;
    get(channel, "dead").await.unwrap()
}

fn headers(delivery: &Delivery) -> FieldTable {
    delivery.properties.headers().clone().unwrap()
}

fn header(table: &FieldTable, name: &str) -> String {
    match table.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        other => panic!("`{name}` is {other:?}"),
    }
}

/// The records of `x-death`, newest first.
fn deaths(delivery: &Delivery) -> Vec<FieldTable> {
    let headers = headers(delivery);
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else {
        panic!("no x-death in {headers:?}");
    };
    let tables = deaths.as_slice().iter().map(|death| match death {
        AMQPValue::FieldTable(death) => death.clone(),
        other => panic!("{other:?}"),
    });
    tables.collect()
}

#[tokio::test]
async fn rejected_message_carries_where_it_was_and_why_it_went() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[]).await;
    channel
        .queue_bind(
            "q".into(),
            "amq.topic".into(),
            "order.#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let properties =
        BasicProperties::default().with_message_id("m".into()).with_headers(table(&[("mine", text("kept"))]));
    send_with(&channel, "amq.topic", "order.placed", "body", properties).await;
    let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    held.delivery.acker.nack(REJECT).await.unwrap();
    let letter = dead(&channel).await;
    assert_eq!((letter.exchange.as_str(), letter.routing_key.as_str()), ("", "dead"));
    assert_eq!(body(&letter), "body");
    assert!(!letter.redelivered);
    assert_eq!(letter.properties.message_id().as_ref().map(|id| id.as_str()), Some("m"));
    let all = headers(&letter);
    for (name, expected) in [
        ("mine", "kept"),
        ("x-first-death-reason", "rejected"),
        ("x-first-death-queue", "q"),
        ("x-first-death-exchange", "amq.topic"),
    ] {
        assert_eq!(header(&all, name), expected);
    }
    let [death] = &deaths(&letter)[..] else { panic!("{all:?}") };
    for (name, expected) in [("reason", "rejected"), ("queue", "q"), ("exchange", "amq.topic")] {
        assert_eq!(header(death, name), expected);
    }
    assert_eq!(death.inner().get("count"), Some(&AMQPValue::LongLongInt(1)));
    assert!(matches!(death.inner().get("time"), Some(AMQPValue::Timestamp(seconds)) if *seconds > 1_600_000_000));
    let Some(AMQPValue::FieldArray(keys)) = death.inner().get("routing-keys") else { panic!("{death:?}") };
    assert_eq!(keys.as_slice(), [text("order.placed")]);
}

#[tokio::test]
async fn dead_letter_keeps_its_routing_key_unless_told_otherwise() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[("x-dead-letter-exchange", text("amq.direct"))]).await;
    declare(&channel, "dead", &[]).await;
    let options = QueueBindOptions::default();
    channel.queue_bind("dead".into(), "amq.direct".into(), "q".into(), options, FieldTable::default()).await.unwrap();
    confirms(&channel).await;
    send(&channel, "q", "x").await;
    let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    held.delivery.acker.reject(BasicRejectOptions { requeue: false }).await.unwrap();
    let letter = dead(&channel).await;
    assert_eq!((letter.exchange.as_str(), letter.routing_key.as_str()), ("amq.direct", "q"));
}

#[tokio::test]
async fn queue_ttl_expires_messages_into_the_dead_letter_exchange() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[("x-message-ttl", AMQPValue::LongInt(20))]).await;
    send(&channel, "q", "late").await;
    let letter = dead(&channel).await;
    assert_eq!(header(&headers(&letter), "x-first-death-reason"), "expired");
    assert_eq!(ready(&channel, "q").await, 0);
}

#[tokio::test]
async fn message_expiration_is_recorded_and_removed() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[]).await;
    send_with(&channel, "", "q", "late", BasicProperties::default().with_expiration("15".into())).await;
    let letter = dead(&channel).await;
    assert_eq!(letter.properties.expiration(), &None);
    let [death] = &deaths(&letter)[..] else { panic!() };
    assert_eq!(header(death, "reason"), "expired");
    assert_eq!(header(death, "original-expiration"), "15");
}

#[tokio::test]
async fn message_behind_the_head_expires_only_when_it_gets_there() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[]).await;
    send(&channel, "q", "stays").await;
    send_with(&channel, "", "q", "expires", BasicProperties::default().with_expiration("1".into())).await;
    send_with(&channel, "", "q", "later", BasicProperties::default().with_expiration("60000".into())).await;
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "stays");
    assert_eq!(body(&dead(&channel).await), "expires");
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "later");
}

#[tokio::test]
async fn message_with_ttl_zero_reaches_a_waiting_consumer_only() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[("x-message-ttl", AMQPValue::LongInt(0))]).await;
    send(&channel, "q", "nobody waits").await;
    assert_eq!(body(&dead(&channel).await), "nobody waits");
    let mut deliveries = consume(&channel, "q", "").await;
    send(&channel, "q", "somebody waits").await;
    assert_eq!(take(&mut deliveries).await, "somebody waits");
}

#[tokio::test]
async fn overflowing_messages_are_dead_lettered() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[("x-max-length", AMQPValue::LongInt(1))]).await;
    send(&channel, "q", "1").await;
    send(&channel, "q", "2").await;
    let letter = dead(&channel).await;
    assert_eq!((body(&letter).as_str(), header(&headers(&letter), "x-first-death-reason").as_str()), ("1", "maxlen"));
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "2");
}

#[tokio::test]
async fn refused_publish_is_dead_lettered_when_the_queue_says_so() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    queues(&channel, &[("x-max-length", AMQPValue::LongInt(1)), ("x-overflow", text("reject-publish-dlx"))]).await;
    assert!(send(&channel, "q", "1").await.is_ack());
    assert!(send(&channel, "q", "2").await.is_nack());
    assert_eq!(body(&dead(&channel).await), "2");
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "1");
}

#[tokio::test]
async fn dying_again_in_the_same_queue_is_counted() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    // `q` rejects into `retry`, which gives back after a moment.
    declare(&channel, "q", &[("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("retry"))]).await;
    let retry = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("q")),
        ("x-message-ttl", AMQPValue::LongInt(5)),
    ];
    declare(&channel, "retry", &retry).await;
    confirms(&channel).await;
    let mut deliveries = consume(&channel, "q", "").await;
    send(&channel, "q", "x").await;
    for _ in 0..3 {
        next(&mut deliveries).await.acker.nack(REJECT).await.unwrap();
    }
    let fourth = next(&mut deliveries).await;
    let summary: Vec<_> = deaths(&fourth)
        .iter()
        .map(|death| (header(death, "queue"), header(death, "reason"), death.inner().get("count").cloned()))
        .collect();
    let three = Some(AMQPValue::LongLongInt(3));
    assert_eq!(summary, [("retry".into(), "expired".into(), three.clone()), ("q".into(), "rejected".into(), three)]);
}

#[tokio::test]
async fn circle_without_a_rejection_drops_the_message() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    for (queue, to) in [("a", "b"), ("b", "a")] {
        let arguments = [
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(to)),
            ("x-message-ttl", AMQPValue::LongInt(1)),
        ];
        declare(&channel, queue, &arguments).await;
    }
    confirms(&channel).await;
    send(&channel, "a", "x").await;
    until("the message to be dropped", || async {
        // One reading for both queues: between two, the message could have moved.
        let queues = fetch(&broker, "/api/queues").await;
        let [a, b] = &queues.as_array().unwrap()[..] else { panic!("{queues}") };
        assert_eq!(a["message_stats"]["publish"], 1, "it came round");
        b["message_stats"]["publish"] == 1 && a["messages"] == 0 && b["messages"] == 0
    })
    .await;
}
