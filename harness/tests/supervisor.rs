//! The supervisor with real processes: a small service in Python's standard library, started, watched, broken, stopped.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chaos::System;
use serde_json::{Value, json};
use shakedown::config::Config;
use shakedown::supervisor::{Ending, RunningSystem, StartError, StartOptions, Watchdog};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_shakedown");
const DEADLINE: Duration = Duration::from_secs(20);

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supervisor")
}

/// A system of two services, of which `front` has a link to `back`; `more` is added to the file.
fn configuration(folder: &Path, more: &str) -> Arc<Config> {
    let toy = scripts().join("toy.py");
    let text = format!(
        r#"
[system]
name = "toy"
entry = "front"

[defaults]
ready = {{ http = "/health/ready", within = "15s" }}
stop = {{ within = "10s" }}
env = {{ PORT = "${{port}}", DATA = "${{data}}" }}

[services.front]
command = ["python3", "{toy}"]
env = {{ PEER = "http://${{link:back}}", OTEL_BSP_SCHEDULE_DELAY = "7", MIXED = "${{profile}} ${{run_id}} $${{x}}" }}

[services.back]
command = ["python3", "{toy}"]
restart = "on-failure"
{more}
"#,
        toy = toy.display()
    );
    let file = folder.join("shakedown.toml");
    std::fs::write(&file, text).expect("written");
    Arc::new(Config::load(&file, None).unwrap_or_else(|errors| panic!("{errors}")))
}

fn options(run_id: &str) -> StartOptions {
    let collector = SocketAddr::from(([127, 0, 0, 1], 4318));
    StartOptions::new(run_id, collector, Arc::new(Watchdog::none()))
}

/// A run id that no other test has, on this machine, at any time.
fn run_id(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::now_v7())
}

async fn start(
    folder: &TempDir,
    more: &str,
    change: impl FnOnce(&mut StartOptions),
) -> Result<Arc<RunningSystem>, StartError> {
    let mut options = options(&run_id("test"));
    change(&mut options);
    RunningSystem::start(configuration(folder.path(), more), folder.path(), options).await
}

async fn get(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let text = client.get(url).send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

/// Waits until `condition` holds.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn alive(pid: u32) -> bool {
    // A zombie has an empty command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn pid_and_port(folder: &Path, service: &str) -> Option<(u32, u16)> {
    let text = std::fs::read_to_string(folder.join("data").join(service).join("pid")).ok()?;
    let (pid, port) = text.split_once(' ')?;
    Some((pid.parse().ok()?, port.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_started_linked_observed_and_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = "[observe.rows]\nhttp = { service = \"back\", path = \"/rows\", rows = \"/rows\", columns = { id = \"/id\", state = \"/in/state\" } }";
    let mut id = String::new();
    let system = start(&folder, more, |options| id = options.run_id.clone()).await.expect("a system");
    // The client's link leads to front, front's link to back, which knows who it is.
    let env = get(&format!("{}/peer", system.entry_url())).await;
    assert_eq!((&env["OTEL_SERVICE_NAME"], &env["SHAKEDOWN_RUN_ID"]), (&json!("back"), &json!(id)));
    assert_eq!(env["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://127.0.0.1:4318");
    assert_eq!(env["OTEL_LOGS_EXPORTER"], "none");
    assert_eq!(env["DATA"], json!(system.data_dir("back")));
    let link = system.link("front->back").expect("a link");
    assert_eq!(link.counters().connections, 1);
    let env = get(&format!("{}/env", system.entry_url())).await;
    assert_eq!((&env["OTEL_BSP_SCHEDULE_DELAY"], &env["MIXED"]), (&json!("7"), &json!(format!("dev {id} ${{x}}"))));

    let table = system.observer().table("rows").await.expect("a table");
    assert_eq!(json!(table.rows), json!([{ "id": 1, "state": "open" }, { "id": 2, "state": "done" }]));
    assert_eq!(system.targets().links, ["client->front", "front->back"]);
    assert_eq!(system.targets(), shakedown::supervisor::targets(system.config()));
    assert!(system.ready("front").await);
    assert!(system.memory().expect("memory") > 1 << 20);
    assert!(system.instances().iter().all(|instance| instance.ready_ms > 0.0 && instance.restarts == 0));

    let pids: Vec<u32> = system.instances().iter().filter_map(|instance| instance.pid).collect();
    let report = system.stop().await;
    assert_eq!(report.notes(), Vec::<String>::new());
    assert_eq!(pids.len(), 2);
    assert!(!pids.into_iter().any(alive));
    let log = std::fs::read_to_string(folder.path().join("logs/back.jsonl")).expect("a log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert!(lines.iter().any(|line| line["message"] == "listening" && line["stream"] == "stdout"));
    assert!(lines.iter().any(|line| line["path"] == "/env" && line["level"] == "INFO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_at_once_is_named_with_its_last_words_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let dying = BTreeMap::from([("DIE".to_owned(), "9".to_owned())]);
    let failed = start(&folder, "", |options| drop(options.env_extra.insert("back".to_owned(), dying))).await;
    let error = failed.expect_err("back dies").to_string();
    assert!(
        error.starts_with(
            "service `back` ended before it was ready (exit status: 9); waited for: GET http://127.0.0.1:"
        ),
        "{error}"
    );
    // Two streams have no order between them.
    for line in ["answers 2xx\nlast lines of its output:\n", "\n  | starting", "\n  | the disk is on fire"] {
        assert!(error.contains(line), "{error}");
    }
    if let Some((pid, port)) = pid_and_port(folder.path(), "front") {
        assert!(!alive(pid) && !listens(port));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_never_ready_is_named_with_the_unmet_condition() {
    let folder = tempfile::tempdir().expect("a folder");
    let waiting = BTreeMap::from([("NOT_READY".to_owned(), "no database".to_owned())]);
    let mut config = Config::clone(&configuration(folder.path(), ""));
    config.services.get_mut("back").expect("back").ready.within = Duration::from_secs(3);
    let mut options = options(&run_id("test"));
    options.env_extra.insert("back".to_owned(), waiting);
    let failed = RunningSystem::start(Arc::new(config), folder.path(), options).await;
    let error = failed.expect_err("back is never ready").to_string();
    assert!(
        error.starts_with("service `back` was not ready within 3.0 s; waited for: GET http://127.0.0.1:"),
        "{error}"
    );
    assert!(error.contains("found: it answered 503 no database\n"), "{error}");
    for service in ["front", "back"] {
        let (pid, port) = pid_and_port(folder.path(), service).expect("it was started");
        assert!(!alive(pid) && !listens(port), "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_exist_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = "[services.lost]\ncommand = [\"./no/such/program\"]";
    let error = start(&folder, more, |_| ()).await.expect_err("no program").to_string();
    assert_eq!(
        error,
        "service `lost`: cannot start `./no/such/program`: there is no such program; is it built, and in the PATH or named by its path?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let more = format!("port = {port}");
    let error = start(&folder, &more, |_| ()).await.expect_err("no port").to_string();
    assert_eq!(error, format!("service `back`: port {port} is taken by another process"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_stays_down_until_it_is_started_on_the_same_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = start(&folder, "", |_| ()).await.expect("a system");
    let (before, address) = (system.pid("back").expect("a pid"), system.address("back").expect("an address"));
    system.kill("back").await.expect("killed");
    assert!(!alive(before) && !listens(address.port()));
    assert_eq!((system.pid("back"), system.ready("back").await), (None, false));
    system.kill("back").await.expect("killing twice changes nothing");
    system.start("back").await.expect("started");
    assert!(system.pid("back").is_some_and(|pid| pid != before));
    assert_eq!(get(&format!("{}/peer", system.entry_url())).await["PORT"], address.port().to_string());
    assert_eq!(system.instances()[0].restarts, 1);
    assert_eq!(system.unexpected_exits(), []);

    system.pause("back").await.expect("frozen");
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(300)).build().expect("a client");
    let url = format!("http://{address}/env");
    assert!(client.get(&url).send().await.expect_err("no answer").is_timeout());
    system.resume("back").await.expect("thawed");
    assert_eq!(get(&url).await["OTEL_SERVICE_NAME"], "back");
    system.pause("back").await.expect("frozen");
    // A frozen service can be stopped, too.
    System::stop(&*system, "back").await.expect("stopped");
    assert!(matches!(system.kill("nobody").await, Err(chaos::SystemError::Unknown(_))));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unasked_end_is_noticed_and_answered_by_the_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = start(&folder, "", |_| ()).await.expect("a system");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    // `back` is restarted on failure, `front` never.
    for service in ["back", "front"] {
        let before = system.pid(service);
        let url = format!("{}/crash", system.service_url(service).expect("a URL"));
        client.get(url).send().await.expect_err("the connection breaks");
        until("noticing the end", || system.unexpected_exits().iter().any(|exit| exit.service == service)).await;
        if service == "back" {
            until("the restart", || system.pid(service).is_some_and(|pid| Some(pid) != before)).await;
            let deadline = Instant::now() + DEADLINE;
            while !system.ready(service).await {
                assert!(Instant::now() < deadline, "back is not ready again");
            }
        } else {
            assert_eq!(system.pid(service), None);
        }
    }
    assert_eq!(
        system.notes(),
        [
            "`back` died unasked (exit status: 3) and was started again; its last line: going down",
            "`front` died unasked (exit status: 3) and stayed down; its last line: going down",
        ]
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_stop_when_asked_is_killed_and_so_is_what_left_its_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let stubborn = BTreeMap::from([("IGNORE_TERM".to_owned(), "1".to_owned())]);
    let mut config = Config::clone(&configuration(folder.path(), ""));
    config.services.get_mut("back").expect("back").stop.within = Duration::from_millis(300);
    let mut options = options(&run_id("test"));
    options.env_extra.insert("back".to_owned(), stubborn);
    let system = RunningSystem::start(Arc::new(config), folder.path(), options).await.expect("a system");
    let stray = get(&format!("{}/stray", system.entry_url())).await.as_u64().expect("a pid");
    let stray = u32::try_from(stray).expect("a pid");
    until("the stray process", || alive(stray)).await;
    let report = system.stop().await;
    let back = report.services.iter().find(|stopped| stopped.service == "back").expect("back");
    assert_eq!(back.ending, Ending::Killed);
    assert_eq!((report.strays, report.left), (1, 0));
    assert!(!alive(stray));
    assert_eq!(report.notes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_dropped_without_being_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = start(&folder, "", |_| ()).await.expect("a system");
    let stray = get(&format!("{}/stray", system.entry_url())).await.as_u64().expect("a pid");
    let stray = u32::try_from(stray).expect("a pid");
    until("the stray process", || alive(stray)).await;
    let pids: Vec<u32> = system.instances().iter().filter_map(|instance| instance.pid).chain([stray]).collect();
    assert_eq!(pids.len(), 3);
    drop(system);
    until("the end of every process", || !pids.iter().any(|pid| alive(*pid))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_can_be_started_alone_with_more_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = start(&folder, "", |options| {
        options.only = Some(vec!["front".to_owned()]);
        options.subdirectory = Some("contracts".to_owned());
        let hooks = BTreeMap::from([("HOOKS".to_owned(), "on ${port}".to_owned())]);
        options.env_extra.insert("front".to_owned(), hooks);
    });
    let system = system.await.expect("a system");
    let address = system.address("front").expect("an address");
    assert_eq!(system.targets().services, ["front"]);
    let env = get(&format!("http://{address}/env")).await;
    assert_eq!(env["HOOKS"], format!("on {}", address.port()));
    assert!(folder.path().join("contracts/logs/front.jsonl").exists());
    assert!(folder.path().join("contracts/data/front/pid").exists());
    system.stop().await;
    let unknown = start(&folder, "", |options| options.only = Some(vec!["nobody".to_owned()])).await;
    assert_eq!(unknown.expect_err("no such service").to_string(), "there is no service `nobody` in the configuration");
}

const BROKER: &str = r#"env = { MQ = "amqp://${link:broker}/" }
[broker]
kind = "embedded"
[observe.pending]
queues = { pending = true, except = ["*.dead"] }
[observe.dead]
messages = { queues = ["*.dead"] }
[rest]
empty = ["pending"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_a_service_that_can_be_watched_and_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = BROKER.to_owned();
    let program = vec!["python3".to_owned(), scripts().join("broker.py").display().to_string()];
    let system = start(&folder, &more, |options| options.broker = program).await.expect("a system");
    assert_eq!(system.targets().services, ["back", "broker", "front"]);
    // Messages are pending at first; the broker hands them out while it is asked.
    system.at_rest(DEADLINE).await.expect("rest");
    let dead = system.dead_letters().await;
    assert_eq!((dead.len(), &*dead[0].queue, &*dead[0].reason), (1, "work.dead", "rejected"));
    let table = system.observer().table("dead").await.expect("a table");
    assert_eq!((&table.rows[0]["message_id"], &table.rows[0]["body"]), (&json!("m-1"), &json!("{oops")));
    system.duplicate("work*", 0.5, 7).await.expect("a fault");
    assert_eq!(system.clear_duplicates().await.expect("no fault"), 2);

    System::stop(&*system, "broker").await.expect("stopped");
    let unmet = system.at_rest(Duration::from_millis(300)).await.expect_err("no broker, no rest");
    assert_eq!(unmet[0].condition, "table `pending` is empty");
    assert!(unmet[0].found.starts_with("table `pending`: GET http://127.0.0.1:"), "{}", unmet[0].found);
    system.start("broker").await.expect("started");
    system.at_rest(DEADLINE).await.expect("rest");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_that_is_told_goodbye_ends_and_kills_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let id = run_id("goodbye");
    let watchdog = Watchdog::start(Path::new(PROGRAM), &["watchdog".into()], &id, &folder.path().join("undo.jsonl"));
    let watchdog = Arc::new(watchdog.expect("a watchdog"));
    let mut bystander = Command::new("sleep").arg("600").env("SHAKEDOWN_RUN_ID", &id).spawn().expect("a process");
    watchdog.farewell();
    assert!(bystander.try_wait().expect("a state").is_none());
    bystander.kill().expect("killed");
    bystander.wait().expect("an end");
}

/// A harness that does not outlive a failing test.
struct Harness(Child);

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a harness that runs the toy system, kills it as `kill` says, and looks what is left.
async fn harness_dies(kill: impl FnOnce(u32)) {
    let folder = tempfile::tempdir().expect("a folder");
    configuration(folder.path(), "");
    let run = folder.path().join("run");
    let harness = Command::new(PROGRAM)
        .arg("--config")
        .arg(folder.path().join("shakedown.toml"))
        .args(["up", "--no-build", "--out"])
        .arg(&run)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a harness");
    let mut harness = Harness(harness);
    until("the start of the system", || {
        ["front", "back"].iter().all(|name| pid_and_port(&run, name).is_some_and(|(_, port)| listens(port)))
    })
    .await;
    let services = ["front", "back"].map(|name| pid_and_port(&run, name).expect("started"));
    assert!(services.iter().all(|(pid, port)| alive(*pid) && listens(*port)));
    let stray = get(&format!("http://127.0.0.1:{}/stray", services[0].1)).await.as_u64().expect("a pid");
    let stray = u32::try_from(stray).expect("a pid");

    let killed = Instant::now();
    kill(harness.0.id());
    tokio::task::spawn_blocking(move || harness.0.wait()).await.expect("waited").expect("an end");
    until("the end of every process", || {
        !alive(stray) && services.iter().all(|(pid, port)| !alive(*pid) && !listens(*port))
    })
    .await;
    assert!(killed.elapsed() < Duration::from_secs(5), "took {:?}", killed.elapsed());
}

fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").arg(signal).arg(pid.to_string()).status().expect("kill runs");
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_the_harness_is_killed_with_sigkill() {
    harness_dies(|pid| signal(pid, "-KILL")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_the_harness_is_interrupted() {
    harness_dies(|pid| signal(pid, "-INT")).await;
}
