//! The official client of Socket.IO, under Node.js, against a gateway: we speak what the world speaks.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::browser::DEADLINE;
use crate::proxy::Proxy;
use crate::system::{System, token};

/// The client's process, and what it writes; it ends when this is dropped.
struct Official {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Official {
    fn start(url: &str, variables: &[(&str, &str)]) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official-client");
        assert!(
            directory.join("node_modules/socket.io-client").is_dir(),
            "the official client is not installed: run `npm ci` in {}, as `cargo xtask test` does",
            directory.display()
        );
        let mut command = Command::new("node");
        command.arg("client.mjs").current_dir(directory).env("URL", url).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Node.js 20 or later is installed");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { _process: process, lines }
    }

    /// Reads until `event`, of which these are the arguments; also how often `counted` came before.
    async fn until(&mut self, event: &str, counted: &str) -> (Value, usize) {
        let mut before = 0;
        let read = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the client runs on");
                let told: Value = serde_json::from_str(&line).unwrap();
                if told["event"] == event {
                    return told["arguments"].clone();
                }
                before += usize::from(told["event"] == counted);
            }
        };
        let arguments = tokio::time::timeout(DEADLINE, read).await;
        (arguments.unwrap_or_else(|_| panic!("the client is told `{event}` in time")), before)
    }

    async fn told(&mut self, event: &str) -> Value {
        self.until(event, "").await.0
    }
}

#[tokio::test]
async fn official_client_is_told_messages_updates_and_presence() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let mut bob = Official::start(&gateway.url(), &[("TOKEN", &token("bob", 1))]);
    bob.told("connect").await;
    assert_eq!(bob.told("answer").await, json!([{ "error": "unknown_event" }]));
    let ada = gateway.browser("ada").await;
    while bob.told("online").await[0].as_array().unwrap().iter().all(|name| name != "ada") {}
    let message = gateway.send("ada", "bob", "hello").await;
    assert_eq!(bob.told("message received").await[0], message);
    let body = Some(json!({ "messageId": message["id"] }));
    gateway.call(axum::http::Method::PUT, "/message/mark-as-read", "bob", body).await;
    let (updated, twice) = bob.until("message updated", "message received").await;
    assert_eq!((&updated[0]["isRead"], twice), (&json!(true), 0));
    drop(ada);
    assert_eq!(bob.told("user offline").await, json!([["ada"]]));
}

#[tokio::test]
async fn official_client_is_refused_without_a_session() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let mut nobody = Official::start(&gateway.url(), &[]);
    assert_eq!(nobody.told("connect_error").await, json!(["sign_in_required"]));
    let cookie = format!("marketplace_session={}", token("bob", 1));
    let mut bob = Official::start(&gateway.url(), &[("COOKIE", &cookie)]);
    bob.told("connect").await;
}

#[tokio::test]
async fn official_client_comes_back_after_a_break() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let way = Proxy::to(gateway.address).await;
    let mut bob = Official::start(&way.url, &[("TOKEN", &token("bob", 1))]);
    bob.told("connect").await;
    way.cut();
    bob.told("disconnect").await;
    way.heal();
    bob.told("connect").await;
    gateway.send("ada", "bob", "hello").await;
    assert_eq!(bob.told("message received").await[0]["body"], "hello");
}
