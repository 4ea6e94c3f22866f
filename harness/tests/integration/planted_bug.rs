//! A service that acknowledges what it never wrote. Its contracts hold and its journeys succeed; only a crash shows it,
//! to whoever compares what was acknowledged with what is there.

use serde_json::Value;

use crate::program::Program;
use crate::{leftovers, toy};

#[test]
fn forgotten_visit_is_found_and_named_by_the_invariant_alone() {
    let ended = {
        let _turn = toy::turn();
        let run = Program::new().config(&toy::config()).env("TOY_BUG", "forget");
        run.args(["--format", "json", "run", "--quick", "--no-build"]).run()
    };
    ended.expect_code(1);
    leftovers::expect_none(&ended.run_id());
    let summary: Value = serde_json::from_str(&ended.stdout).expect("the summary");
    for phase in ["contracts", "journeys", "telemetry"] {
        assert_eq!(summary[phase]["verdict"], "pass", "{phase} cannot see the bug: {summary:#}");
    }
    assert_eq!(summary["load"]["errors"], 0, "the load cannot see the bug: {summary:#}");
    assert_eq!((&summary["verdict"], &summary["chaos"][0]["verdict"]), (&"fail".into(), &"fail".into()));
    let invariant = &summary["chaos"][0]["invariants"][0];
    assert_eq!((&invariant["name"], &invariant["verdict"]), (&"no_lost_visit".into(), &"fail".into()));
    let witness = &invariant["witness"];
    assert_eq!((&witness["kind"], &witness["found"]), (&"lost".into(), &0.into()), "{summary:#}");
    let visit = witness["key"][0].as_str().unwrap_or_else(|| panic!("a visit in {witness}"));
    assert!(visit.ends_with('7'), "the bug forgets visits that end in 7, not {visit}");

    let operations = chaos::history::read(ended.run_dir().join("history.jsonl")).expect("history.jsonl");
    let mut operations = operations.map(|operation| operation.expect("an operation"));
    let acknowledged = operations.any(|one| {
        one.operation == "record visit" && one.outcome == chaos::Outcome::Ok && one.saved["visit_id"] == visit
    });
    assert!(acknowledged, "{visit} was never acknowledged");
    let report = std::fs::read_to_string(ended.run_dir().join("report.html")).expect("report.html");
    let sentence = format!("toy failed: no_lost_visit under counter-killed: visit <code>{visit}</code> is lost");
    assert!(report.contains(&sentence), "expected `{sentence}` in the report");
}
