//! Who is online, over all gateways, also when one of them dies.

use std::process::Stdio;

use gateway::socket::client::Handshake;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::browser::{Browser, DEADLINE};
use crate::system::{System, token};

#[tokio::test]
async fn person_is_online_until_their_last_socket_on_any_gateway_is_gone() {
    let system = System::start().await;
    let (one, two) = (system.gateway().await, system.gateway().await);
    let ada = one.browser("ada").await;
    let (bob_here, bob_there) = (one.browser("bob").await, two.browser("bob").await);
    ada.wait_for_online(&["ada", "bob"]).await;
    drop(bob_here);
    let eve = two.browser("eve").await;
    ada.wait_for_online(&["ada", "bob", "eve"]).await;
    eve.wait_for_online(&["ada", "bob", "eve"]).await;
    assert!(!ada.told().iter().any(|(event, _)| event == "user offline"), "bob is there still");
    drop(bob_there);
    ada.wait_for_online(&["ada", "eve"]).await;
    eve.wait_for_online(&["ada", "eve"]).await;
    assert_eq!(ada.told().iter().filter(|(event, _)| event == "user offline").count(), 1);
}

#[tokio::test]
async fn gateway_that_stops_says_so() {
    // Long enough that nothing expires in this test.
    let system = System::with(&[("PRESENCE_EXPIRY_MS", "600000")]).await;
    let (one, two) = (system.gateway().await, system.gateway().await);
    let ada = one.browser("ada").await;
    let _bob = two.browser("bob").await;
    ada.wait_for_online(&["ada", "bob"]).await;
    two.stop().await;
    ada.wait_for_online(&["ada"]).await;
}

#[tokio::test]
async fn sockets_of_a_killed_gateway_are_gone_after_a_while() {
    let system = System::with(&[("PRESENCE_EXPIRY_MS", "500")]).await;
    let one = system.gateway().await;
    let ada = one.browser("ada").await;
    let (mut process, url) = process(&system).await;
    let bob = Browser::connect(Handshake::new(&url).auth(json!({ "token": token("bob", 1) }))).await.unwrap();
    bob.wait_for_online(&["ada", "bob"]).await;
    ada.wait_for_online(&["ada", "bob"]).await;
    process.kill().await.unwrap();
    bob.wait_until("the end", |told| told.last().is_some_and(|(event, _)| event == "ended")).await;
    ada.wait_for_online(&["ada"]).await;
}

/// A gateway as a process of its own, and its URL.
async fn process(system: &System) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.env_clear().env("LISTEN_ADDR", "127.0.0.1:0").envs(system.variables(&system.chat.url()));
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the gateway says where it listens");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "service started" {
                return format!("http://{}", line["address"].as_str().unwrap());
            }
        }
    };
    let url = tokio::time::timeout(DEADLINE, started).await.expect("the gateway starts in time");
    // Read on, or its log would fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}
