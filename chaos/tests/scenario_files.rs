//! Scenario files: the shipped ones are valid, and every mistake in a broken one is reported with its place.

use chaos::Targets;
use chaos::scenario::{Known, Plan, Profile, ScenarioFile};
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

/// What the shipped scenarios speak of.
fn marketplace() -> Known {
    let services = "gateway auth users gig chat order review notification payments-sim broker";
    let links = "auth users gig chat order review notification";
    let journeys = "place_order fulfilled regretted prolonged haggle stall browse newcomer purchase";
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    Known {
        targets: Targets {
            services: words(services),
            links: words(links).iter().map(|from| format!("{from}->broker")).collect(),
            duplicates: true,
        },
        journeys: words(journeys),
        invariants: Vec::new(),
    }
}

fn plan(text: &str, seed: u64) -> Plan {
    let file = ScenarioFile::parse("x.yaml", text).unwrap();
    file.plan(Profile::Full, seed, &known()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is injected when, in milliseconds, and on what.
fn timetable(plan: &Plan) -> Vec<(u128, u128, String)> {
    let faults = plan.faults.iter();
    faults.map(|one| (one.at.as_millis(), one.until.as_millis(), one.fault.target().to_owned())).collect()
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
            let plan = file.plan(profile, 42, &marketplace()).unwrap_or_else(|problems| panic!("{problems}"));
            // A run of its own, which nobody waits for.
            if file.name() == "randomised" {
                continue;
            }
            assert!(plan.loads[0].duration() <= Duration::from_secs(45));
            if profile == Profile::Quick {
                quick += plan.loads[0].duration();
            }
            file.under("real").plan(profile, 42, &known()).unwrap_or_else(|problems| panic!("{problems}"));
        }
        count += 1;
    }
    assert_eq!(count, 5);
    assert!(quick <= Duration::from_secs(30), "{quick:?}");
}

#[test]
fn every_mistake_is_reported_with_its_place_and_the_nearest_name() {
    let text = r#"scenario: broken
titel: A question
load:
  buy: { arrivals: poison, rate: 20, journey: place_ordr, max_inflight: 0 }
phases: { baseline: 10, inject: 5s, recover: 5s, cooldown: 1s }
steady_state: ["buy.ok >= 99", "sell.p99 < 1s", 7, "lag.p99 < 1s within 5s"]
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
    insta::assert_snapshot!(problems(text), @r"
    x.yaml:2:1: unknown key `titel` in the scenario
      did you mean `title`?
    x.yaml:4:20: `arrivals` is `poison`, expected `poisson` or `constant`
    x.yaml:4:34: `rate`: `20` is not a rate with a unit of time, such as `40/s` or `90/m`
    x.yaml:4:47: there is no journey `place_ordr`
      did you mean `place_order`?
    x.yaml:4:73: `max_inflight` is `0`, expected a whole number of 1 or more
    x.yaml:5:21: `baseline`: `10` is not a duration with a unit, such as `250ms` or `10s`
    x.yaml:5:50: unknown key `cooldown` in `phases`
      known: `warmup`, `baseline`, `inject`, `recover`, `drain`
    x.yaml:6:16: `99` at character 11 of `buy.ok >= 99`, expected a percentage such as `99.5%`
    x.yaml:6:32: there is no load `sell` in this scenario
    x.yaml:6:49: `steady_state` has `7`, expected a threshold such as `buy.p99 < 400ms`
    x.yaml:6:52: `lag.p99 < 1s within 5s` in `steady_state`: the scenario decides on the time, so `in` has no place here and `within` only in `recover`
    x.yaml:7:9: `during` is `perhaps`, expected `hold` or `may_degrade`
    x.yaml:9:46: there is no service `ordr`
      did you mean `order`?
    x.yaml:10:14: there is no fault `latncy`
      did you mean `latency`?
    x.yaml:11:5: fault `latency` needs `delay`
    x.yaml:11:29: there is no link `order->brokr`
      did you mean `order->broker`?
    x.yaml:11:43: fault `latency` has no setting `dealy`
      did you mean `delay`?
    x.yaml:12:40: `p` is `1.5`, expected a number from 0 to 1
    x.yaml:13:5: fault 5 is `kill`, expected a map
    x.yaml:14:14: there is no invariant `no_lost_orders`
      did you mean `no_lost_order`?
    x.yaml:16:3: unknown key `seed` in `quick`
      known: `load`, `phases`, `steady_state`, `during`, `inject`, `recover`, `invariants`, `abort`
    ");
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
    insta::assert_snapshot!(ScenarioFile::parse("x.yaml", "").unwrap_err().to_string(), @r"x.yaml:1:1: the scenario is nothing, expected a map");
    insta::assert_snapshot!(ScenarioFile::parse("x.yaml", "- a\n- b\n").unwrap_err().to_string(), @r"x.yaml:1:1: the scenario is a list, expected a map");
    insta::assert_snapshot!(problems("scenario: nothing_else\n"), @r#"
    x.yaml:1:1: the scenario has no `phases`
    x.yaml:1:1: the scenario has no `load`
    x.yaml:1:1: the scenario has no `steady_state`, so nothing could be judged
      for example `steady_state: ["buy.ok >= 99%", "buy.p99 < 400ms"]`
    x.yaml:1:1: the scenario has no `inject`, so nothing would be broken
    "#);
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

#[test]
fn profile_replaces_what_it_names_also_in_the_quick_form() {
    let text = r#"
scenario: shapes
load: { buy: { rate: 5/s, journey: place_order } }
phases: { warmup: 1s, baseline: 2s, inject: 3s, recover: 4s }
steady_state: ["buy.ok >= 99%"]
inject: [{ at: 1s, fault: pause, service: users }]
quick: { phases: { inject: 2s } }
profiles:
  slow: { phases: { recover: 9s }, quick: { phases: { inject: 8s } } }
"#;
    let file = ScenarioFile::parse("x.yaml", text).unwrap();
    let seconds = |file: &ScenarioFile, profile| {
        let phases = file.plan(profile, 1, &known()).unwrap_or_else(|problems| panic!("{problems}")).phases;
        (phases.inject.as_secs(), phases.recover.as_secs())
    };
    assert_eq!((seconds(&file, Profile::Full), seconds(&file, Profile::Quick)), ((3, 4), (2, 4)));
    let slow = file.under("slow");
    assert_eq!((seconds(&slow, Profile::Full), seconds(&slow, Profile::Quick)), ((3, 9), (8, 9)));
    assert_eq!(seconds(&file.under("unheard of"), Profile::Quick), (2, 4));
    insta::assert_snapshot!(problems(&text.replace("recover: 9s }, quick", "recover: 9s }, quik")), @r"
    x.yaml:9:36: unknown key `quik` in profile `slow`
      did you mean `quick`?
    ");
}

const REPEATED: &str = r#"
scenario: again
title: A question
load: { buy: { rate: 5/s, journey: place_order } }
phases: { baseline: 2s, inject: 120s, recover: 4s }
steady_state: "buy.ok >= 99%"
inject:
  - { fault: kill, service: [order, users, broker], every: 5s, for: 1s }
  - { at: 60s, fault: latency, link: users->broker, delay: 10ms, every: 10s, for: 2s }
"#;

#[test]
fn repeated_fault_becomes_plain_ones_on_each_of_its_targets() {
    let plan = plan(REPEATED, 1);
    let all = timetable(&plan);
    let kills: Vec<_> = all.iter().filter(|(.., target)| target != "users->broker").collect();
    assert!((12..=40).contains(&kills.len()), "one every 5 s for 120 s, got {}", kills.len());
    for service in ["order", "users", "broker"] {
        let of: Vec<_> = kills.iter().filter(|(.., target)| target == service).collect();
        assert!(!of.is_empty(), "{service} is never hit");
        assert!(of.windows(2).all(|pair| pair[0].1 < pair[1].0), "{service} is hit while it is down: {of:?}");
    }
    let slow: Vec<_> = all.iter().filter(|(.., target)| target == "users->broker").collect();
    assert!(!slow.is_empty());
    assert!(slow.iter().all(|(at, until, _)| *at >= 60_000 && until - at == 2_000 && *until <= 120_000), "{slow:?}");
}

#[test]
fn repeated_fault_follows_from_its_seed_whatever_the_load_is() {
    assert_eq!(timetable(&plan(REPEATED, 1)), timetable(&plan(REPEATED, 1)));
    assert_ne!(timetable(&plan(REPEATED, 1)), timetable(&plan(REPEATED, 2)));
    let other_load = REPEATED.replace("rate: 5/s", "rate: 50/s, actors: 3");
    assert_eq!(timetable(&plan(REPEATED, 1)), timetable(&plan(&other_load, 1)));
    let kills = |plan: &Plan| timetable(plan).into_iter().filter(|one| !one.2.contains('>')).collect::<Vec<_>>();
    let other_link = REPEATED.replace("every: 10s", "every: 3s");
    assert_eq!(kills(&plan(REPEATED, 1)), kills(&plan(&other_link, 1)));
}

#[test]
fn mistakes_of_repeated_faults_are_reported_with_their_place() {
    let text = r#"scenario: again
title: A question
load: { buy: { rate: 5/s, journey: place_order, actors: 20000 } }
phases: { baseline: 2s, inject: 20s, recover: 4s }
steady_state: "buy.ok >= 99%"
telemetry: perhaps
inject:
  - { fault: kill, service: [order, users] }
  - { fault: kill, service: [order, ordr, order], every: 5s }
  - { fault: kill, service: [], every: 5, for: 1s }
  - { fault: kill, service: order, every: 1ms, for: 1s }
  - { at: 15s, fault: kill, service: order, every: 5s, for: 6s }
  - { fault: kill, service: [[order]], every: 5s, for: 1s }
  - { fault: kill, every: 5s, for: 1s }
"#;
    insta::assert_snapshot!(problems(text), @r"
    x.yaml:3:57: `actors` is `20000`, expected at most 10000
    x.yaml:6:12: `telemetry` is `perhaps`, expected `true` or `false`
    x.yaml:8:29: `service` is a list, expected a single value
      add `every: 10s` to aim at one of them at a time, or write an entry for each
    x.yaml:9:5: fault `kill` has `every` but no `for`
      say how long each of them lasts, for example `for: 2s`
    x.yaml:9:37: there is no service `ordr`
      did you mean `order`?
    x.yaml:9:43: `order` is named twice in `service`
    x.yaml:10:5: fault `kill` needs `service`
    x.yaml:10:29: `service` is an empty list, expected at least one name
    x.yaml:10:40: `every`: `5` is not a duration with a unit, such as `250ms` or `10s`
    x.yaml:11:43: `every` is `1ms`, expected at least 100ms
    x.yaml:12:5: fault `kill` lasts 6s from 15s on, but the inject phase ends at 20s
      shorten `for`, or begin earlier
    x.yaml:13:5: fault `kill` needs `service`
    x.yaml:13:30: `service` has a list, expected names
    x.yaml:14:5: fault `kill` needs `service`
    ");
}
