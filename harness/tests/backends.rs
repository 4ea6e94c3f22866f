//! Real backends of a system: started, filled, observed, broken, and gone. On containers, or on the servers that the
//! environment names, in which there is nothing to break.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::Pair;
use chaos::System;
use serde_json::{Value, json};
use shakedown::config::Config;
use shakedown::supervisor::{RunningSystem, StartOptions, Watchdog};
use sqlx::{Connection as _, PgConnection};

const DEADLINE: Duration = Duration::from_secs(60);

const FILE: &str = r#"
[system]
name = "toy"
entry = "front"

[broker]
kind = "rabbitmq"

[backends.broker]
kind = "rabbitmq"
image = "rabbitmq:4-management"
image_env = "SHAKEDOWN_IMAGE_RABBITMQ"
url_env = "TEST_AMQP_URL"
management_env = "TEST_RABBITMQ_API_URL"

[backends.db]
kind = "postgres"
image = "postgres:17"
image_env = "SHAKEDOWN_IMAGE_POSTGRES"
url_env = "TEST_POSTGRES_URL"
env = { POSTGRES_PASSWORD = "known to nobody = else #" }

[services.front]
command = ["python3", "@TOY@"]
ready = { http = "/health/ready", within = "15s" }
env = { PORT = "${port}", DATA = "${data}", DB = "${backend:db}", MQ = "${backend:broker}" }

[observe.things]
sql = { database = "${env:front:DB}", query = "SELECT *, n + 1.5 AS more FROM things ORDER BY id -- all" }

[observe.written]
sql = { database = "${env:front:DB}", query = "SELECT nextval('numbers') AS n" }

[observe.queues]
queues = { pending = true }
"#;

fn config(folder: &std::path::Path) -> Arc<Config> {
    let toy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supervisor/toy.py");
    let file = folder.join("shakedown.toml");
    std::fs::write(&file, FILE.replace("@TOY@", &toy.display().to_string())).expect("written");
    Arc::new(Config::load(&file, None).unwrap_or_else(|errors| panic!("{errors}")))
}

/// What the service was given.
async fn variable(system: &RunningSystem, name: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/env", system.entry_url())).send().await.expect("an answer");
    let env: Value = answer.json().await.expect("JSON");
    env[name].as_str().expect("a variable").to_owned()
}

fn containers(run_id: &str) -> Vec<String> {
    let filter = format!("label=org.shakedown.run={run_id}");
    let output = Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &filter]).output().expect("docker");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

/// A container as a dead harness leaves it, whose lock nobody holds, or one whose harness lives.
fn stray(run_id: &str, lock: &std::path::Path) {
    let image = std::env::var("SHAKEDOWN_IMAGE_POSTGRES").unwrap_or_else(|_| "postgres:17".to_owned());
    let labels = [format!("org.shakedown.run={run_id}"), format!("org.shakedown.lock={}", lock.display())];
    let created =
        Command::new("docker").args(["create", "--label", &labels[0], "--label", &labels[1], &image]).output();
    assert!(created.expect("docker").status.success());
}

/// Speaks to RabbitMQ's management API about the virtual host of a system.
async fn manage(method: reqwest::Method, system: &RunningSystem, path: &str, body: Value) {
    let vhost = variable(system, "MQ").await.rsplit('/').next().expect("a virtual host").to_owned();
    let base = system.broker_management_url().expect("a broker").to_owned();
    let url = format!("{base}/api/{}", path.replace("VHOST", &vhost));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.request(method, &url).basic_auth("guest", Some("guest")).json(&body).send().await;
    answer.and_then(reqwest::Response::error_for_status).expect("RabbitMQ does it");
}

async fn until_queued(system: &RunningSystem, expected: Value) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let rows = system.observer().table("queues").await.map(|table| table.rows.into_iter().next());
        let found = rows.as_ref().ok().and_then(|row| Some(row.as_ref()?.get("ready")?.clone()));
        if found == Some(expected.clone()) {
            return;
        }
        assert!(Instant::now() < deadline, "expected {expected} messages, found {rows:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_are_started_filled_observed_broken_and_removed() {
    if !Pair::Real.is_wanted() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let run_id = format!("backends-{}", uuid::Uuid::now_v7());
    let collector = SocketAddr::from(([127, 0, 0, 1], 4318));
    let options = StartOptions::new(&*run_id, collector, Arc::new(Watchdog::none()));
    let (dead, alive) = (format!("{run_id}-dead"), format!("{run_id}-alive"));
    let held = tempfile::NamedTempFile::new().expect("a file");
    let engine = !std::env::var("TEST_POSTGRES_URL").is_ok_and(|url| !url.is_empty());
    if engine {
        held.as_file().lock().expect("locked");
        stray(&alive, held.path());
        let left = folder.path().join("lock");
        std::fs::write(&left, "").expect("written");
        stray(&dead, &left);
    }
    let system = RunningSystem::start(config(folder.path()), folder.path(), options).await;
    let system = system.unwrap_or_else(|error| panic!("{error}"));
    let ours = system.pid("db").is_some();
    assert_eq!(ours, engine);
    if ours {
        assert_eq!(
            (containers(&dead).len(), containers(&alive).len()),
            (0, 1),
            "only what nobody holds is cleared away"
        );
        let id = containers(&alive).remove(0);
        assert!(Command::new("docker").args(["rm", "--force", &id]).output().expect("docker").status.success());
    }

    // The service has a database of its own behind its link; the observer reads the same one past it, and cannot write.
    let mut database = PgConnection::connect(&variable(&system, "DB").await).await.expect("a database");
    let setup = "CREATE TABLE things (id TEXT, n BIGINT, ok BOOLEAN); CREATE SEQUENCE numbers; \
        INSERT INTO things VALUES ('a', 7, true), ('b', NULL, NULL)";
    sqlx::raw_sql(setup).execute(&mut database).await.expect("a table");
    let rows = system.observer().table("things").await.unwrap_or_else(|error| panic!("{error}")).rows;
    let expected =
        json!([{ "id": "a", "n": 7, "ok": true, "more": 8.5 }, { "id": "b", "n": null, "ok": null, "more": null }]);
    assert_eq!(json!(rows), expected);
    let written = system.observer().table("written").await.expect_err("an observer must not write").to_string();
    assert!(written.contains("read-only"), "{written}");
    assert!(system.link("front->db").expect("a link").counters().connections > 0, "the service went past its link");

    // A queue that is durable is there, with what is in it, after the broker was stopped and started.
    manage(reqwest::Method::PUT, &system, "queues/VHOST/work", json!({ "durable": true })).await;
    let message = json!({ "properties": { "delivery_mode": 2 }, "routing_key": "work", "payload": "x", "payload_encoding": "string" });
    manage(reqwest::Method::POST, &system, "exchanges/VHOST/amq.default/publish", message).await;
    until_queued(&system, json!(1)).await;
    if ours {
        let address = system.address("broker").expect("an address");
        System::stop(&*system, "broker").await.expect("stopped");
        assert!(!system.ready("broker").await);
        assert!(std::net::TcpStream::connect(address).is_err(), "{address} still answers");
        system.start("broker").await.expect("started again");
        until_queued(&system, json!(1)).await;

        system.pause("db").await.expect("frozen");
        assert!(!system.ready("db").await);
        system.resume("db").await.expect("thawed");
        assert!(system.ready("db").await);
        system.kill("db").await.expect("killed");
        system.start("db").await.expect("started again");
        assert_eq!(system.observer().table("things").await.expect("a table").rows.len(), 2);
        assert_eq!(containers(&run_id).len(), 2);
    }
    let report = system.stop().await;
    assert_eq!(report.notes(), Vec::<String>::new());
    if ours {
        assert_eq!(containers(&run_id), Vec::<String>::new());
    }
}

#[test]
fn killed_harness_leaves_no_container_behind() {
    // In the servers of others there are none.
    if !Pair::Real.is_wanted() || std::env::var("TEST_POSTGRES_URL").is_ok_and(|url| !url.is_empty()) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let program = Command::new(env!("CARGO_BIN_EXE_shakedown"))
        .current_dir(folder.path())
        .args(["--config", "shakedown.toml", "up"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut program = program.expect("the program starts");
    let run = || {
        let latest = std::fs::read_link(folder.path().join("target/shakedown/latest")).ok()?;
        Some(latest.to_str()?.to_owned())
    };
    let wait = |what: &str, condition: &dyn Fn() -> bool| {
        let deadline = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < deadline, "{what} did not happen within {DEADLINE:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait("two containers", &|| run().is_some_and(|run| containers(&run).len() == 2));
    program.kill().expect("killed");
    program.wait().expect("an end");
    let run = run().expect("a run");
    wait("their removal", &|| containers(&run).is_empty());
}
