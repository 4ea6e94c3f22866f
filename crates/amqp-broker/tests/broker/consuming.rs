//! Deliveries: order, properties, limits, and whose turn it is.

use futures_util::{FutureExt, StreamExt};
use lapin::{
    BasicProperties,
    options::*,
    types::{AMQPValue, DecimalValue, FieldArray, FieldTable},
};

use crate::lapin_client::*;

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order() {
    const COUNT: u32 = 10_000;
    let broker = start().await;
    let (_publishing, publisher) = channel(&broker).await;
    let (_consuming, consumer) = channel(&broker).await;
    declare(&publisher, "q", &[]).await;
    consumer.basic_qos(100, BasicQosOptions::default()).await.unwrap();
    let mut deliveries = consume(&consumer, "q", "").await;
    let publish = async {
        for i in 0..COUNT {
            let options = BasicPublishOptions::default();
            let body = i.to_be_bytes();
            publisher.basic_publish("".into(), "q".into(), options, &body, BasicProperties::default()).await.unwrap();
        }
    };
    let check = async {
        for i in 0..COUNT {
            let delivery = next(&mut deliveries).await;
            assert_eq!(delivery.data, i.to_be_bytes());
            assert!(!delivery.redelivered);
            ack(&delivery).await;
        }
    };
    within("all messages", async { tokio::join!(publish, check) }).await;
    until_ready(&consumer, "q", 0).await;
}

#[tokio::test]
async fn headers_and_all_properties_arrive_as_they_were_sent() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let mut array = FieldArray::default();
    array.push(AMQPValue::LongLongInt(-1));
    array.push(text("inner"));
    let headers = table(&[
        ("traceparent", text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
        ("flag", AMQPValue::Boolean(true)),
        ("small", AMQPValue::ShortShortInt(-7)),
        ("usmall", AMQPValue::ShortShortUInt(200)),
        ("short", AMQPValue::ShortInt(-300)),
        ("ushort", AMQPValue::ShortUInt(60_000)),
        ("int", AMQPValue::LongInt(-70_000)),
        ("uint", AMQPValue::LongUInt(4_000_000_000)),
        ("long", AMQPValue::LongLongInt(i64::MIN)),
        ("float", AMQPValue::Float(1.5)),
        ("double", AMQPValue::Double(-2.25)),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 1999 })),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("bytes", AMQPValue::ByteArray(vec![0, 255, 7].into())),
        ("nothing", AMQPValue::Void),
        ("array", AMQPValue::FieldArray(array)),
        ("table", AMQPValue::FieldTable(table(&[("nested", text("ünï"))]))),
    ]);
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_headers(headers)
        .with_delivery_mode(2)
        .with_priority(3)
        .with_correlation_id("0190-correlation".into())
        .with_reply_to("answers".into())
        .with_expiration("600000".into())
        .with_message_id("m-1".into())
        .with_timestamp(1_700_000_001)
        .with_type("order.placed.v1".into())
        .with_user_id("guest".into())
        .with_app_id("order".into())
        .with_cluster_id("c".into());
    confirms(&channel).await;
    send_with(&channel, "amq.fanout", "unbound", "dropped", properties.clone()).await;
    send_with(&channel, "", "q", "{}", properties.clone()).await;
    let mut deliveries = consume(&channel, "q", "me").await;
    let delivery = next(&mut deliveries).await;
    assert_eq!(delivery.properties, properties);
    assert_eq!((delivery.exchange.as_str(), delivery.routing_key.as_str()), ("", "q"));
    assert_eq!(delivery.data, b"{}");
}

#[tokio::test]
async fn bodies_larger_than_a_frame_arrive_whole() {
    let broker = start_with(|config| config.limits.frame_max = 8192).await;
    let (connection, channel) = channel(&broker).await;
    assert_eq!(connection.configuration().frame_max(), 8192);
    declare(&channel, "q", &[]).await;
    let body: String = (0..100_000).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
    confirms(&channel).await;
    send(&channel, "q", &body).await;
    send(&channel, "q", "").await;
    let mut deliveries = consume(&channel, "q", "").await;
    assert_eq!(take(&mut deliveries).await, body);
    assert_eq!(take(&mut deliveries).await, "");
}

#[tokio::test]
async fn prefetch_bounds_each_consumer() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    channel.basic_qos(2, BasicQosOptions::default()).await.unwrap();
    confirms(&channel).await;
    for body in ["1", "2", "3", "4", "5"] {
        send(&channel, "q", body).await;
    }
    let mut first = consume(&channel, "q", "first").await;
    let one = next(&mut first).await;
    next(&mut first).await;
    // The answer to this comes after whatever was delivered.
    assert_eq!(ready(&channel, "q").await, 3);
    assert!(first.next().now_or_never().is_none());
    ack(&one).await;
    assert_eq!(body(&next(&mut first).await), "3");
    let mut second = consume(&channel, "q", "second").await;
    assert_eq!(body(&next(&mut second).await), "4");
    assert_eq!(body(&next(&mut second).await), "5");
    assert_eq!(ready(&channel, "q").await, 0);
}

#[tokio::test]
async fn global_prefetch_is_shared_by_the_consumers_of_a_channel() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    for queue in ["a", "b"] {
        declare(&channel, queue, &[]).await;
    }
    channel.basic_qos(3, BasicQosOptions { global: true }).await.unwrap();
    let mut a = consume(&channel, "a", "a").await;
    let mut b = consume(&channel, "b", "b").await;
    confirms(&channel).await;
    for queue in ["a", "a", "b", "b", "a"] {
        send(&channel, queue, "x").await;
    }
    assert_eq!((ready(&channel, "a").await, ready(&channel, "b").await), (1, 1));
    next(&mut b).await;
    // One acknowledgement on one queue lets another queue of the channel go on.
    ack(&next(&mut a).await).await;
    ack(&next(&mut a).await).await;
    until_ready(&channel, "a", 0).await;
    until_ready(&channel, "b", 0).await;
}

#[tokio::test]
async fn consumers_of_a_queue_take_turns() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let mut first = consume(&channel, "q", "first").await;
    let mut second = consume(&channel, "q", "second").await;
    confirms(&channel).await;
    for body in ["1", "2", "3", "4"] {
        send(&channel, "q", body).await;
    }
    for (one, two) in [("1", "2"), ("3", "4")] {
        assert_eq!((take(&mut first).await.as_str(), take(&mut second).await.as_str()), (one, two));
    }
}

#[tokio::test]
async fn single_active_consumer_has_the_queue_until_it_leaves() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[("x-single-active-consumer", AMQPValue::Boolean(true))]).await;
    let mut first = consume(&channel, "q", "first").await;
    let mut second = consume(&channel, "q", "second").await;
    confirms(&channel).await;
    for body in ["1", "2"] {
        send(&channel, "q", body).await;
        assert_eq!(take(&mut first).await, body);
    }
    assert!(second.next().now_or_never().is_none());
    channel.basic_cancel("first".into(), BasicCancelOptions::default()).await.unwrap();
    send(&channel, "q", "3").await;
    assert_eq!(take(&mut second).await, "3");
}

#[tokio::test]
async fn exclusive_consumer_keeps_others_out() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let exclusive = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
    let _holder = channel.basic_consume("q".into(), "one".into(), exclusive, FieldTable::default()).await.unwrap();
    let other = connection.create_channel().await.unwrap();
    let refused = other.basic_consume("q".into(), "two".into(), BasicConsumeOptions::default(), FieldTable::default());
    assert_eq!(refusal(refused.await), (403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use".into()));
}

#[tokio::test]
async fn consumer_without_acks_holds_nothing() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let no_ack = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut deliveries = channel.basic_consume("q".into(), "".into(), no_ack, FieldTable::default()).await.unwrap();
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    assert_eq!(body(&next(&mut deliveries).await), "1");
    connection.close(200, "".into()).await.unwrap();
    let (_connection, other) = crate::lapin_client::channel(&broker).await;
    assert_eq!(ready(&other, "q").await, 0);
}

#[tokio::test]
async fn deleting_a_queue_tells_its_consumers() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    let (_other_connection, other) = crate::lapin_client::channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let mut deliveries = consume(&channel, "q", "").await;
    other.queue_delete("q".into(), QueueDeleteOptions::default()).await.unwrap();
    assert!(within("the end of the consumer", deliveries.next()).await.is_none());
    // The channel goes on.
    declare(&channel, "q2", &[]).await;
}

#[tokio::test]
async fn cancelled_consumer_gets_nothing_more() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let consumer = consume(&channel, "q", "c").await;
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await.unwrap();
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    assert_eq!(ready(&channel, "q").await, 1);
}

#[tokio::test]
async fn get_fetches_the_head_and_says_what_is_left() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let fetch = || channel.basic_get("q".into(), BasicGetOptions::default());
    assert!(fetch().await.unwrap().is_none());
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    send(&channel, "q", "2").await;
    let first = fetch().await.unwrap().unwrap();
    assert_eq!((first.message_count, body(&first.delivery).as_str()), (1, "1"));
    ack(&first.delivery).await;
    let second = fetch().await.unwrap().unwrap();
    second.delivery.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await.unwrap();
    let again = fetch().await.unwrap().unwrap();
    assert_eq!(body(&again.delivery), "2");
    assert!(again.delivery.redelivered);
}
