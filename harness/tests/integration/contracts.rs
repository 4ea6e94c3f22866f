//! `contract verify` on the toy system: as it is, broken, hanging, dying, forgetful. And contracts on the wire of a run.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::leftovers;
use crate::program::{Ended, Program};
use crate::toy::Copy;

/// Verification of a changed toy with more options, and its result.
fn verified<const N: usize>(toy: &Copy, options: [&str; N]) -> (Ended, Value) {
    let ended = Program::new()
        .config(&toy.config())
        .args(["--format", "json", "contract", "verify", "--no-build"])
        .args(options)
        .run();
    let summary = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    if !summary.is_null() {
        leftovers::expect_none(&ended.run_id());
    }
    (ended, summary)
}

fn interaction<'s>(summary: &'s Value, description: &str) -> &'s Value {
    let all =
        summary["contracts"]["interactions"].as_array().unwrap_or_else(|| panic!("no interactions in {summary:#}"));
    let found = all.iter().find(|one| one["interaction"] == description);
    found.unwrap_or_else(|| panic!("no `{description}` in {summary:#}"))
}

fn texts(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn broken_contract_shows_the_log_and_the_trace_of_its_replay() {
    let toy = Copy::new();
    toy.change("counter.py", r#"(200, {"id": visit, "name": name})"#, r#"(200, {"id": visit, "nickname": name})"#);
    let (ended, summary) = verified(&toy, []);
    ended.expect_code(1);
    let contracts = &summary["contracts"];
    assert_eq!(
        (&contracts["expected"], &contracts["verified"], &contracts["partial"]),
        (&2.into(), &1.into(), &false.into())
    );
    assert!(contracts["wall_s"].as_f64().is_some_and(|seconds| seconds > 0.0), "{summary:#}");
    let broken = interaction(&summary, "a request for a visit");
    let path = "$.name: expected a value like \"Ada\", but the field is missing (the answer has `nickname` instead)";
    assert_eq!((texts(&broken["mismatches"]).as_str(), &broken["states"]), (path, &json!(["a visit exists"])));
    assert_eq!(texts(&broken["logs"]), "info counter: GET /visits/{id} status=200 target=counter");
    let held = interaction(&summary, "a new visit");
    assert_eq!((&held["verdict"], &held["logs"], &held["mismatches"]), (&"pass".into(), &json!([]), &json!([])));

    let cases = fs::read_to_string(ended.run_dir().join("junit.xml")).expect("junit.xml");
    let (_, case) = cases.split_once("front -&gt; counter: a request for a visit").expect("a case");
    let (case, _) = case.split_once("</testcase>").expect("its end");
    for text in ["$.name: expected", "log of the replay:", "info counter: GET /visits/{id}"] {
        assert!(case.contains(text), "`{text}` in {case}");
    }
    let run: Value =
        serde_json::from_str(&fs::read_to_string(ended.run_dir().join("run.json")).expect("run.json")).expect("JSON");
    let evidence = run["contracts"]["interactions"]
        .as_array()
        .expect("interactions")
        .iter()
        .find(|one| !one["evidence"].is_null());
    let spans = &evidence.expect("evidence")["evidence"]["waterfall"];
    assert_eq!((&spans[0]["service"], &spans[0]["trace_id"]), (&"counter".into(), &broken["trace_id"]), "{run:#}");
    let again = Program::new().args(["report"]).arg(ended.run_dir()).run();
    again.expect_code(1);
    assert!(again.stdout.contains("log of `counter` for front, a request for a visit (trace "), "{}", again.stdout);
}

#[test]
fn filter_that_matches_nothing_is_a_mistake_and_one_that_matches_gives_a_part() {
    let toy = Copy::new();
    let (ended, _) = verified(&toy, ["--consumer", "nobody"]);
    ended.expect_code(2).expect_no_result();
    ended.expect_said(&["no interaction matches `--consumer nobody`", "there are pacts of `front` -> `counter`"]);
    let (ended, _) = verified(&toy, ["--description", "a new visit", "--provider", "front"]);
    ended.expect_code(2).expect_said(&["`--provider front` `--description a new visit`"]);
    let (ended, summary) =
        verified(&toy, ["--description", "a new visit", "--consumer", "front", "--provider", "counter"]);
    ended.expect_code(0);
    let contracts = &summary["contracts"];
    assert_eq!(
        (&contracts["expected"], &contracts["verified"], &contracts["partial"]),
        (&1.into(), &1.into(), &true.into())
    );
}

#[test]
fn hanging_provider_is_named_within_its_time_and_nothing_else_is_skipped() {
    let toy = Copy::new();
    toy.change(
        "counter.py",
        "    def read(self, visit):\n",
        "    def read(self, visit):\n        threading.Event().wait()\n",
    );
    let begun = Instant::now();
    let (ended, summary) = verified(&toy, []);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    ended.expect_code(1);
    assert_eq!(summary["contracts"]["verified"], 1, "{summary:#}");
    let hanging = interaction(&summary, "a request for a visit");
    assert_eq!(texts(&hanging["mismatches"]), "provider `counter` did not answer `GET /visits/visit-1` within 5s");
}

#[test]
fn provider_that_dies_is_named_and_what_it_can_no_longer_answer_is_told() {
    let toy = Copy::new();
    toy.change("counter.py", "    def record(self, body):\n", "    def record(self, body):\n        os._exit(3)\n");
    let (ended, summary) = verified(&toy, []);
    ended.expect_code(1);
    let contracts = &summary["contracts"];
    assert_eq!((&contracts["expected"], &contracts["verified"]), (&2.into(), &0.into()));
    let died = texts(&interaction(&summary, "a new visit")["mismatches"]);
    assert!(died.starts_with("provider `counter` broke the connection during `POST /visits`"), "{died}");
    let gone = texts(&interaction(&summary, "a request for a visit")["mismatches"]);
    assert!(gone.contains("provider `counter` cannot be reached at"), "{gone}");
    let cases = fs::read_to_string(ended.run_dir().join("junit.xml")).expect("junit.xml");
    assert!(cases.contains("`counter` died unasked (exit status: 3)"), "{cases}");
}

#[test]
fn state_that_leaks_into_another_interaction_is_found_by_shuffling_and_its_source_named() {
    let toy = Copy::new();
    toy.change(
        "counter.py",
        "        visits.store(visit, name)\n        return 201",
        "        visits.leak = True\n        visits.store(visit, name)\n        return 201",
    );
    let forgetful = "        if visits.__dict__.pop(\"leak\", False):\n            return 404, {\"message\": \"not now\"}\n        name = visits.find(visit)\n";
    toy.change("counter.py", "        name = visits.find(visit)\n", forgetful);
    let (ended, summary) = verified(&toy, ["--shuffle", "--repeat", "3", "--seed", "7"]);
    ended.expect_code(1).expect_said(&["3 times each, in an order by seed 7"]);
    let flaky = &interaction(&summary, "a request for a visit")["flaky"];
    assert_eq!(flaky["after"], "`a new visit` of `front`", "{summary:#}");
    assert!(flaky["seeds"].as_array().is_some_and(|seeds| !seeds.is_empty()), "{summary:#}");
    assert!(
        summary["replay"].as_str().is_some_and(|replay| replay.ends_with("--shuffle --repeat 3 --seed 7")),
        "{summary:#}"
    );
    assert_eq!(interaction(&summary, "a new visit")["verdict"], "pass");
    // A seed that nobody gave is printed, so that its order can be had again.
    let (ended, summary) = verified(&toy, ["--shuffle"]);
    let seed = summary["seed"].as_u64().expect("a seed");
    ended.expect_said(&[&format!("in an order by seed {seed}")]);
}

#[test]
fn contract_that_is_broken_on_the_wire_alone_fails_the_run() {
    let toy = Copy::new();
    // What a contract test is shown differs from what everybody else gets.
    let changed = r#"(200, {"id": visit, "name": name, "seen": "often" if HOOKS else 3, "more": 1})"#;
    toy.change("counter.py", r#"(200, {"id": visit, "name": name})"#, changed);
    toy.change("shakedown.toml", "[journeys]\n", "[contracts.providers.front]\n\n[journeys]\n");
    let visit = json!({ "content": { "id": "visit-1", "name": "Ada", "seen": "often" }, "contentType": "application/json", "encoded": false });
    let pact = json!({
        "consumer": { "name": "browser" },
        "provider": { "name": "front" },
        "interactions": [{
            "type": "Synchronous/HTTP",
            "description": "a new visit through the front door",
            "request": {
                "method": "POST",
                "path": "/visits",
                "headers": { "content-type": ["application/json"] },
                "body": { "content": { "id": "visit-1", "name": "Ada" }, "contentType": "application/json", "encoded": false },
            },
            "response": { "status": 201 },
        }, {
            "type": "Synchronous/HTTP",
            "description": "a visit through the front door",
            "pending": true,
            "request": { "method": "GET", "path": "/visits/visit-1" },
            "response": { "status": 200, "body": visit },
        }],
        "metadata": { "pactSpecification": { "version": "4.0" } },
    });
    let run = |toy: &Copy| {
        let words = ["--format", "json", "run", "--quick", "--no-build", "--skip", "load", "--skip", "chaos"];
        let ended = Program::new().config(&toy.config()).args(words).run();
        let summary: Value = serde_json::from_str(&ended.stdout).expect("the summary");
        (ended, summary)
    };
    toy.write("pacts/browser-front.json", &pact.to_string());
    let (ended, summary) = run(&toy);
    ended.expect_code(0);
    let drift = &summary["drift"];
    assert_eq!(
        (&drift["verdict"], &drift["responses"]),
        (&"pass".into(), &json!({ "seen": 2, "checked": 1 })),
        "{summary:#}"
    );
    assert_eq!(drift["calls"], json!({ "seen": 2, "checked": 2 }), "{summary:#}");
    assert_eq!(
        drift["without_contract"][0]["name"], "front GET /visits/{}",
        "what is pending is no contract yet: {drift:#}"
    );

    let mut promised = pact;
    // The replay has no visit to find: what it asks for is answered by the contract test's own counter.
    promised["interactions"][1]["pending"] = false.into();
    promised["interactions"][1]["response"]["status"] = 200.into();
    toy.write("pacts/browser-front.json", &promised.to_string());
    toy.change(
        "counter.py",
        "        name = visits.find(visit)\n",
        "        name = \"Ada\" if HOOKS else visits.find(visit)\n",
    );
    let (ended, summary) = run(&toy);
    ended.expect_code(1);
    let (contracts, drift) = (&summary["contracts"], &summary["drift"]);
    assert_eq!((&contracts["expected"], &contracts["verified"]), (&4.into(), &4.into()), "{summary:#}");
    let sentence = "`front` breaks its contract with `browser` on the wire: `GET /visits/{}`, 1 times, first $.seen: ";
    assert!(contracts["error"].as_str().is_some_and(|error| error.starts_with(sentence)), "{contracts:#}");
    assert_eq!((&contracts["verdict"], &drift["verdict"]), (&"fail".into(), &"fail".into()));
    assert_eq!(drift["unknown_fields"], json!([{ "name": "GET /visits/{}", "fields": ["$.more"], "more": 0 }]));
    let report = fs::read_to_string(ended.run_dir().join("report.html")).expect("report.html");
    assert!(report.contains("on the wire"), "the report says where it broke");
    leftovers::expect_none(&ended.run_id());
}
