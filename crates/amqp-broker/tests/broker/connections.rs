//! Connecting, being refused, and the broker's own end.

use amqp_broker::{Broker, Config, StartError};
use futures_util::StreamExt;

use crate::{lapin_client::*, management::*};

#[tokio::test]
async fn wrong_password_is_refused_properly() {
    let broker = start().await;
    let refused = connect_to(&format!("amqp://guest:wrong@{}/%2f", broker.amqp_addr())).await;
    let (code, reason) = refusal(refused);
    assert_eq!(code, 403);
    assert!(reason.contains("Login was refused"), "{reason}");
}

#[tokio::test]
async fn unknown_vhost_is_not_allowed() {
    let broker = start().await;
    let refused = connect_to(&format!("amqp://guest:guest@{}/elsewhere", broker.amqp_addr())).await;
    assert_eq!(refusal(refused), (530, "NOT_ALLOWED - vhost elsewhere not found".into()));
}

#[tokio::test]
async fn url_that_ends_in_a_slash_means_the_default_vhost() {
    let broker = start().await;
    let connection = connect_to(&format!("amqp://guest:guest@{}/", broker.amqp_addr())).await.unwrap();
    declare(&connection.create_channel().await.unwrap(), "q", &[]).await;
}

#[tokio::test]
async fn taken_port_is_a_clear_error() {
    let broker = start().await;
    for config in [
        Config { listen: broker.amqp_addr(), ..Config::default() },
        Config { management: broker.management_addr(), ..Config::default() },
    ] {
        let error = Broker::start(config).await.unwrap_err();
        assert!(matches!(error, StartError::PortInUse { .. }), "{error:?}");
        assert!(error.to_string().contains("already in use"), "{error}");
    }
}

#[tokio::test]
async fn senseless_limits_are_refused() {
    for change in [
        (|config| config.limits.frame_max = 100) as fn(&mut Config),
        |config| config.limits.table_depth = 1_000_000,
        |config| config.limits.channels = 0,
    ] {
        let mut config = Config::default();
        change(&mut config);
        assert!(matches!(Broker::start(config).await, Err(StartError::Limit { .. })));
    }
}

#[tokio::test]
async fn channels_of_a_connection_are_independent() {
    let broker = start().await;
    let connection = connect(&broker).await;
    let mut channels = Vec::new();
    for i in 0..50 {
        let channel = connection.create_channel().await.unwrap();
        declare(&channel, &format!("q{i}"), &[]).await;
        confirms(&channel).await;
        channels.push(channel);
    }
    for (i, channel) in channels.iter().enumerate() {
        send(channel, &format!("q{i}"), &i.to_string()).await;
    }
    for (i, channel) in channels.iter().enumerate().rev() {
        assert_eq!(body(&get(channel, &format!("q{i}")).await.unwrap()), i.to_string());
    }
    channels[7].close(200, "".into()).await.unwrap();
    assert_eq!(ready(&channels[8], "q8").await, 0);
}

#[tokio::test]
async fn shutdown_tells_clients_that_the_connection_was_forced() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let mut deliveries = consume(&channel, "q", "").await;
    within("the shutdown", broker.shutdown()).await;
    let end = within("the end of the consumer", deliveries.next()).await;
    let (code, reason) = refusal(end.unwrap());
    assert_eq!(code, 320);
    assert!(reason.starts_with("CONNECTION_FORCED"), "{reason}");
}

#[tokio::test]
async fn port_is_free_again_after_shutdown() {
    let broker = start().await;
    let (amqp, management) = (broker.amqp_addr(), broker.management_addr());
    let _held = channel(&broker).await;
    broker.shutdown().await;
    let again = Broker::start(Config { listen: amqp, management, ..Config::default() }).await.unwrap();
    let (_connection, channel) = channel(&again).await;
    declare(&channel, "q", &[]).await;
}

#[tokio::test]
async fn closed_connections_leave_nothing_behind() {
    let broker = start().await;
    for _ in 0..20 {
        let (connection, channel) = channel(&broker).await;
        declare(&channel, "q", &[]).await;
        consume(&channel, "q", "").await;
        connection.close(200, "".into()).await.unwrap();
    }
    until("everything to go", || async {
        let totals = fetch(&broker, "/api/overview").await["object_totals"].clone();
        totals["connections"] == 0 && totals["channels"] == 0 && totals["consumers"] == 0
    })
    .await;
}
