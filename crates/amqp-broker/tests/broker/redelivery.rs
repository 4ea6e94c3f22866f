//! What happens to deliveries that are not acknowledged.

use lapin::{options::*, types::AMQPValue};

use crate::lapin_client::*;

const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

#[tokio::test]
async fn consumer_killed_before_its_ack_leaves_the_message_to_another() {
    let broker = start().await;
    let (publishing, publisher) = channel(&broker).await;
    declare(&publisher, "q", &[]).await;
    confirms(&publisher).await;
    for body in ["1", "2", "3"] {
        send(&publisher, "q", body).await;
    }
    // A runtime of its own dies with its sockets, as a killed process does: nothing is said on the wire.
    let address = url(&broker);
    let delivered = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let delivered = runtime.block_on(async {
            let connection = connect_to(&address).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let mut deliveries = consume(&channel, "q", "").await;
            let mut delivered = Vec::new();
            for _ in 0..3 {
                delivered.push(body(&next(&mut deliveries).await));
            }
            std::mem::forget((connection, channel, deliveries));
            delivered
        });
        runtime.shutdown_background();
        delivered
    })
    .await
    .unwrap();
    assert_eq!(delivered, ["1", "2", "3"]);
    let mut deliveries = consume(&publisher, "q", "").await;
    for expected in ["1", "2", "3"] {
        let delivery = next(&mut deliveries).await;
        assert_eq!(body(&delivery), expected);
        assert!(delivery.redelivered);
        ack(&delivery).await;
    }
    drop(publishing);
}

#[tokio::test]
async fn closing_a_channel_requeues_what_it_has_not_acknowledged() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    for body in ["1", "2", "3"] {
        send(&channel, "q", body).await;
    }
    let dying = connection.create_channel().await.unwrap();
    let mut deliveries = consume(&dying, "q", "").await;
    next(&mut deliveries).await;
    ack(&next(&mut deliveries).await).await;
    next(&mut deliveries).await;
    dying.close(200, "".into()).await.unwrap();
    assert_eq!(ready(&channel, "q").await, 2);
    for expected in ["1", "3"] {
        let delivery = get(&channel, "q").await.unwrap();
        assert_eq!((body(&delivery).as_str(), delivery.redelivered), (expected, true));
    }
}

#[tokio::test]
async fn requeued_messages_take_their_old_places() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    for body in ["1", "2", "3", "4", "5"] {
        send(&channel, "q", body).await;
    }
    let other = connection.create_channel().await.unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(other.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap().delivery);
    }
    for index in [2, 0, 3] {
        held[index].acker.nack(REQUEUE).await.unwrap();
    }
    until_ready(&channel, "q", 4).await;
    for expected in ["1", "3", "4", "5"] {
        assert_eq!(body(&get(&channel, "q").await.unwrap()), expected);
    }
}

#[tokio::test]
async fn multiple_settles_all_deliveries_up_to_the_tag() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    for body in ["1", "2", "3", "4"] {
        send(&channel, "q", body).await;
    }
    let dying = connection.create_channel().await.unwrap();
    let mut deliveries = consume(&dying, "q", "").await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(next(&mut deliveries).await);
    }
    dying.basic_cancel(deliveries.tag(), BasicCancelOptions::default()).await.unwrap();
    held[1].acker.ack(BasicAckOptions { multiple: true }).await.unwrap();
    held[3].acker.nack(BasicNackOptions { multiple: true, requeue: true }).await.unwrap();
    until_ready(&channel, "q", 2).await;
    for expected in ["3", "4"] {
        assert_eq!(body(&get(&channel, "q").await.unwrap()), expected);
    }
}

#[tokio::test]
async fn rejected_message_without_dead_letter_exchange_is_dropped() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    let mut deliveries = consume(&channel, "q", "").await;
    next(&mut deliveries).await.acker.reject(BasicRejectOptions { requeue: true }).await.unwrap();
    let again = next(&mut deliveries).await;
    assert!(again.redelivered);
    again.acker.reject(BasicRejectOptions { requeue: false }).await.unwrap();
    send(&channel, "q", "2").await;
    assert_eq!(take(&mut deliveries).await, "2");
}

#[tokio::test]
async fn recover_requeues_everything_the_channel_holds() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    assert!(!held.delivery.redelivered);
    within("recover-ok", channel.basic_recover(BasicRecoverOptions { requeue: true })).await.unwrap();
    let again = get(&channel, "q").await.unwrap();
    assert_eq!((body(&again).as_str(), again.redelivered), ("1", true));
}

#[tokio::test]
async fn acknowledging_twice_closes_the_channel() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    channel.basic_ack(held.delivery.delivery_tag, BasicAckOptions::default()).await.unwrap();
    channel.basic_ack(held.delivery.delivery_tag, BasicAckOptions::default()).await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let after = within("the refusal", channel.queue_declare("q".into(), passive, table(&[]))).await;
    assert_eq!(refusal(after), (406, "PRECONDITION_FAILED - unknown delivery tag 1".into()));
}

#[tokio::test]
async fn message_requeued_by_one_consumer_reaches_another() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[("x-message-ttl", AMQPValue::LongInt(60_000))]).await;
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut first = consume(&channel, "q", "first").await;
    let mut second = consume(&channel, "q", "second").await;
    confirms(&channel).await;
    send(&channel, "q", "1").await;
    next(&mut first).await.acker.nack(REQUEUE).await.unwrap();
    let delivery = next(&mut second).await;
    assert_eq!((body(&delivery).as_str(), delivery.redelivered), ("1", true));
}
