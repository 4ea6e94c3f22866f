//! Whatever ends the harness, nothing of the run is left: no process, no open port, no fault.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chaos::UndoJournal;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::leftovers::{self, listening, processes};
use crate::program::{Program, Running, run_id};
use crate::toy;
use crate::until::until;

/// Freezes the counter for longer than any of these tests takes.
const FROZEN: &str = r#"scenario: counter-frozen
load:
  visit: { rate: 30/s, journey: visit, max_lag: 5s }
phases: { baseline: 1s, inject: 100s, recover: 1s }
steady_state: ["visit.ok >= 50%"]
inject:
  - { fault: pause, service: counter }
"#;

/// A run in the middle of a fault, with a process that has left its service's process group.
struct Midst {
    _system: toy::Copy,
    running: Running,
    run_id: String,
    journal: PathBuf,
    /// Listening sockets of the harness and of every service.
    sockets: BTreeSet<u64>,
}

fn midst() -> Midst {
    let system = toy::Copy::new();
    system.write("scenarios/counter-frozen.yaml", FROZEN);
    let own = r#"command = ["python3", "counter.py"]"#;
    let with_stray = r#"command = ["sh", "-c", "setsid sleep 600 & exec python3 counter.py"]"#;
    system.change("shakedown.toml", own, with_stray);
    let program = Program::new().config(&system.config());
    let mut running = program.args(["--format", "json", "chaos", "counter-frozen", "--no-build"]).start();
    running.said("fault", |line| line.contains("fault: pause on counter").then_some(()));
    let run_id = run_id(running.dir()).expect("a run");
    let of_the_run = processes(&run_id);
    for expected in ["toy_front", "counter.py", "sleep 600", "watchdog"] {
        assert!(of_the_run.iter().any(|(_, line)| line.contains(expected)), "no {expected} in {of_the_run:?}");
    }
    let pids: Vec<u32> = of_the_run.iter().map(|(pid, _)| *pid).chain([running.pid()]).collect();
    let sockets = listening(&pids);
    // The two services, their links and the collector at least.
    assert!(sockets.len() >= 5, "{sockets:?}");
    let journal = running.dir().join("target/shakedown").join(&run_id).join("undo.jsonl");
    assert_eq!(UndoJournal::outstanding_in(&journal).expect("a journal").len(), 1);
    Midst { _system: system, running, run_id, journal, sockets }
}

#[test]
fn killed_harness_leaves_nothing_behind() {
    let _turn = toy::turn();
    let Midst { _system, running, run_id, journal, sockets } = midst();
    let ended = running.kill();
    leftovers::expect_none_soon(&run_id, &sockets);
    let undone = || UndoJournal::outstanding_in(&journal).is_ok_and(|left| left.is_empty()).then_some(());
    until(Duration::from_secs(5), || "the fault is still outstanding".to_owned(), undone);
    ended.expect_no_result();
}

#[test]
fn interrupted_harness_undoes_its_faults_and_says_so() {
    let _turn = toy::turn();
    let Midst { _system, running, run_id, journal, sockets } = midst();
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.expect_code(4).expect_said(&["stopping: undoing faults", "fault undone: pause on counter"]);
    leftovers::expect_none_soon(&run_id, &sockets);
    assert_eq!(UndoJournal::outstanding_in(&journal).expect("a journal"), []);
    let summary: Value = serde_json::from_str(&ended.stdout).expect("the summary");
    assert_eq!((&summary["verdict"], &summary["chaos"][0]["verdict"]), (&"aborted".into(), &"aborted".into()));
}
