//! Routing.

use lapin::{BasicProperties, Channel, ExchangeKind, options::*, types::FieldTable};

use crate::lapin_client::*;

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) {
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await.unwrap();
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await.unwrap();
}

async fn counts(channel: &Channel, queues: &[&str]) -> Vec<u32> {
    let mut counts = Vec::new();
    for queue in queues {
        counts.push(ready(channel, queue).await);
    }
    counts
}

#[tokio::test]
async fn default_exchange_reaches_the_queue_of_that_name() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "a", &[]).await;
    declare(&channel, "b", &[]).await;
    confirms(&channel).await;
    assert!(send(&channel, "a", "hello").await.is_ack());
    assert_eq!(counts(&channel, &["a", "b"]).await, [1, 0]);
    assert_eq!(body(&get(&channel, "a").await.unwrap()), "hello");
}

#[tokio::test]
async fn direct_exchange_matches_the_whole_key() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "x", ExchangeKind::Direct).await;
    for (queue, key) in [("a", "one"), ("b", "two"), ("c", "one")] {
        declare(&channel, queue, &[]).await;
        bind(&channel, queue, "x", key).await;
    }
    confirms(&channel).await;
    send_with(&channel, "x", "one", "", BasicProperties::default()).await;
    assert_eq!(counts(&channel, &["a", "b", "c"]).await, [1, 0, 1]);
}

#[tokio::test]
async fn fanout_exchange_reaches_every_queue_once() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "x", ExchangeKind::Fanout).await;
    for queue in ["a", "b"] {
        declare(&channel, queue, &[]).await;
        bind(&channel, queue, "x", "k").await;
        bind(&channel, queue, "x", "other").await;
    }
    confirms(&channel).await;
    send_with(&channel, "x", "whatever", "", BasicProperties::default()).await;
    assert_eq!(counts(&channel, &["a", "b"]).await, [1, 1]);
}

#[tokio::test]
async fn topic_exchange_matches_words_and_wildcards() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "x", ExchangeKind::Topic).await;
    let queues = ["order.*.v1", "order.#", "*.placed.*", "order.placed.v1", "#"];
    for pattern in queues {
        declare(&channel, pattern, &[]).await;
        bind(&channel, pattern, "x", pattern).await;
    }
    confirms(&channel).await;
    for key in ["order.placed.v1", "order", "order.cancelled.v2.late", "gig.placed.v1"] {
        send_with(&channel, "x", key, "", BasicProperties::default()).await;
    }
    assert_eq!(counts(&channel, &queues).await, [1, 3, 2, 1, 4]);
}

#[tokio::test]
async fn headers_exchange_matches_arguments() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "x", ExchangeKind::Headers).await;
    declare(&channel, "all", &[]).await;
    declare(&channel, "any", &[]).await;
    for mode in ["all", "any"] {
        let arguments = table(&[("x-match", text(mode)), ("type", text("report")), ("format", text("pdf"))]);
        let options = QueueBindOptions::default();
        channel.queue_bind(mode.into(), "x".into(), "".into(), options, arguments).await.unwrap();
    }
    confirms(&channel).await;
    let headers = |entries: &[(&str, &str)]| {
        let entries: Vec<_> = entries.iter().map(|(name, value)| (*name, text(value))).collect();
        BasicProperties::default().with_headers(table(&entries))
    };
    send_with(&channel, "x", "", "", headers(&[("type", "report"), ("format", "pdf")])).await;
    send_with(&channel, "x", "", "", headers(&[("type", "report"), ("format", "zip")])).await;
    assert_eq!(counts(&channel, &["all", "any"]).await, [1, 2]);
}

#[tokio::test]
async fn exchange_bound_to_an_exchange_passes_messages_on_even_in_a_circle() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "outer", ExchangeKind::Topic).await;
    exchange(&channel, "inner", ExchangeKind::Fanout).await;
    declare(&channel, "q", &[]).await;
    bind(&channel, "q", "inner", "").await;
    let options = ExchangeBindOptions::default();
    for (destination, source, key) in [("inner", "outer", "a.#"), ("outer", "inner", "")] {
        let bind = channel.exchange_bind(destination.into(), source.into(), key.into(), options, FieldTable::default());
        bind.await.unwrap();
    }
    confirms(&channel).await;
    send_with(&channel, "outer", "a.b", "in", BasicProperties::default()).await;
    send_with(&channel, "outer", "b.a", "out", BasicProperties::default()).await;
    assert_eq!(ready(&channel, "q").await, 1);
    let options = ExchangeUnbindOptions::default();
    let unbind = channel.exchange_unbind("inner".into(), "outer".into(), "a.#".into(), options, FieldTable::default());
    unbind.await.unwrap();
    send_with(&channel, "outer", "a.b", "gone", BasicProperties::default()).await;
    assert_eq!(ready(&channel, "q").await, 1);
}

#[tokio::test]
async fn alternate_exchange_takes_what_has_no_route() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    exchange(&channel, "spare", ExchangeKind::Fanout).await;
    let arguments = table(&[("alternate-exchange", text("spare"))]);
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare("x".into(), ExchangeKind::Direct, options, arguments).await.unwrap();
    declare(&channel, "q", &[]).await;
    bind(&channel, "q", "spare", "").await;
    confirms(&channel).await;
    send_with(&channel, "x", "nobody", "", BasicProperties::default()).await;
    assert_eq!(ready(&channel, "q").await, 1);
}

#[tokio::test]
async fn unbound_queue_gets_nothing_more() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    bind(&channel, "q", "amq.direct", "k").await;
    confirms(&channel).await;
    send_with(&channel, "amq.direct", "k", "", BasicProperties::default()).await;
    for _ in 0..2 {
        channel.queue_unbind("q".into(), "amq.direct".into(), "k".into(), FieldTable::default()).await.unwrap();
    }
    send_with(&channel, "amq.direct", "k", "", BasicProperties::default()).await;
    assert_eq!(ready(&channel, "q").await, 1);
}

#[tokio::test]
async fn auto_delete_exchange_goes_with_its_last_binding() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    let options = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare("x".into(), ExchangeKind::Fanout, options, FieldTable::default()).await.unwrap();
    declare(&channel, "q", &[]).await;
    bind(&channel, "q", "x", "").await;
    channel.queue_delete("q".into(), QueueDeleteOptions::default()).await.unwrap();
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let other = connection.create_channel().await.unwrap();
    let declared = other.exchange_declare("x".into(), ExchangeKind::Fanout, passive, FieldTable::default()).await;
    assert_eq!(refusal(declared), (404, "NOT_FOUND - no exchange 'x' in vhost '/'".into()));
}
