//! Deliberate duplicates.

use lapin::options::*;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{lapin_client::*, management::*};

const DUPLICATE: &str = "/api/faults/duplicate";

#[tokio::test]
async fn duplicate_comes_right_after_the_ack_and_only_once() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "orders.placed", &[]).await;
    declare(&channel, "users", &[]).await;
    let fault = json!({ "queue": "orders.*", "p": 1.0, "seed": 1 });
    assert_eq!(ask(&broker, Method::PUT, DUPLICATE, Some(fault.clone())).await.0, StatusCode::NO_CONTENT);
    confirms(&channel).await;
    for body in ["1", "2"] {
        send(&channel, "orders.placed", body).await;
        send(&channel, "users", body).await;
    }
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut orders = consume(&channel, "orders.placed", "").await;
    for (expected, redelivered) in [("1", false), ("1", true), ("2", false), ("2", true)] {
        let delivery = next(&mut orders).await;
        assert_eq!((body(&delivery).as_str(), delivery.redelivered), (expected, redelivered));
        ack(&delivery).await;
    }
    let mut users = consume(&channel, "users", "").await;
    for expected in ["1", "2"] {
        let delivery = next(&mut users).await;
        assert_eq!((body(&delivery).as_str(), delivery.redelivered), (expected, false));
        ack(&delivery).await;
    }
    assert_eq!(fetch(&broker, "/api/faults").await, json!({ "duplicate": fault, "delivered": 2 }));
    assert_eq!(fetch(&broker, DUPLICATE).await["delivered"], 2);
    until("everything to be settled", || async {
        let queues = fetch(&broker, "/api/queues").await;
        queues.as_array().unwrap().iter().all(|queue| queue["messages"] == 0)
    })
    .await;
    assert_eq!(ask(&broker, Method::DELETE, DUPLICATE, None).await.0, StatusCode::NO_CONTENT);
    send(&channel, "orders.placed", "3").await;
    send(&channel, "orders.placed", "4").await;
    assert_eq!((take(&mut orders).await, take(&mut orders).await), ("3".into(), "4".into()));
}

#[tokio::test]
async fn probability_decides_how_many_are_duplicated() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let fault = json!({ "queue": "*", "p": 0.2, "seed": 42 });
    ask(&broker, Method::PUT, DUPLICATE, Some(fault)).await;
    // One at a time, or the first deliveries would all come before the first ack.
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    confirms(&channel).await;
    let mut twice = 0;
    for i in 0..200 {
        send(&channel, "q", &i.to_string()).await;
    }
    send(&channel, "q", "end").await;
    let mut deliveries = consume(&channel, "q", "").await;
    loop {
        let delivery = next(&mut deliveries).await;
        ack(&delivery).await;
        if body(&delivery) == "end" {
            break;
        }
        twice += u64::from(delivery.redelivered);
    }
    // The last one may have been duplicated too, unseen.
    assert!((20..60).contains(&twice), "{twice} of 200 at p = 0.2");
    let counted = fetch(&broker, "/api/faults").await["delivered"].as_u64().unwrap();
    assert!((twice..=twice + 1).contains(&counted), "{twice} seen, {counted} counted");
}

#[tokio::test]
async fn senseless_fault_is_refused() {
    let broker = start().await;
    for fault in [
        json!({ "queue": "*", "p": 2.0 }),
        json!({ "queue": "", "p": 0.5 }),
        json!({ "queue": "*" }),
        json!({ "queue": "*", "p": 0.5, "sed": 1 }),
        json!("nonsense"),
    ] {
        let (status, answer) = ask(&broker, Method::PUT, DUPLICATE, Some(fault)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    }
}
