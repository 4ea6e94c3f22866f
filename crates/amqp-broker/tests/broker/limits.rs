//! Memory stays bounded whatever clients do.

use lapin::{BasicProperties, options::*, types::FieldTable};
use tokio::io::AsyncReadExt;

use crate::{lapin_client::*, management::*, raw_client::*};

#[tokio::test]
async fn consumer_that_does_not_read_is_delivered_no_more_than_its_buffer() {
    const LIMIT: u64 = 64 * 1024;
    let broker = start_with(|config| config.limits.write_buffer = LIMIT as usize).await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let mut raw = Raw::opened(broker.amqp_addr(), 131_072, 0).await;
    raw.open_channel(1).await;
    raw.send(&method(1, 60, 20, &[vec![0, 0], short("q"), short("c"), vec![0b10], vec![0; 4]].concat())).await;
    raw.expect(60, 21).await;
    confirms(&channel).await;
    let body = "x".repeat(64 * 1024);
    const COUNT: usize = 400;
    for _ in 0..COUNT {
        send(&channel, "q", &body).await;
    }
    let pending = |connections: &serde_json::Value| {
        connections.as_array().unwrap().iter().map(|connection| connection["send_pend"].as_u64().unwrap()).max()
    };
    let most = pending(&fetch(&broker, "/api/connections").await).unwrap();
    assert!(most <= LIMIT + body.len() as u64 + 1024, "{most} bytes wait");
    assert!(ready(&channel, "q").await > 0, "the operating system took everything, nothing was tested");
    // As soon as it reads, all of it comes.
    let mut octets = 0;
    let mut buffer = vec![0; 1024 * 1024];
    while octets < COUNT * body.len() {
        let count = within("the rest", raw.socket.read(&mut buffer)).await.unwrap();
        assert!(count > 0);
        octets += count;
    }
    until_ready(&channel, "q", 0).await;
}

#[tokio::test]
async fn client_that_asks_without_reading_the_answers_is_not_read_any_more() {
    let broker = start_with(|config| config.limits.write_buffer = 4096).await;
    let mut raw = Raw::opened(broker.amqp_addr(), 131_072, 0).await;
    raw.open_channel(1).await;
    let question = method(1, 50, 10, &[vec![0, 0], short("q"), vec![0], vec![0; 4]].concat());
    let questions = question.repeat(2_000);
    let mut stuck = false;
    for _ in 0..2_000 {
        let write = tokio::io::AsyncWriteExt::write_all(&mut raw.socket, &questions);
        if tokio::time::timeout(std::time::Duration::from_secs(1), write).await.is_err() {
            stuck = true;
            break;
        }
    }
    assert!(stuck, "the broker took everything");
    let connections = fetch(&broker, "/api/connections").await;
    // What one read can ask for comes on top of the buffer.
    assert!(connections[0]["send_pend"].as_u64().unwrap() < 1024 * 1024, "{connections}");
}

#[tokio::test]
async fn message_larger_than_allowed_closes_the_channel() {
    let broker = start_with(|config| config.limits.content_max = 1000).await;
    let (connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    let options = BasicPublishOptions::default();
    let body = [0; 1001];
    let publish = channel.basic_publish("".into(), "q".into(), options, &body, BasicProperties::default());
    let refused = within("the refusal", async { publish.await?.await }).await;
    let expected = "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000";
    assert_eq!(refusal(refused), (406, expected.into()));
    let other = connection.create_channel().await.unwrap();
    confirms(&other).await;
    assert!(send(&other, "q", &"x".repeat(1000)).await.is_ack());
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let broker = start_with(|config| config.limits.connections = 2).await;
    let (first, _second) = (connect(&broker).await, connect(&broker).await);
    let mut third = Raw::connect(broker.amqp_addr()).await;
    third.expect_end().await;
    first.close(200, "".into()).await.unwrap();
    until("a place to be free", || async { connect_to(&url(&broker)).await.is_ok() }).await;
}

#[tokio::test]
async fn one_queue_too_many_is_refused() {
    let broker = start_with(|config| config.limits.queues = 8).await;
    let (connection, channel) = channel(&broker).await;
    for i in 0..8 {
        declare(&channel, &format!("q{i}"), &[]).await;
    }
    let other = connection.create_channel().await.unwrap();
    let refused = other.queue_declare("q8".into(), QueueDeclareOptions::default(), FieldTable::default()).await;
    assert_eq!(refusal(refused).0, 406);
    declare(&channel, "q0", &[]).await;
}

#[tokio::test]
async fn publisher_is_blocked_above_the_memory_limit_until_consumers_make_room() {
    const LIMIT: usize = 256 * 1024;
    let broker = start_with(|config| config.limits.queue_memory = LIMIT as u64).await;
    let (_publishing, publisher) = channel(&broker).await;
    let (_consuming, consumer) = channel(&broker).await;
    declare(&publisher, "q", &[]).await;
    let body = vec![b'x'; 16 * 1024];
    const COUNT: u64 = 4000;
    let publishing = tokio::spawn(async move {
        for _ in 0..COUNT {
            let options = BasicPublishOptions::default();
            publisher.basic_publish("".into(), "q".into(), options, &body, BasicProperties::default()).await.unwrap();
        }
    });
    let used = async || fetch(&broker, "/api/overview").await["memory"].clone();
    until("the alarm", || async { used().await["alarm"] == true }).await;
    let connections = fetch(&broker, "/api/connections").await;
    until("the publisher to be blocked", || async {
        let connections = fetch(&broker, "/api/connections").await;
        connections.as_array().unwrap().iter().any(|connection| connection["state"] == "blocked")
    })
    .await;
    assert_eq!(connections.as_array().unwrap().len(), 2);
    // One read of the publisher's socket may come on top of the limit.
    assert!(used().await["used"].as_u64().unwrap() < LIMIT as u64 * 2);
    let mut deliveries = consume(&consumer, "q", "").await;
    for _ in 0..COUNT {
        ack(&next(&mut deliveries).await).await;
    }
    within("the publisher", publishing).await.unwrap();
}
