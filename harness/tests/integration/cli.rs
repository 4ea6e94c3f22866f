//! The commands that stand alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::program::{Program, Running};

const ANSWER: Duration = Duration::from_secs(10);

#[test]
fn help_lists_every_exit_code() {
    let ended = Program::new().args(["--help"]).run();
    ended.expect_code(0);
    for code in ["0 passed", "1 a check failed", "2 usage or configuration", "3 could not be judged", "4 aborted"] {
        assert!(ended.stdout.contains(code), "{code} in {}", ended.stdout);
    }
    for command in
        ["run", "up", "contract", "journey", "load", "chaos", "report", "collector", "proxy", "amqp", "broker", "init"]
    {
        let listed = ended.stdout.lines().any(|line| line.split_whitespace().next() == Some(command));
        assert!(listed, "{command} in {}", ended.stdout);
    }
}

#[test]
fn written_configuration_is_checked_by_doctor() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("shop.toml");
    let named = |words: [&str; 1]| Program::new().config(&file).args(words).run();
    let written = Program::new().args(["init", "--name", "shop", "--file"]).arg(&file).run();
    written.expect_code(0).expect_no_result().expect_said(&["shop.toml", "doctor"]);
    assert!(fs::read_to_string(&file).expect("written").contains("name = \"shop\""));

    let ended = named(["doctor"]);
    ended.expect_code(1);
    assert!(ended.stdout.contains("MISSING service web: `./web` is neither a file nor in PATH"), "{}", ended.stdout);
    assert!(ended.stdout.trim_end().ends_with("1 missing"), "{}", ended.stdout);

    let web = dir.path().join("web");
    fs::write(&web, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&web, fs::Permissions::from_mode(0o755)).expect("executable");
    let ended = named(["doctor"]);
    ended.expect_code(0);
    assert!(ended.stdout.trim_end().ends_with("ready to run"), "{}", ended.stdout);

    let again = Program::new().args(["init", "--file"]).arg(&file).run();
    again.expect_code(1).expect_no_result().expect_said(&["cannot write", "shop.toml"]);
}

#[test]
fn collector_keeps_what_it_receives_until_it_is_stopped() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("kept");
    let program = Program::new().args(["collector", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--out"]);
    let mut running = program.arg(&out).start();
    let address = running.said("address", |line| address(line.split_once("over HTTP on ")?.1));
    let span = json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "lonely" } }] },
        "scopeSpans": [{ "scope": { "name": "test" }, "spans": [{
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "work", "kind": 1,
            "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        }] }],
    }] });
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let answer = client.post(format!("http://{address}/v1/traces")).json(&span).send().expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
    stops(running);
    let kept = fs::read_to_string(out.join("traces.jsonl")).expect("traces.jsonl");
    let kept: Value = serde_json::from_str(&kept).expect("one line of JSON");
    assert_eq!(kept["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "work");
}

#[test]
fn proxy_passes_bytes_on_with_the_delay_that_was_asked_for() {
    let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let upstream = echo.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let (mut connection, _) = echo.accept().expect("a connection");
        let mut word = [0; 4];
        connection.read_exact(&mut word).expect("a word");
        connection.write_all(&word).expect("its echo");
    });
    let mut running = Program::new().args(["proxy", "--upstream", &upstream, "--latency", "50ms"]).start();
    let mut connection = connect(running.printed("address", address));
    let sent = Instant::now();
    connection.write_all(b"ping").expect("written");
    let mut word = [0; 4];
    connection.read_exact(&mut word).expect("its echo");
    assert_eq!(&word, b"ping");
    assert!(sent.elapsed() >= Duration::from_millis(100), "50 ms each way, not {:?}", sent.elapsed());
    stops(running);
}

#[test]
fn message_broker_speaks_amqp_and_has_a_management_api() {
    let program = Program::new().args(["amqp", "--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"]);
    let mut running = program.start();
    let amqp = running.said("address", |line| address(line.split_once("AMQP 0-9-1 on ")?.1));
    let mut connection = connect(amqp);
    connection.write_all(b"AMQP\x00\x00\x09\x01").expect("written");
    let mut start = [0; 11];
    connection.read_exact(&mut start).expect("an answer");
    // A method frame on channel 0 with connection.start (class 10, method 10).
    assert_eq!((start[0], &start[1..3], &start[7..11]), (1, &[0, 0][..], &[0, 10, 0, 10][..]), "{start:?}");

    let management = running.said("address", |line| address(line.split_once("http://")?.1));
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let queues = client.get(format!("http://{management}/api/queues")).basic_auth("guest", Some("guest"));
    let queues: Value = queues.send().and_then(|answer| answer.error_for_status()?.json()).expect("an answer");
    assert_eq!(queues, json!([]));
    stops(running);
}

#[test]
fn contract_broker_keeps_what_writers_publish_and_tells_readers() {
    let dir = tempfile::tempdir().expect("a directory");
    let database = format!("sqlite://{}/broker.db", dir.path().display());
    let broker = || {
        let program = Program::new().args(["broker", "--listen", "127.0.0.1:0", "--database", &database]);
        let mut running = program.args(["--writer", "bearer:w", "--reader", "basic:ada:reads"]).start();
        let address = running.said("address", |line| address(line.split_once("http://")?.1));
        (running, format!("http://{address}/environments"))
    };
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let (running, url) = broker();
    let production = json!({ "name": "production", "production": true });
    let make = |url: &str| client.post(url).json(&production);
    assert_eq!(make(&url).send().expect("an answer").status(), 401);
    assert_eq!(make(&url).basic_auth("ada", Some("reads")).send().expect("an answer").status(), 403);
    assert_eq!(make(&url).bearer_auth("w").send().expect("an answer").status(), 201);
    stops(running);
    let (running, url) = broker();
    let kept = client.get(&url).basic_auth("ada", Some("reads")).send().expect("an answer");
    let kept: Value = kept.json().expect("JSON");
    assert_eq!(kept["_embedded"]["environments"][0]["name"], "production");
    stops(running);
}

#[test]
fn gate_says_no_with_the_reason_until_all_is_known() {
    let dir = tempfile::tempdir().expect("a directory");
    let database = format!("sqlite://{}/broker.db", dir.path().display());
    let pacts = dir.path().join("pacts");
    fs::create_dir(&pacts).expect("made");
    let pact = json!({
        "consumer": { "name": "web" }, "provider": { "name": "shop" },
        "interactions": [{ "description": "the order", "request": { "method": "GET", "path": "/" }, "response": { "status": 200 } }],
        "metadata": { "pactSpecification": { "version": "3.0.0" } },
    });
    fs::write(pacts.join("web-shop.json"), pact.to_string()).expect("written");
    let run = |words: &[&str]| {
        let program = words.iter().fold(Program::new().args(["contract"]), |program, word| program.arg(word));
        program.args(["--broker", &database]).run()
    };
    let place =
        |command: &'static str, name: &'static str| [command, "--pacticipant", name, "--version", "1", "--to", "live"];
    let pacts = pacts.to_str().expect("text");
    let published = run(&["publish", pacts, "--version", "1", "--branch", "main"]);
    assert_eq!(published.expect_code(0).stdout, "web (1) with shop: new\n");
    run(&place("can-i-deploy", "web")).expect_code(1).expect_said(&["no environment is called `live`"]);
    let mut first = place("record-deployment", "web").to_vec();
    first.push("--create-environment");
    run(&first).expect_code(0);
    let no = run(&place("can-i-deploy", "web"));
    let reason = "no, not all is known\n  web (1) needs shop, of which there is no version currently in `live`\n";
    assert_eq!(no.expect_code(1).stdout, reason);
    run(&place("can-i-deploy", "shop")).expect_code(1);
    let mut ignoring = place("can-i-deploy", "web").to_vec();
    ignoring.extend(["--ignore", "shop", "--format", "json"]);
    let yes: Value = serde_json::from_str(&run(&ignoring).expect_code(0).stdout).expect("JSON");
    assert_eq!((&yes["deployable"], &yes["decision"]), (&json!(true), &json!("yes")));
    fs::write(dir.path().join("pacts/broken.json"), "{").expect("written");
    run(&["publish", pacts, "--version", "2"]).expect_code(1).expect_said(&["nothing was published", "broken.json"]);
}

#[test]
fn contract_broker_for_other_machines_wants_to_know_who_may_write() {
    let open = Program::new().args(["broker", "--listen", "0.0.0.0:0", "--database", "sqlite://never-made.db"]).run();
    open.expect_code(2).expect_no_result().expect_said(&["can be reached from other machines", "--writer"]);
    let odd = Program::new().args(["broker", "--listen", "127.0.0.1:0", "--writer", "secret"]).run();
    odd.expect_code(2).expect_said(&["neither `basic:USER:PASSWORD` nor `bearer:TOKEN`"]);
    assert!(!odd.stderr.contains("secret"), "{}", odd.stderr);
}

/// Asks a program politely to end, and expects that it does, well.
#[track_caller]
fn stops(running: Running) {
    running.signal(Signal::SIGTERM);
    running.end().expect_code(0);
}

/// The address with which a text begins; one with port 0 is nobody's.
fn address(text: &str) -> Option<SocketAddr> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(text.len());
    let address: SocketAddr = text[..end].trim_end_matches([':', '.']).parse().ok()?;
    assert_ne!(address.port(), 0, "nobody can connect to {text}");
    Some(address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect_timeout(&address, ANSWER).expect("a connection");
    connection.set_read_timeout(Some(ANSWER)).expect("a limit");
    connection
}
