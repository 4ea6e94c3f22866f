//! Scenario files: the shipped ones are valid, and every mistake in a broken one is reported with its place.

use chaos::Targets;
use chaos::scenario::{Known, Profile, ScenarioFile};
use std::path::Path;
use std::time::Duration;

fn known() -> Known {
    Known {
        targets: Targets {
            services: vec!["order".into(), "users".into(), "broker".into()],
            links: vec!["order->broker".into(), "users->broker".into()],
            duplicates: true,
        },
        journeys: vec!["place_order".into(), "purchase".into()],
        invariants: vec!["no_lost_order".into(), "one_capture".into()],
    }
}

fn problems(text: &str) -> String {
    match ScenarioFile::parse("x.yaml", text).and_then(|file| file.plan(Profile::Quick, 1, &known())) {
        Ok(plan) => panic!("expected problems, got {plan:?}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn shipped_scenarios_are_valid_in_both_profiles_and_quick_ones_are_quick() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut quick = Duration::ZERO;
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let file = ScenarioFile::read(&path).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), file.name(), "a file is named after its scenario");
        assert_ne!(file.title(), file.name());
        for profile in [Profile::Full, Profile::Quick] {
            let plan = file.plan(profile, 42, &known()).unwrap_or_else(|problems| panic!("{problems}"));
            assert!(plan.loads[0].duration() <= Duration::from_secs(45));
            if profile == Profile::Quick {
                quick += plan.loads[0].duration();
            }
        }
        count += 1;
    }
    assert_eq!(count, 4);
    assert!(quick <= Duration::from_secs(30), "{quick:?}");
}

#[test]
fn every_mistake_is_reported_with_its_place_and_the_nearest_name() {
    let text = r#"scenario: broken
titel: A question
load:
  buy: { arrivals: poison, rate: 20, journey: place_ordr, max_inflight: 0 }
phases: { baseline: 10, inject: 5s, recover: 5s, cooldown: 1s }
steady_state: ["buy.ok >= 99", "sell.p99 < 1s", 7]
during: perhaps
inject:
  - { at: 2s, for: 9s, fault: kill, service: ordr }
  - { fault: latncy, link: order->broker, delay: 10ms }
  - { fault: latency, link: order->brokr, dealy: 10ms }
  - { fault: duplicate, queue: "*", p: 1.5 }
  - kill
invariants: [no_lost_orders]
quick:
  seed: 3
"#;
    insta::assert_snapshot!(problems(text), @r"");
}

#[test]
fn text_that_is_no_yaml_is_reported_with_its_place() {
    let text = "scenario: a\nload: {buy: [\nphases: 1\n";
    let problems = ScenarioFile::parse("x.yaml", text).unwrap_err();
    assert!(problems.to_string().starts_with("x.yaml:"), "{problems}");
    assert!(problems.to_string().contains("not valid YAML"), "{problems}");
    assert!(problems.0[0].line >= 2, "{problems}");
}

#[test]
fn empty_and_foreign_files_are_reported() {
    insta::assert_snapshot!(ScenarioFile::parse("x.yaml", "").unwrap_err().to_string(), @r"");
    insta::assert_snapshot!(ScenarioFile::parse("x.yaml", "- a\n- b\n").unwrap_err().to_string(), @r"");
    insta::assert_snapshot!(problems("scenario: nothing_else\n"), @r"");
    let missing = ScenarioFile::read(Path::new("/nonexistent/x.yaml")).unwrap_err().to_string();
    assert!(missing.starts_with("/nonexistent/x.yaml: cannot be read: "), "{missing}");
}

#[test]
fn quick_replaces_what_it_names_and_leaves_the_rest() {
    let text = r#"
scenario: shapes
title: A question
seed: 7
load:
  buy: { rate: [5/s, 40/s over 10s], journey: place_order }
  browse: { arrivals: constant, rate: 3/s, journey: purchase, timeout: 2s, max_lag: 20ms }
phases: { warmup: 1s, baseline: 2s, inject: 3s, recover: 4s, drain: 5s }
steady_state: ["buy.ok >= 99% over 1s", "purchase.p99 < 1s", "lag.p99 < 50ms"]
inject: [{ at: 1s, fault: pause, service: users }]
invariants: no_lost_order
quick: { load: { buy: { rate: 2/s } }, phases: { inject: 2s } }
"#;
    let file = ScenarioFile::parse("x.yaml", text).unwrap();
    let full = file.plan(Profile::Full, 1, &known()).unwrap();
    let quick = file.plan(Profile::Quick, 1, &known()).unwrap();
    assert_eq!((full.seed, quick.seed), (7, 7), "a seed in the file is fixed");
    assert_eq!((full.loads[0].duration().as_secs(), quick.loads[0].duration().as_secs()), (10, 9));
    assert_eq!((full.loads[0].shape.rate(10.0), quick.loads[0].shape.rate(10.0)), (40.0, 2.0));
    assert_eq!(quick.loads[1].shape.rate(0.0), 3.0);
    assert_eq!((full.faults[0].until.as_secs(), quick.faults[0].until.as_secs()), (3, 2));
    assert_eq!(quick.invariants.as_deref(), Some(&["no_lost_order".to_owned()][..]));
    assert_eq!(quick.loads[1].timeout, Duration::from_secs(2));
}
