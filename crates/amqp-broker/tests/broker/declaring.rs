//! Queues and exchanges: declaration, its refusals, deletion.

use lapin::{
    Connection, ExchangeKind,
    options::*,
    types::{AMQPValue, FieldTable},
};

use crate::lapin_client::*;

async fn declare_queue(
    connection: &Connection,
    name: &str,
    options: QueueDeclareOptions,
    arguments: FieldTable,
) -> lapin::Result<lapin::Queue> {
    // A refusal closes the channel, so each attempt has its own.
    let channel = connection.create_channel().await.unwrap();
    within("queue.declare", channel.queue_declare(name.into(), options, arguments)).await
}

#[tokio::test]
async fn server_names_a_queue_declared_without_name() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    let (a, b) = (declare(&channel, "", &[]).await, declare(&channel, "", &[]).await);
    assert!(a.name().as_str().starts_with("amq.gen-"), "{a:?}");
    assert_ne!(a.name(), b.name());
    confirms(&channel).await;
    send(&channel, a.name().as_str(), "x").await;
    assert_eq!(ready(&channel, a.name().as_str()).await, 1);
}

#[tokio::test]
async fn passive_declare_of_a_missing_queue_is_not_found() {
    let broker = start().await;
    let connection = connect(&broker).await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let missing = declare_queue(&connection, "q", passive, FieldTable::default()).await;
    assert_eq!(refusal(missing), (404, "NOT_FOUND - no queue 'q' in vhost '/'".into()));
    let declared = declare_queue(&connection, "q", QueueDeclareOptions::default(), FieldTable::default()).await;
    assert_eq!(declared.unwrap().name().as_str(), "q");
    assert!(declare_queue(&connection, "q", passive, FieldTable::default()).await.is_ok());
}

#[tokio::test]
async fn redeclaring_with_other_arguments_is_a_precondition_failure() {
    let broker = start().await;
    let connection = connect(&broker).await;
    let options = QueueDeclareOptions::default();
    let ttl = |value| table(&[("x-message-ttl", value)]);
    declare_queue(&connection, "q", options, ttl(AMQPValue::LongInt(1000))).await.unwrap();
    // The same number in another width is the same argument.
    declare_queue(&connection, "q", options, ttl(AMQPValue::LongLongInt(1000))).await.unwrap();
    for (options, arguments, expected) in [
        (
            options,
            FieldTable::default(),
            "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value '1000' of type 'signedint'",
        ),
        (
            options,
            ttl(AMQPValue::LongInt(2000)),
            "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '2000' of type 'signedint' but current is the value '1000' of type 'signedint'",
        ),
        (
            QueueDeclareOptions { durable: true, ..options },
            ttl(AMQPValue::LongInt(1000)),
            "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'",
        ),
    ] {
        let refused = declare_queue(&connection, "q", options, arguments).await;
        assert_eq!(refusal(refused), (406, format!("PRECONDITION_FAILED - {expected}")));
    }
}

#[tokio::test]
async fn invalid_queue_arguments_are_refused() {
    let broker = start().await;
    let connection = connect(&broker).await;
    for (name, value) in [
        ("x-message-ttl", AMQPValue::LongInt(-1)),
        ("x-max-length", text("many")),
        ("x-overflow", text("explode")),
        ("x-dead-letter-routing-key", text("without exchange")),
        ("x-queue-type", text("stream")),
        ("x-single-active-consumer", text("yes")),
    ] {
        let arguments = table(&[(name, value)]);
        let (code, reason) = refusal(declare_queue(&connection, "q", QueueDeclareOptions::default(), arguments).await);
        assert_eq!(code, 406);
        assert!(reason.contains(name), "{reason}");
    }
}

#[tokio::test]
async fn exclusive_queue_is_locked_for_others_and_goes_with_its_connection() {
    let broker = start().await;
    let (owner, other) = (connect(&broker).await, connect(&broker).await);
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    declare_queue(&owner, "mine", exclusive, FieldTable::default()).await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    for options in [exclusive, passive, QueueDeclareOptions::default()] {
        assert_eq!(refusal(declare_queue(&other, "mine", options, FieldTable::default()).await).0, 405);
    }
    owner.close(200, "".into()).await.unwrap();
    until("the queue to go", || async {
        matches!(declare_queue(&other, "mine", passive, FieldTable::default()).await, Err(error) if error.is_amqp_soft_error()
            && format!("{error:?}").contains("NOT_FOUND"))
    })
    .await;
}

#[tokio::test]
async fn auto_delete_queue_goes_with_its_last_consumer() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("q".into(), options, FieldTable::default()).await.unwrap();
    let first = consume(&channel, "q", "first").await;
    let second = consume(&channel, "q", "second").await;
    channel.basic_cancel(first.tag(), BasicCancelOptions::default()).await.unwrap();
    assert_eq!(ready(&channel, "q").await, 0);
    channel.basic_cancel(second.tag(), BasicCancelOptions::default()).await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..options };
    assert_eq!(refusal(declare_queue(&connection, "q", passive, FieldTable::default()).await).0, 404);
}

#[tokio::test]
async fn purge_and_delete_say_how_many_messages_went() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    for _ in 0..3 {
        send(&channel, "q", "x").await;
    }
    assert_eq!(channel.queue_purge("q".into(), QueuePurgeOptions::default()).await.unwrap(), 3);
    send(&channel, "q", "x").await;
    let if_empty = QueueDeleteOptions { if_empty: true, ..QueueDeleteOptions::default() };
    let refused = connection.create_channel().await.unwrap().queue_delete("q".into(), if_empty).await;
    assert_eq!(refusal(refused), (406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty".into()));
    let _consumer = consume(&channel, "q", "").await;
    let if_unused = QueueDeleteOptions { if_unused: true, ..QueueDeleteOptions::default() };
    let refused = connection.create_channel().await.unwrap().queue_delete("q".into(), if_unused).await;
    assert_eq!(refusal(refused), (406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use".into()));
    send(&channel, "other", "unroutable").await;
    assert_eq!(channel.queue_delete("never-declared".into(), QueueDeleteOptions::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn exchanges_are_checked_like_queues() {
    let broker = start().await;
    let connection = connect(&broker).await;
    let declare = async |name: &str, kind, options| {
        let channel = connection.create_channel().await.unwrap();
        within("exchange.declare", channel.exchange_declare(name.into(), kind, options, FieldTable::default())).await
    };
    let options = ExchangeDeclareOptions::default();
    declare("x", ExchangeKind::Topic, options).await.unwrap();
    declare("x", ExchangeKind::Topic, options).await.unwrap();
    let (code, reason) = refusal(declare("x", ExchangeKind::Fanout, options).await);
    assert_eq!(
        (code, reason.as_str()),
        (
            406,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'topic'"
        )
    );
    let durable = ExchangeDeclareOptions { durable: true, ..options };
    assert_eq!(refusal(declare("x", ExchangeKind::Topic, durable).await).0, 406);
    assert_eq!(refusal(declare("amq.mine", ExchangeKind::Topic, options).await).0, 403);
    let passive = ExchangeDeclareOptions { passive: true, ..options };
    assert_eq!(refusal(declare("missing", ExchangeKind::Topic, passive).await).0, 404);
    declare("amq.topic", ExchangeKind::Topic, durable).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.exchange_delete("x".into(), ExchangeDeleteOptions::default()).await.unwrap();
    assert_eq!(refusal(declare("x", ExchangeKind::Topic, passive).await).0, 404);
}

#[tokio::test]
async fn unused_queue_with_x_expires_goes_by_itself() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[("x-expires", AMQPValue::LongInt(30))]).await;
    let bind = QueueBindOptions::default();
    // Asking for the queue by name would count as use, so a binding is asked for instead.
    until("the queue to expire", || async {
        let channel = connection.create_channel().await.unwrap();
        channel.queue_bind("q".into(), "amq.topic".into(), "k".into(), bind, FieldTable::default()).await.is_err()
    })
    .await;
}
