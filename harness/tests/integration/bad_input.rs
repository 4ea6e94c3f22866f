//! Mistakes in what people write: refused before anything is started, with the place and what was expected.

use crate::program::{Ended, Program};
use crate::toy;

const TOML: &str = "shakedown.toml";
const SCENARIO: &str = "scenarios/counter-killed.yaml";
const JOURNEY: &str = "journeys/visit.yaml";

/// Runs a system that is described wrongly.
#[track_caller]
fn refused(system: &toy::Copy, arguments: &[&str]) -> Ended {
    let program = Program::new().config(&system.config());
    let ended = arguments.iter().fold(program, Program::arg).run();
    ended.expect_code(2).expect_no_result();
    assert!(!ended.dir().join("target").exists(), "a run was begun\n{}", ended.stderr);
    ended
}

/// Changes a file of the toy system, and expects a run to refuse it at the changed line with these words.
#[track_caller]
fn refuses(file: &str, from: &str, to: &str, words: &[&str]) {
    let system = toy::Copy::new();
    let line = system.change(file, from, to);
    let ended = refused(&system, &["run", "--quick", "--no-build"]);
    let place = format!("{}:{line}:", system.path(file).display());
    ended.expect_said(&[&place]).expect_said(words);
}

#[test]
fn malformed_configuration_is_refused_at_its_line() {
    refuses(TOML, "[defaults]", "[defaults", &["]"]);
}

#[test]
fn unknown_key_is_refused_with_the_nearest_one() {
    refuses(TOML, "entry = ", "entri = ", &["unknown key `entri` in `system`", "did you mean `entry`?"]);
}

#[test]
fn value_of_the_wrong_kind_is_refused_with_the_right_one() {
    refuses(
        TOML,
        r#"duration = "20s""#,
        "duration = 20",
        &["`load.duration` is `20`, expected a duration such as `250ms`"],
    );
}

#[test]
fn link_to_nobody_is_refused_with_the_nearest_peer() {
    refuses(TOML, "${link:counter}", "${link:conter}", &["${link:conter}", "did you mean `counter`?"]);
}

#[test]
fn all_mistakes_of_a_configuration_are_reported_together() {
    let system = toy::Copy::new();
    system.change(TOML, "name = \"toy\"", "nam = \"toy\"");
    system.change(TOML, "rate = \"40/s\"", "rate = \"fast\"");
    system.change(TOML, "empty = [\"in_work\"]", "empty = [\"at_work\"]");
    let ended = refused(&system, &["run"]);
    ended.expect_said(&[
        "unknown key `nam` in `system`",
        "`fast`",
        "unknown table `at_work`",
        "did you mean `in_work`?",
    ]);
}

#[test]
fn missing_configuration_is_named() {
    let ended = Program::new().args(["run"]).run();
    ended.expect_code(2).expect_no_result().expect_said(&["shakedown.toml: cannot be read", "shakedown init"]);
}

#[test]
fn malformed_scenario_is_refused_at_its_line() {
    refuses(SCENARIO, "phases: { warmup: 1s", "phases: } warmup: 1s", &["not valid YAML"]);
}

#[test]
fn unknown_fault_is_refused_with_the_nearest_one() {
    let from = "{ at: 0s, for: 2s, fault: kill, service: counter }";
    let to = "{ at: 0s, for: 2s, fault: kil, service: counter }";
    // The quick form replaces the faults, so the full one is asked for.
    let system = toy::Copy::new();
    let line = system.change(SCENARIO, from, to);
    let ended = refused(&system, &["run", "--no-build"]);
    let place = format!("{}:{line}:", system.path(SCENARIO).display());
    ended.expect_said(&[&place, "there is no fault `kil`", "did you mean `kill`?"]);
}

#[test]
fn unknown_key_of_a_scenario_is_refused_with_the_nearest_one() {
    refuses(SCENARIO, "steady_state:", "steady_sate:", &["unknown key `steady_sate`", "did you mean `steady_state`?"]);
}

#[test]
fn malformed_journey_is_refused_at_its_line() {
    refuses(JOURNEY, "    post: /visits", "    past: /visits", &["past", "post"]);
}

#[test]
fn variable_that_nobody_sets_is_refused_with_the_nearest_one() {
    let words = ["variable `visit_nr` is not set at this point", "did you mean `visit_id`?"];
    let system = toy::Copy::new();
    system.change(JOURNEY, "get: /visits/${visit_id}", "get: /visits/${visit_nr}");
    let text = std::fs::read_to_string(system.path(JOURNEY)).expect("the journey");
    let line = text.lines().position(|line| line.contains("name: read visit")).expect("the step") + 1;
    let ended = refused(&system, &["run", "--quick", "--no-build"]);
    // A step is found by its name.
    ended.expect_said(&[&format!("{}:{line}:", system.path(JOURNEY).display())]).expect_said(&words);
}

#[test]
fn unknown_journey_and_scenario_are_refused_with_those_that_there_are() {
    let system = toy::Copy::new();
    refused(&system, &["journey", "wisit"]).expect_said(&["there is no journey named `wisit`; expected `visit`"]);
    refused(&system, &["chaos", "nope"]).expect_said(&["there is no scenario named `nope`; expected `counter-killed`"]);
}

#[test]
fn unknown_flag_is_refused() {
    refused(&toy::Copy::new(), &["run", "--quik"]).expect_said(&["--quik", "--quick"]);
}

#[test]
fn unknown_profile_is_refused_with_those_there_are() {
    let system = toy::Copy::new();
    let whole = std::fs::read_to_string(system.path(TOML)).expect("the configuration");
    system.write(TOML, &format!("{whole}\n[profiles.slow.load]\nrate = \"1/s\"\n"));
    for command in ["run", "up", "journey", "load", "chaos"] {
        let ended = refused(&system, &[command, "--profile", "slwo"]);
        ended.expect_said(&["there is no profile `slwo`", "did you mean `slow`?"]);
    }
}

#[test]
fn backend_without_an_engine_says_what_would_do() {
    let system = toy::Copy::new();
    let whole = std::fs::read_to_string(system.path(TOML)).expect("the configuration");
    let backend = "kind = \"postgres\"\nimage = \"postgres:17\"\nurl_env = \"SHAKEDOWN_TEST_NOT_SET\"";
    system.write(TOML, &format!("{whole}\n[profiles.real.backends.db]\n{backend}\n"));
    let empty = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| {
        let program = Program::new().config(&system.config()).env("PATH", &empty.path().display().to_string());
        words.iter().fold(program.args(["--profile", "real"]), |program, word| program.args([word])).run()
    };
    let ended = run(&["load", "--no-build"]);
    ended.expect_code(1).expect_said(&["backend `db` needs a Docker engine", "`docker` cannot be started"]);
    let looked = run(&["doctor"]);
    looked.expect_code(1);
    let row = "MISSING engine for the container of backend db (postgres:17): `docker` cannot be started";
    assert!(looked.stdout.contains(row), "{}", looked.stdout);
}

#[test]
fn pact_that_cannot_be_obeyed_is_neither_verified_nor_published() {
    let system = toy::Copy::new();
    system.change("pacts/front-counter.json", r#"{ "match": "type" }"#, r#"{ "match": "tpye" }"#);
    let place = "front-counter.json` is not a usable pact: `interactions[0]` has, at \
                 `response.matchingRules.body['$.name'].matchers[0]`, the matcher `tpye`";
    let run = |arguments: &[&str]| {
        let program = Program::new().config(&system.config());
        arguments.iter().fold(program, Program::arg).run()
    };
    run(&["contract", "verify", "--no-build"]).expect_code(1).expect_said(&[place]);
    let publishing = ["contract", "publish", "--version", "1", "--broker", "sqlite://broker.db"];
    let ended = run(&publishing);
    ended.expect_code(1).expect_no_result().expect_said(&["nothing was published", place]);
    assert!(!ended.dir().join("broker.db").exists(), "a broker was opened");
}
