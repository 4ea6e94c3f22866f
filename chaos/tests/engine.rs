//! The engine against a simulated system, on simulated time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chaos::history::{self, Outcome};
use chaos::invariants::{InvariantResult, InvariantSpec, Table, judge};
use chaos::load::{Interval, Iteration, IterationResult, OperationRun, Pacing, Workload};
use chaos::scenario::{Known, Profile, ScenarioFile, ScenarioResult, Stage, run_scenario};
use chaos::{
    BoxFuture, Events, History, Judge, Link, System, SystemError, Targets, UndoJournal, UnmetCondition, Verdict,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// A system of one service, and how it misbehaves.
#[derive(Default)]
struct Simulated {
    down: AtomicBool,
    kills: AtomicU32,
    starts: AtomicU32,
    duplicates: AtomicU64,
    /// Kills do nothing.
    immortal: bool,
    /// Once down, it never comes back.
    broken: bool,
    /// It is still slow for this long after it came back.
    slow_after_start: Duration,
    back: Mutex<Option<Instant>>,
    /// Looking at its process while it is down panics.
    cursed: bool,
    /// It fails from the beginning.
    sick: bool,
    unmet: Vec<UnmetCondition>,
    orders: Mutex<Vec<(u64, &'static str)>>,
    /// It loses every order of this number and above.
    loses_from: Option<u64>,
}

impl Simulated {
    fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }
}

impl System for Simulated {
    fn targets(&self) -> Targets {
        Targets { services: vec!["order".into()], links: Vec::new(), duplicates: true }
    }

    fn pid(&self, _: &str) -> Option<u32> {
        assert!(!(self.cursed && self.is_down()), "planted panic");
        (!self.is_down()).then_some(100 + self.starts.load(Ordering::SeqCst))
    }

    fn address(&self, _: &str) -> Option<SocketAddr> {
        None
    }

    fn kill<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async {
            self.kills.fetch_add(1, Ordering::SeqCst);
            self.down.store(!self.immortal, Ordering::SeqCst);
            Ok(())
        })
    }

    fn start<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move {
            sleep(Duration::from_millis(300)).await;
            if self.broken {
                let reason = "not ready within 5 s".to_owned();
                return Err(SystemError::Failed { action: "start", target: service.to_owned(), reason });
            }
            self.starts.fetch_add(1, Ordering::SeqCst);
            self.down.store(false, Ordering::SeqCst);
            *self.back.lock().unwrap() = Some(Instant::now());
            Ok(())
        })
    }

    fn stop<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        self.kill(service)
    }

    fn pause<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move { Err(SystemError::Unsupported(format!("pausing `{service}`"))) })
    }

    fn resume<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async { Ok(()) })
    }

    fn ready<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async { !self.is_down() })
    }

    fn link(&self, _: &str) -> Option<Arc<Link>> {
        None
    }

    fn duplicate<'a>(&'a self, _: &'a str, _: f64, _: u64) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async {
            self.duplicates.store(1, Ordering::SeqCst);
            Ok(())
        })
    }

    fn clear_duplicates(&self) -> BoxFuture<'_, Result<u64, SystemError>> {
        Box::pin(async { Ok(self.duplicates.swap(0, Ordering::SeqCst).saturating_sub(1)) })
    }

    fn at_rest(&self, _: Duration) -> BoxFuture<'_, Result<(), Vec<UnmetCondition>>> {
        Box::pin(async { if self.unmet.is_empty() { Ok(()) } else { Err(self.unmet.clone()) } })
    }
}

/// Places one order in 20 ms; while the service is down it is refused.
struct PlaceOrder(Arc<Simulated>);

impl Workload for PlaceOrder {
    fn iterate(&self, iteration: Iteration) -> BoxFuture<'_, IterationResult> {
        Box::pin(async move {
            let system = &self.0;
            let started = Instant::now().into_std();
            let back = *system.back.lock().unwrap();
            let slow = back.is_some_and(|back| back.elapsed() < system.slow_after_start);
            sleep(Duration::from_millis(if slow { 900 } else { 20 })).await;
            let ok = !system.is_down() && !system.sick;
            if ok && system.loses_from.is_none_or(|from| iteration.index < from) {
                system.orders.lock().unwrap().push((iteration.index, "placed"));
            }
            if system.duplicates.load(Ordering::SeqCst) > 0 {
                system.duplicates.fetch_add(1, Ordering::SeqCst);
            }
            let operation = OperationRun {
                name: "create order".into(),
                outcome: if ok { Outcome::Ok } else { Outcome::Fail },
                status: Some(if ok { 201 } else { 502 }),
                error: None,
                started,
                ended: Instant::now().into_std(),
                trace_id: Some(format!("trace-{}", iteration.index)),
                correlation_id: None,
                saved: BTreeMap::from([("order".into(), json!(iteration.index))]),
                waits: false,
            };
            let error = (!ok).then(|| "status 502".to_owned());
            IterationResult { operations: vec![operation], ok, error }
        })
    }
}

/// Judges from the history and the orders that the system has.
struct FromHistory {
    system: Arc<Simulated>,
    history: Arc<History>,
}

impl Judge for FromHistory {
    fn names(&self) -> Vec<String> {
        vec!["no_lost_order".into()]
    }

    fn judge<'a>(&'a self, scope: &'a str, _: Option<&'a [String]>) -> BoxFuture<'a, Vec<InvariantResult>> {
        Box::pin(async move {
            let spec: InvariantSpec = toml::from_str(
                "name = 'no_lost_order'\nsays = 'every acknowledged order exists once'\n\
                 each_once = { expected = 'acknowledged', actual = 'orders', key = 'order' }",
            )
            .unwrap();
            let acknowledged = history::read(self.history.path())
                .unwrap()
                .map(Result::unwrap)
                .filter(|operation| operation.scope == scope && operation.outcome == Outcome::Ok)
                .map(|operation| {
                    let mut row: chaos::invariants::Row = operation.saved.into_iter().collect();
                    row.insert("trace_id".into(), json!(operation.trace_id));
                    row
                })
                .collect();
            let orders = self.system.orders.lock().unwrap();
            let orders = orders.iter().map(|(order, _)| json!({ "order": order }).as_object().unwrap().clone());
            let tables = [Table::from_rows("acknowledged", acknowledged), Table::from_rows("orders", orders.collect())];
            vec![judge(&spec, &tables.into_iter().map(|table| (table.name.clone(), table)).collect())]
        })
    }
}

/// Keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Events for Heard {
    fn phase(&self, _: &str, phase: &str) {
        self.0.lock().unwrap().push(phase.to_owned());
    }

    fn fault(&self, _: &str, fault: &str, target: &str, active: bool) {
        self.0.lock().unwrap().push(format!("{fault} {target} {active}"));
    }

    fn second(&self, _: &str, load: &str, interval: &Interval) {
        if interval.second == 0 {
            self.0.lock().unwrap().push(format!("{load} second 0"));
        }
    }
}

const KILL: &str = r#"
scenario: order-killed
title: When the service dies, no order is lost
load: { buy: { rate: 50/s, journey: place_order } }
phases: { warmup: 1s, baseline: 5s, inject: 10s, recover: 10s, drain: 5s }
steady_state: ["buy.ok >= 99%", "buy.p99 < 400ms"]
inject: [{ at: 1s, for: 5s, fault: kill, service: order }]
"#;

struct Scene {
    system: Arc<Simulated>,
    stage: Stage,
    heard: Arc<Heard>,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new(system: Simulated) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let system = Arc::new(system);
        let history = Arc::new(History::append_to(dir.path().join("history.jsonl")).unwrap());
        let judge = Arc::new(FromHistory { system: Arc::clone(&system), history: Arc::clone(&history) });
        let journal = Arc::new(UndoJournal::open(dir.path().join("undo.jsonl")).unwrap());
        let heard = Arc::new(Heard::default());
        let mut stage = Stage::new(Arc::clone(&system) as Arc<dyn System>, judge, journal);
        stage.workloads.insert("place_order".into(), Arc::new(PlaceOrder(Arc::clone(&system))));
        stage.history = Some(history);
        stage.events = Arc::clone(&heard) as Arc<dyn Events>;
        stage.pacing = Pacing::Timer;
        Self { system, stage, heard, _dir: dir }
    }

    fn plan(&self, text: &str) -> chaos::scenario::Plan {
        let known = Known {
            targets: self.system.targets(),
            journeys: vec!["place_order".into()],
            invariants: self.stage.judge.names(),
        };
        let file = ScenarioFile::parse("x.yaml", text).unwrap();
        file.plan(Profile::Full, 42, &known).unwrap_or_else(|problems| panic!("{problems}"))
    }

    async fn run(&self, text: &str) -> ScenarioResult {
        run_scenario(&self.plan(text), &self.stage).await
    }

    fn outstanding(&self) -> usize {
        self.stage.journal.outstanding().unwrap().len()
    }
}

fn verdicts(result: &ScenarioResult) -> Vec<String> {
    let show = |t: &chaos::load::ThresholdResult| format!("{} {} {}", t.phase, t.expression, t.verdict);
    result.thresholds.iter().map(show).collect()
}

#[tokio::test(start_paused = true)]
async fn survived_kill_passes_with_evidence_recovery_and_invariants() {
    let scene = Scene::new(Simulated::default());
    let result = scene.run(KILL).await;
    assert_eq!((result.verdict, &result.reasons[..]), (Verdict::Pass, &[][..]));
    assert!(result.bitten);
    let fault = &result.faults[0];
    assert_eq!((&*fault.fault, &*fault.target, &*fault.evidence), ("kill", "order", "process 100 of `order` is gone"));
    assert!((fault.at_s - 7.0).abs() < 0.05 && (fault.until_s - 12.3).abs() < 0.05, "{fault:?}");
    assert!(result.recovery_s.is_some_and(|recovery| recovery <= 0.2), "{:?}", result.recovery_s);
    assert_eq!(
        verdicts(&result),
        [
            "before buy.ok >= 99% pass",
            "before buy.p99 < 400ms pass",
            "during buy.ok >= 99% fail",
            "during buy.p99 < 400ms invalid",
            "recover buy.ok >= 99% pass",
            "recover buy.p99 < 400ms pass",
            "after buy.ok >= 99% pass",
            "after buy.p99 < 400ms pass",
        ]
    );
    let names: Vec<&str> = result.phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(names, ["warmup", "baseline", "inject", "recover", "drain"]);
    assert!(result.invariants[0].checked > 500, "{:?}", result.invariants);
    assert_eq!((scene.system.kills.load(Ordering::SeqCst), scene.system.starts.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(scene.outstanding(), 0);
    let mut heard = scene.heard.0.lock().unwrap().clone();
    // It comes at the same moment as the end of the warm-up, before or after it.
    let first = heard.iter().position(|what| what == "buy second 0");
    assert!(first.is_some_and(|at| at <= 2), "{heard:?}");
    heard.remove(first.unwrap());
    assert_eq!(
        heard,
        ["warmup", "baseline", "inject", "kill order true", "kill order false", "recover", "drain", "judge"]
    );
    let load = &result.loads["buy"];
    assert_eq!(load.offered, load.ok + load.errors);
    assert_eq!(load.failures.keys().collect::<Vec<_>>(), ["status 502"]);
    assert_eq!(result.intervals.iter().map(|interval| interval.ok + interval.failed).sum::<u64>(), {
        let history = history::read(scene.stage.history.as_ref().unwrap().path()).unwrap();
        history.count() as u64
    });
}

#[tokio::test(start_paused = true)]
async fn fault_on_a_service_that_is_down_waits_for_its_turn() {
    let scene = Scene::new(Simulated::default());
    let twice = KILL.replace("inject: [", "inject: [{ at: 2s, for: 5s, fault: stop, service: order }, ");
    let result = scene.run(&twice).await;
    assert_eq!((result.verdict, &result.reasons[..]), (Verdict::Pass, &[][..]));
    let [stop, kill] = &result.faults[..] else { panic!("{:?}", result.faults) };
    assert!(kill.until_s <= stop.at_s, "{kill:?} and {stop:?} at the same time");
    assert_eq!((scene.system.kills.load(Ordering::SeqCst), scene.system.starts.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn load_that_never_succeeds_is_invalid() {
    let scene = Scene::new(Simulated { sick: true, ..Simulated::default() });
    let tolerant = KILL.replace(r#"["buy.ok >= 99%", "buy.p99 < 400ms"]"#, r#"["lag.p99 < 1s"]"#);
    let result = scene.run(&tolerant).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    let reason = "load `buy` never succeeded, so it put nothing to the test";
    assert!(result.reasons.iter().any(|found| found == reason), "{:?}", result.reasons);
}

#[tokio::test(start_paused = true)]
async fn same_seed_gives_the_same_scenario() {
    let first = Scene::new(Simulated::default()).run(KILL).await;
    let second = Scene::new(Simulated::default()).run(KILL).await;
    assert_eq!(first.schedule_digest, second.schedule_digest);
    assert_eq!(first.loads["buy"].offered, second.loads["buy"].offered);
    let other = Scene::new(Simulated::default()).run(&KILL.replace("title:", "seed: 43\ntitle:")).await;
    assert_ne!(first.schedule_digest, other.schedule_digest);
}

#[tokio::test(start_paused = true)]
async fn fault_that_does_not_bite_is_invalid() {
    let scene = Scene::new(Simulated { immortal: true, ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert_eq!(result.reasons, ["fault `kill` on `order` did not bite: `order` was never seen down"]);
    assert!(!result.bitten);
}

#[tokio::test(start_paused = true)]
async fn failing_baseline_is_invalid_and_nothing_is_broken() {
    let scene = Scene::new(Simulated { sick: true, ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert!(
        result.reasons.iter().any(|reason| reason
            .starts_with("the steady state did not hold before anything was broken: `buy.ok >= 99%` was 0% of")),
        "{:?}",
        result.reasons
    );
    assert_eq!((scene.system.kills.load(Ordering::SeqCst), result.faults.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn slow_recovery_is_measured_and_judged() {
    let slow = || Simulated { slow_after_start: Duration::from_secs(4), ..Simulated::default() };
    let text = KILL.replace("inject: [", "recover: [\"buy.p99 < 400ms within 5s\"]\ninject: [");
    let result = Scene::new(slow()).run(&text).await;
    assert_eq!((result.verdict, &result.reasons[..]), (Verdict::Pass, &[][..]));
    assert!(result.recovery_s.is_some_and(|recovery| (recovery - 4.0).abs() <= 0.2), "{:?}", result.recovery_s);

    let result = Scene::new(slow()).run(&text.replace("within 5s", "within 2s")).await;
    assert_eq!(result.verdict, Verdict::Fail);
    assert!(
        result.reasons[0].contains("`buy.p99 < 400ms within 2s`: held again after 4")
            && result.reasons[0].ends_with("expected within 2s"),
        "{:?}",
        result.reasons
    );

    let never = Simulated { slow_after_start: Duration::from_secs(3600), ..Simulated::default() };
    let result = Scene::new(never).run(&text).await;
    assert_eq!((result.verdict, result.recovery_s), (Verdict::Fail, None));
}

#[tokio::test(start_paused = true)]
async fn steady_state_that_must_hold_during_the_fault_is_judged() {
    let text = KILL.replace("inject: [", "during: hold\ninject: [");
    let result = Scene::new(Simulated::default()).run(&text).await;
    assert_eq!(result.verdict, Verdict::Fail);
    assert!(result.reasons[0].starts_with("during the faults `buy.ok >= 99%` did not hold: "), "{:?}", result.reasons);
}

#[tokio::test(start_paused = true)]
async fn lost_order_fails_with_its_trace() {
    let scene = Scene::new(Simulated { loses_from: Some(700), ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Fail);
    let invariant = &result.invariants[0];
    assert_eq!((invariant.verdict, &invariant.trace_ids[..]), (Verdict::Fail, &["trace-700".to_owned()][..]));
    assert!(result.reasons[0].starts_with("invariant `no_lost_order`: order `700` is lost"), "{:?}", result.reasons);
}

#[tokio::test(start_paused = true)]
async fn cancelled_scenario_is_aborted_and_its_fault_undone() {
    let scene = Scene::new(Simulated::default());
    let plan = scene.plan(KILL);
    let cancel = scene.stage.cancel.clone();
    let (result, ()) = tokio::join!(run_scenario(&plan, &scene.stage), async {
        sleep(Duration::from_millis(8500)).await;
        assert!(scene.system.is_down());
        cancel.cancel();
    });
    assert_eq!(result.verdict, Verdict::Aborted);
    assert_eq!(result.reasons[0], "the scenario was aborted: stopped by the user");
    assert!(!scene.system.is_down());
    assert_eq!(scene.outstanding(), 0);
    assert!(result.faults[0].until_s < 9.0, "{:?}", result.faults);
}

#[tokio::test(start_paused = true)]
async fn abort_condition_stops_the_scenario_and_undoes_the_fault() {
    let text = KILL.replace("inject: [", "abort: [\"buy.ok < 50% over 1s\"]\ninject: [");
    let scene = Scene::new(Simulated::default());
    let result = scene.run(&text).await;
    assert_eq!(result.verdict, Verdict::Aborted);
    let reason = "the scenario was aborted: the abort condition `buy.ok < 50% over 1s` was met";
    assert_eq!(result.reasons[0], reason);
    assert!(!scene.system.is_down());
    assert!(result.faults[0].bitten && result.faults[0].until_s < 11.0, "{:?}", result.faults);
}

#[tokio::test(start_paused = true)]
async fn restless_system_is_invalid_and_says_what_is_unmet() {
    let unmet = UnmetCondition { condition: "outbox of `order` is empty".into(), found: "3 rows".into() };
    let scene = Scene::new(Simulated { unmet: vec![unmet], ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert_eq!(result.reasons, ["the system did not come to rest: outbox of `order` is empty: 3 rows"]);
    assert!(result.invariants.is_empty(), "nothing is called lost that may still be under way");
}

#[tokio::test(start_paused = true)]
async fn service_that_does_not_come_back_fails_and_stays_in_the_journal() {
    let scene = Scene::new(Simulated { broken: true, ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Fail);
    assert!(
        result.reasons.contains(
            &"fault `kill` on `order` could not be undone: could not start `order`: not ready within 5 s".to_owned()
        ),
        "{:?}",
        result.reasons
    );
    assert_eq!(scene.outstanding(), 1);
}

#[tokio::test(start_paused = true)]
async fn fault_whose_task_panics_is_undone_from_the_journal() {
    let scene = Scene::new(Simulated { cursed: true, ..Simulated::default() });
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert!(!scene.system.is_down());
    assert_eq!((scene.outstanding(), scene.system.starts.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn dropped_scenario_undoes_its_fault_in_the_background() {
    let scene = Scene::new(Simulated::default());
    let plan = scene.plan(KILL);
    tokio::select! {
        _ = run_scenario(&plan, &scene.stage) => panic!("it lasts longer"),
        () = sleep(Duration::from_millis(8500)) => {}
    }
    assert!(scene.system.is_down());
    let undone = async {
        while scene.outstanding() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), undone).await.expect("the fault is undone within 5 s");
    assert!(!scene.system.is_down());
}

#[tokio::test(start_paused = true)]
async fn unsupported_fault_is_invalid() {
    let text = KILL.replace("fault: kill", "fault: pause");
    let result = Scene::new(Simulated::default()).run(&text).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert_eq!(
        result.reasons,
        ["fault `pause` on `order` could not be injected: pausing `order` is not supported by this system"]
    );
}

#[tokio::test(start_paused = true)]
async fn duplicated_deliveries_are_proven_when_they_end() {
    let text = KILL.replace("fault: kill, service: order", "fault: duplicate, queue: \"*\", p: 0.5");
    let result = Scene::new(Simulated::default()).run(&text).await;
    assert_eq!((result.verdict, &result.reasons[..]), (Verdict::Pass, &[][..]));
    assert!(result.faults[0].evidence.ends_with("deliveries of queues `*` were duplicated"), "{:?}", result.faults);
}

#[tokio::test(start_paused = true)]
async fn missing_workload_is_invalid() {
    let mut scene = Scene::new(Simulated::default());
    scene.stage.workloads.clear();
    let result = scene.run(KILL).await;
    assert_eq!(result.verdict, Verdict::Invalid);
    assert!(
        result.reasons.iter().any(|reason| reason.contains("no workload for journey `place_order`")),
        "{:?}",
        result.reasons
    );
}
