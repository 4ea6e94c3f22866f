//! Recording of consumers.

use std::collections::BTreeMap;
use std::path::Path;

use contracts::Error;
use contracts::consumer::{HttpPact, Message, MessagePact, Recorder};
use contracts::store::{drift, load_dir};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use serde_json::{Value, json};

use crate::shop::{Shop, reply};

#[track_caller]
fn order(total: i64) -> HttpPact {
    order_given("an order exists", total)
}

#[track_caller]
fn order_given(state: &str, total: i64) -> HttpPact {
    HttpPact::new("mail", "shop").interaction("reading an order", |i| {
        i.given_with_params(state, &json!({ "id": 7 }));
        i.request.get().path("/orders/7").header("accept", "application/json");
        i.request.header_from_provider_state("authorization", "Bearer ${token}", term!("^Bearer .+$", "Bearer x"));
        i.response.status(200).header("x-page", term!("^[0-9]+$", "1"));
        i.response.json_body(json_pattern!({ "total": like!(total), "lines": each_like!({ "title": like!("logo") }) }));
    })
}

async fn read(base: reqwest::Url) -> Result<(), String> {
    let request = reqwest::Client::new().get(base.join("orders/7").unwrap()).header("accept", "application/json");
    let response = request.header("authorization", "Bearer y").send().await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body: Value = response.json().await.map_err(|error| error.to_string())?;
    if status == 200 && body["lines"][0]["title"] == "logo" { Ok(()) } else { Err(format!("{status} {body}")) }
}

fn paid(description: &str) -> MessagePact {
    MessagePact::new("mail", "shop", description)
        .given("a paid order exists")
        .metadata("type", "shop.order-paid.v1")
        .metadata("id", term!("^[0-9]+$", "1"))
        .json(json_pattern!({ "order": like!("o-7"), "total": like!(1200) }))
}

async fn handle(message: Message) -> Result<(), String> {
    assert_eq!(message.metadata["type"], "shop.order-paid.v1");
    let body: Value = serde_json::from_slice(&message.body).map_err(|error| error.to_string())?;
    if body == json!({ "order": "o-7", "total": 1200 }) { Ok(()) } else { Err(body.to_string()) }
}

fn files(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect()
}

#[tokio::test]
async fn recording_gives_the_same_bytes_in_any_order_and_in_parallel() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorder = Recorder::into_dir(one.path());
    order(1200).exercise(&recorder, read).await.unwrap();
    paid("an order was paid").exercise(&recorder, handle).await.unwrap();
    paid("a big order was paid").exercise(&recorder, handle).await.unwrap();
    let first = files(one.path());
    order(1200).exercise(&recorder, read).await.unwrap();
    assert_eq!(files(one.path()), first, "a second time changes nothing");
    // A recorder each, as separate test processes have.
    let recorders = [(); 3].map(|()| Recorder::into_dir(other.path()));
    let (a, b, c) = tokio::join!(
        paid("a big order was paid").exercise(&recorders[0], handle),
        paid("an order was paid").exercise(&recorders[1], handle),
        order(1200).exercise(&recorders[2], read),
    );
    a.and(b).and(c).unwrap();
    assert_eq!(files(other.path()), first);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["mail-shop.json"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn simultaneous_recorders_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let tasks: Vec<_> = (0..128)
        .map(|index| {
            let recorder = Recorder::into_dir(&path);
            tokio::spawn(async move { paid(&format!("order {index}")).exercise(&recorder, handle).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(load_dir(&path).unwrap()[0].interactions.len(), 128);
}

#[tokio::test]
async fn same_interaction_with_different_content_is_an_error_naming_both() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::into_dir(dir.path());
    order(1200).exercise(&recorder, read).await.unwrap();
    let before = files(dir.path());
    let error = order(5).exercise(&recorder, read).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`reading an order` (given an order exists) is recorded twice for `mail` -> `shop`"),
        "{text}"
    );
    assert!(text.contains("recording.rs:") && text.contains("(1200)") && text.contains("(5)"), "{text}");
    let from_another_process = order(5).exercise(&Recorder::into_dir(dir.path()), read).await.unwrap_err().to_string();
    assert!(from_another_process.contains("mail-shop.json` (1200)"), "{from_another_process}");
    assert_eq!(files(dir.path()), before);
}

#[tokio::test]
async fn whole_recording_leaves_out_what_nobody_records_any_more() {
    let (earlier, now) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorder = Recorder::into_dir(earlier.path());
    order(1200).exercise(&recorder, read).await.unwrap();
    paid("an order was paid").exercise(&recorder, handle).await.unwrap();
    paid("an order was paid").exercise(&Recorder::into_dir(now.path()), handle).await.unwrap();
    let (committed, recorded) = (load_dir(earlier.path()).unwrap(), load_dir(now.path()).unwrap());
    assert_eq!(recorded[0].interactions.len(), 1);
    let stale: Vec<String> = drift(&recorded, &committed).iter().map(ToString::to_string).collect();
    assert!(stale.len() == 1 && stale[0].contains("`reading an order`"), "{stale:?}");
}

#[tokio::test]
async fn consumer_that_fails_records_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::into_dir(dir.path());
    let failed = paid("an order was paid").exercise(&recorder, |_| async { Err("no such template") }).await;
    assert_eq!(failed.unwrap_err().to_string(), "`mail` failed on `an order was paid`: no such template");
    let unused = order(1).exercise(&recorder, |_| async { Ok::<(), String>(()) }).await.unwrap_err();
    assert!(matches!(unused, Error::UnusedInteraction { .. }), "{unused}");
    let unexpected = order(1)
        .exercise(&recorder, |base| async move {
            let sent = reqwest::get(base.join("orders/8").unwrap()).await.map_err(|error| error.to_string())?;
            Err::<(), _>(sent.status().to_string())
        })
        .await
        .unwrap_err();
    let text = unexpected.to_string();
    assert!(text.starts_with("`mail` sent `GET /orders/8`, which no interaction with `shop` describes"), "{text}");
    assert!(text.contains("/orders/7"), "{text}");
    assert!(load_dir(dir.path()).is_err(), "nothing was written");
}

#[tokio::test]
async fn recorded_generator_asks_the_state_for_its_value() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::into_dir(dir.path());
    order(1200).exercise(&recorder, read).await.unwrap();
    let pacts = load_dir(dir.path()).unwrap();
    let answer =
        || reply(200, &[("x-page", "9")], &json!({ "total": 3, "lines": [{ "title": "a" }, { "title": "b" }] }));
    let shop = Shop::start(answer).await;
    let failed = shop.verify(&pacts).await;
    assert!(failed.interactions[0].mismatches[0].sentence.contains("needs the value `token`"), "{failed:?}");
    let dir = tempfile::tempdir().unwrap();
    order_given("a token exists", 1).exercise(&Recorder::into_dir(dir.path()), read).await.unwrap();
    let passed = shop.verify(&load_dir(dir.path()).unwrap()).await;
    assert_eq!(passed.verdict, contracts::result::Verdict::Pass, "{passed:?}");
    assert_eq!(shop.seen.requests.lock().unwrap()[0].1["authorization"], "Bearer t-42");
}

#[tokio::test]
async fn rules_for_metadata_reach_the_pact() {
    let dir = tempfile::tempdir().unwrap();
    paid("an order was paid").exercise(&Recorder::into_dir(dir.path()), handle).await.unwrap();
    let pact: Value = serde_json::from_str(&files(dir.path())["mail-shop.json"]).unwrap();
    let interaction = &pact["interactions"][0];
    assert_eq!(interaction["matchingRules"]["metadata"]["$.id"]["matchers"][0]["regex"], "^[0-9]+$", "{interaction:#}");
    assert_eq!(interaction["metadata"], json!({ "id": "1", "type": "shop.order-paid.v1" }));
}
