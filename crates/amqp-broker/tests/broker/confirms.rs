//! Publisher confirms, returns, and what a full queue answers.

use lapin::{BasicProperties, options::*, types::AMQPValue};

use crate::lapin_client::*;

#[tokio::test]
async fn every_publish_of_a_batch_is_confirmed() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    let mut pending = Vec::new();
    for i in 0..500 {
        let body = i.to_string();
        let options = BasicPublishOptions::default();
        let publish =
            channel.basic_publish("".into(), "q".into(), options, body.as_bytes(), BasicProperties::default());
        pending.push(publish.await.unwrap());
    }
    for confirm in pending {
        assert!(within("a confirm", confirm).await.unwrap().is_ack());
    }
    assert_eq!(ready(&channel, "q").await, 500);
}

#[tokio::test]
async fn unroutable_publish_is_confirmed_and_dropped() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    let confirmation = send(&channel, "nobody", "x").await;
    assert!(confirmation.is_ack());
    assert!(confirmation.take_message().is_none());
}

#[tokio::test]
async fn unroutable_mandatory_publish_is_returned_with_its_own_confirm() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut pending = Vec::new();
    for key in ["q", "q", "nobody", "q"] {
        let properties = BasicProperties::default().with_message_id(key.into());
        pending.push(channel.basic_publish("".into(), key.into(), options, key.as_bytes(), properties).await.unwrap());
    }
    let mut returned = Vec::new();
    for confirm in pending {
        let confirmation = within("a confirm", confirm).await.unwrap();
        assert!(confirmation.is_ack());
        returned.push(confirmation.take_message());
    }
    let message = returned.remove(2).expect("the third was to be returned");
    assert_eq!((message.reply_code, message.reply_text.as_str()), (312, "NO_ROUTE"));
    assert_eq!(message.delivery.routing_key.as_str(), "nobody");
    assert_eq!(message.delivery.data, b"nobody");
    assert_eq!(message.delivery.properties.message_id().as_ref().map(|id| id.as_str()), Some("nobody"));
    assert!(returned.iter().all(Option::is_none));
}

#[tokio::test]
async fn publish_to_a_missing_exchange_closes_the_channel() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    let options = BasicPublishOptions::default();
    let publish = channel.basic_publish("nowhere".into(), "k".into(), options, b"x", BasicProperties::default());
    let confirm = within("the refusal", async { publish.await?.await }).await;
    assert_eq!(refusal(confirm), (404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'".into()));
    // The connection goes on.
    let other = connection.create_channel().await.unwrap();
    declare(&other, "q", &[]).await;
}

#[tokio::test]
async fn full_queue_with_reject_publish_refuses() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[("x-max-length", AMQPValue::LongInt(2)), ("x-overflow", text("reject-publish"))]).await;
    confirms(&channel).await;
    for (body, accepted) in [("1", true), ("2", true), ("3", false)] {
        assert_eq!(send(&channel, "q", body).await.is_ack(), accepted, "{body}");
    }
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "1");
    assert!(send(&channel, "q", "4").await.is_ack());
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "2");
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "4");
}

#[tokio::test]
async fn full_queue_drops_its_head_by_default() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "short", &[("x-max-length", AMQPValue::LongInt(2))]).await;
    declare(&channel, "small", &[("x-max-length-bytes", AMQPValue::LongInt(10))]).await;
    confirms(&channel).await;
    for queue in ["short", "small"] {
        for body in ["11111", "22222", "33333"] {
            assert!(send(&channel, queue, body).await.is_ack());
        }
        assert_eq!(ready(&channel, queue).await, 2);
        assert_eq!(body(&get(&channel, queue).await.unwrap()), "22222");
    }
}

#[tokio::test]
async fn invalid_expiration_closes_the_channel() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    let properties = BasicProperties::default().with_expiration("soon".into());
    let options = BasicPublishOptions::default();
    let publish = channel.basic_publish("".into(), "q".into(), options, b"x", properties);
    let (code, reason) = refusal(within("the refusal", async { publish.await?.await }).await);
    assert_eq!(code, 406);
    assert!(reason.contains("soon"), "{reason}");
}

#[tokio::test]
async fn foreign_user_id_closes_the_channel() {
    let broker = start().await;
    let (connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    let options = BasicPublishOptions::default();
    let named = |user: &str| BasicProperties::default().with_user_id(user.into());
    let publish = channel.basic_publish("".into(), "q".into(), options, b"x", named("mallory"));
    assert_eq!(refusal(within("the refusal", async { publish.await?.await }).await).0, 406);
    let other = connection.create_channel().await.unwrap();
    confirms(&other).await;
    assert!(send_with(&other, "", "q", "x", named("guest")).await.is_ack());
}
