//! `contract verify` with the contract broker: what it takes from there, and what it tells.

use std::path::Path;

use serde_json::Value;

use crate::program::{Ended, Program};
use crate::toy;

/// The toy system with a broker's database of its own.
struct Brokered {
    toy: toy::Copy,
    database: String,
}

impl Brokered {
    fn new() -> Self {
        let toy = toy::Copy::new();
        let database = format!("sqlite://{}", toy.path("broker.db").display());
        Self { toy, database }
    }

    fn run(&self, words: &[&str]) -> Ended {
        let program = Program::new().config(&self.toy.config()).args(["--format", "json", "contract"]);
        words.iter().fold(program, |program, word| program.arg(word)).args(["--broker", &self.database]).run()
    }

    fn verify(&self, words: &[&str]) -> Ended {
        let mut all = vec!["verify", "--no-build"];
        all.extend(words);
        self.run(&all)
    }

    fn publish(&self, version: &str) {
        self.run(&["publish", "--version", version, "--branch", "main"]).expect_code(0);
    }

    fn may_go(&self, name: &str, version: &str) -> Value {
        let ended = self.run(&["can-i-deploy", "--pacticipant", name, "--version", version, "--to", "live"]);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr))
    }

    fn deploy(&self, name: &str, version: &str) {
        let words = ["--pacticipant", name, "--version", version, "--to", "live", "--create-environment"];
        self.run(&[&["record-deployment"], &words[..]].concat()).expect_code(0);
    }
}

fn started_nothing(ended: &Ended) {
    assert!(!Path::new(ended.dir()).join("target").exists(), "a run was begun");
}

#[test]
fn result_without_a_version_or_a_published_pact_is_refused_before_anything_starts() {
    let broker = Brokered::new();
    let versionless = broker.verify(&["--publish"]);
    versionless.expect_code(2).expect_no_result().expect_said(&["--provider-version"]);
    started_nothing(&versionless);
    let blank = broker.verify(&["--publish", "--provider-version", " "]);
    blank.expect_code(2).expect_said(&["`--publish` without a version"]);
    started_nothing(&blank);
    let odd = broker.verify(&["--from-broker", r#"{"mainBrunch": true}"#]);
    odd.expect_code(2).expect_said(&["is no consumer version selector"]);
    started_nothing(&odd);
    let unpublished = broker.verify(&["--publish", "--provider-version", "9"]);
    unpublished.expect_code(2).expect_said(&["nobody has published", "front-counter.json", "contract publish"]);
    assert!(!unpublished.run_dir().join("logs/counter.jsonl").exists(), "the provider was started");
}

#[test]
fn what_was_verified_is_published_and_lets_the_consumer_go() {
    let broker = Brokered::new();
    broker.publish("1");
    let verified = broker.verify(&["--publish", "--provider-version", "9", "--branch", "main"]);
    verified.expect_code(0).expect_said(&["published: counter (9) honours the pact of front"]);
    broker.deploy("counter", "9");
    assert_eq!(broker.may_go("front", "1")["decision"], "yes");
    assert_eq!(broker.may_go("front", "1")["matrix"][0]["success"], true);
    // Verified from the broker, it is the same pact.
    let again = broker.verify(&["--from-broker", "--publish", "--provider-version", "10", "--branch", "main"]);
    let summary: Value = serde_json::from_str(&again.expect_code(0).stdout).expect("JSON");
    assert_eq!((&summary["contracts"]["expected"], &summary["contracts"]["verified"]), (&2.into(), &2.into()));
}

#[test]
fn broken_provider_is_published_as_one_and_keeps_the_consumer_out() {
    let broker = Brokered::new();
    broker.publish("1");
    broker.verify(&["--publish", "--provider-version", "9", "--branch", "main"]).expect_code(0);
    broker.toy.change("counter.py", "return 201, {\"id\"", "return 200, {\"id\"");
    let broken = broker.verify(&["--from-broker", "--publish", "--provider-version", "10", "--branch", "main"]);
    broken.expect_code(1).expect_said(&["published: counter (10) does not honour the pact of front"]);
    broker.deploy("counter", "10");
    let no = broker.may_go("front", "1");
    let reason = no["reasons"][0].as_str().expect("a sentence");
    assert!(reason.starts_with("counter (10) does not honour the pact of front (1): `a new visit`"), "{reason}");
}

#[test]
fn pending_pact_fails_nobody_but_is_published_as_failed() {
    let broker = Brokered::new();
    broker.publish("1");
    broker.verify(&["--publish", "--provider-version", "9", "--branch", "main"]).expect_code(0);
    broker.toy.change("pacts/front-counter.json", "\"status\": 201", "\"status\": 202");
    broker.publish("2");
    let selected = r#"{"consumer": "front", "latest": true}"#;
    let pending =
        broker.verify(&["--from-broker", selected, "--publish", "--provider-version", "10", "--branch", "main"]);
    let sentence =
        "the pact of `front` with `counter` is pending and does not hold yet (a new visit), which fails nobody";
    pending.expect_code(0).expect_said(&[sentence, "published: counter (10) does not honour the pact of front"]);
    // Of a provider without a branch nothing is known to be new, so all of it has to hold.
    broker.verify(&["--from-broker", selected]).expect_code(1);
    broker.deploy("counter", "10");
    let no = broker.may_go("front", "2");
    let reason = no["reasons"][0].as_str().expect("a sentence");
    assert!(reason.starts_with("counter (10) does not honour the pact of front (2): `a new visit`"), "{reason}");
}

#[test]
fn work_in_progress_on_other_branches_is_verified_when_asked_for_and_fails_nobody() {
    let broker = Brokered::new();
    broker.publish("1");
    let replayed = |words: &[&str]| {
        let ended = broker.verify(&[&["--from-broker", "--branch", "main"], words].concat());
        let summary: Value = serde_json::from_str(&ended.expect_code(0).stdout).expect("JSON");
        summary["contracts"]["interactions"].as_array().expect("a list").len()
    };
    let alone = replayed(&[]);
    broker.toy.change("pacts/front-counter.json", "\"status\": 201", "\"status\": 203");
    broker.run(&["publish", "--version", "2", "--branch", "feature"]).expect_code(0);
    assert_eq!(replayed(&[]), alone);
    assert_eq!(replayed(&["--include-wip-since", "2020-01-01T00:00:00Z"]), 2 * alone);
    let later = replayed(&["--include-wip-since", "2120-01-01T00:00:00Z"]);
    assert_eq!(later, alone);
}

#[test]
fn pipeline_says_the_same_to_a_broker_at_an_address() {
    let toy = toy::Copy::new();
    let database = format!("sqlite://{}", toy.path("broker.db").display());
    let serving = Program::new().args(["broker", "--listen", "127.0.0.1:0", "--database", &database]);
    let mut serving = serving.args(["--writer", "bearer:w", "--reader", "bearer:r"]).start();
    let address =
        serving.said("address", |line| Some(line.split_once("http://")?.1.split_whitespace().next()?.to_owned()));
    let address = format!("http://{address}");
    let run = |token: &str, words: &[&str]| {
        let program = Program::new().config(&toy.config()).args(["--format", "json", "contract"]);
        let program = program.env("PACT_BROKER_BASE_URL", &address).env("PACT_BROKER_TOKEN", token);
        words.iter().fold(program, |program, word| program.arg(word)).run()
    };
    let publish = ["publish", "--version", "1", "--branch", "main"];
    run("", &publish).expect_code(1).expect_no_result().expect_said(&["were not published", "--broker-token"]);
    run("r", &publish).expect_code(1).expect_no_result().expect_said(&["somebody who may do this"]);
    run("w", &publish).expect_code(0);
    let verify = ["verify", "--no-build", "--from-broker", "--publish", "--provider-version", "9", "--branch", "main"];
    let verified = run("w", &verify);
    verified.expect_code(0).expect_said(&["published: counter (9) honours the pact of front"]);
    let unpublished = run("r", &verify);
    unpublished
        .expect_code(3)
        .expect_said(&["what was found of counter (9) is not published", "somebody who may do this"]);
    let place = ["--pacticipant", "counter", "--version", "9", "--to", "live"];
    run("w", &[&["record-deployment"], &place[..]].concat())
        .expect_code(1)
        .expect_said(&["was not recorded", "no environment is called `live`"]);
    run("w", &[&["record-deployment", "--create-environment"], &place[..]].concat()).expect_code(0);
    let asked = run("r", &["can-i-deploy", "--pacticipant", "front", "--version", "1", "--to", "live"]);
    let answer: Value = serde_json::from_str(&asked.expect_code(0).stdout).expect("JSON");
    assert_eq!((&answer["deployable"], &answer["matrix"][0]["success"]), (&true.into(), &true.into()));
    assert_eq!(answer["reasons"][0], "The one pact that is required is honoured");
}

#[test]
fn broker_that_answers_nonsense_publishes_nothing_and_lets_nobody_go() {
    let toy = toy::Copy::new();
    for (answer, expected) in [
        ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\nboom", "status 500, `boom`"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwelcome", "expected a HAL document of a contract broker"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "http://127.0.0.1:"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                answer_once(connection, answer);
            }
        });
        let place = ["--pacticipant", "front", "--version", "1", "--to", "live"];
        for words in [
            &["publish", "--version", "1"][..],
            &["verify", "--no-build", "--from-broker"],
            &["verify", "--no-build", "--publish", "--provider-version", "9"],
            &[&["can-i-deploy"], &place[..]].concat(),
            &[&["record-deployment"], &place[..]].concat(),
        ] {
            let program = Program::new().config(&toy.config()).args(["contract"]);
            let program = words.iter().fold(program, |program, word| program.arg(word));
            let ended = program.args(["--broker", &address]).run();
            ended.expect_code(1).expect_said(&[expected, &address]);
        }
    }
}

/// Reads a request as far as it has come, and answers.
fn answer_once(mut connection: std::net::TcpStream, answer: &str) {
    use std::io::{Read as _, Write as _};
    let _ = connection.read(&mut [0; 4096]);
    let _ = connection.write_all(answer.as_bytes());
}

#[test]
fn empty_name_asks_nothing_and_what_is_unknown_is_asked_for_again() {
    let broker = Brokered::new();
    let ask = |version: &str, more: &[&str]| {
        let words = ["can-i-deploy", "--pacticipant", "front", "--version", version, "--to-environment", "live"];
        broker.run(&[&words[..], more].concat())
    };
    ask(" ", &[]).expect_code(2).expect_no_result().expect_said(&["it is empty, expected a name"]);
    broker.publish("1");
    broker.verify(&["--publish", "--provider-version", "9"]).expect_code(0);
    broker.deploy("front", "1");
    let again = ask("1", &["--retry-while-unknown", "1", "--retry-interval", "1"]);
    again.expect_code(1).expect_said(&["not all is known yet, asking again in 1 s (1 left)"]);
    assert!(again.stdout.contains("\"decision\": \"unknown\""), "{}", again.stdout);
}

#[test]
fn credentials_of_the_broker_are_nobody_elses() {
    let dir = tempfile::tempdir().expect("a directory");
    let own = "command = [\"sh\", \"-c\", \"echo token=[$PACT_BROKER_TOKEN] at=[$PACT_BROKER_BASE_URL] database=[$BROKER_DATABASE]\"]";
    let text =
        format!("[system]\nname = \"moon\"\nentry = \"nosy\"\n[services.nosy]\n{own}\nready = {{ log = \"never\" }}\n");
    std::fs::write(dir.path().join("shakedown.toml"), text).expect("written");
    let program = Program::within(dir).args(["run"]).env("PACT_BROKER_TOKEN", "s3cret");
    let program = program.env("PACT_BROKER_BASE_URL", "postgres://me:s3cret@db/b");
    let ended = program.env("BROKER_DATABASE", "postgres://me:s3cret@db/b").run();
    ended.expect_code(1).expect_said(&["token=[] at=[] database=[]"]);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}
