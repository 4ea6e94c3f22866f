//! Log lines of a process of its own: panics, a reader that does not read, the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use telemetry::Config;

/// Names the case that a child of this test process plays; a process has only one telemetry.
const CASE: &str = "TELEMETRY_LOGS_CASE";

/// What the child says when nothing has blocked it.
const DONE: &str = "DONE";

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn child_process() {
    match std::env::var(CASE).as_deref() {
        Ok("panics") => panics(),
        Ok("chained") => chained(),
        Ok("stalled") => stalled(),
        Ok("forgets") => forgets(),
        _ => {}
    }
}

struct Bad;

impl std::fmt::Debug for Bad {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("inside of Debug")
    }
}

/// Logs when its thread has ended already.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        tracing::info!("from a thread that is no more");
        assert!(std::panic::catch_unwind(|| panic!("in a thread that is no more")).is_err());
    }
}

thread_local! {
    static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
}

fn panics() {
    let telemetry = telemetry::init(Config::from_env("child")).unwrap();
    tracing::info!(bad = ?Bad, "goes on");
    let worker = std::thread::Builder::new().name("worker".into());
    let failed = worker.spawn(|| panic!("for {}", "eve@example.org")).unwrap().join();
    assert!(failed.is_err());
    std::thread::spawn(|| {
        LATE.set(Some(Late));
        tracing::info!("before the thread ends");
    })
    .join()
    .unwrap();
    assert!(telemetry.shutdown(PATIENCE).logs.flushed);
}

/// Panics with the hook that was there before.
fn chained() {
    let telemetry = telemetry::init(Config::from_env("child").chain_panic_hook(true)).unwrap();
    assert!(std::thread::spawn(|| panic!("for {}", "eve@example.org")).join().is_err());
    assert!(telemetry.shutdown(PATIENCE).logs.flushed);
}

/// Logs more than any pipe and the buffer hold, and must neither wait nor grow.
fn stalled() {
    let config = Config::from_env("child").log_buffer(1 << 16).log_limit(0);
    let telemetry = telemetry::init(config).unwrap();
    let started = Instant::now();
    let threads: Vec<_> = (0..4)
        .map(|thread| std::thread::spawn(move || (0..10_000).for_each(|line| tracing::info!(thread, line, "noise"))))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(started.elapsed() < PATIENCE);
    let stats = telemetry.log_stats();
    assert!(stats.dropped > 30_000, "{stats:?}");
    let report = telemetry.shutdown(Duration::from_millis(200));
    assert!(!report.is_complete() && report.logs.dropped > 30_000 && !report.logs.flushed, "{report:?}");
    assert!(report.took < Duration::from_secs(2), "{report:?}");
    std::io::stderr().write_all(format!("{DONE}\n").as_bytes()).unwrap();
}

/// Ends without a shutdown; dropping what `init` gave writes what is left.
fn forgets() {
    let _telemetry = telemetry::init(Config::from_env("child")).unwrap();
    tracing::info!("last words");
}

fn child(case: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process", "--nocapture"]).env(CASE, case);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn lines(case: &str) -> Vec<Value> {
    lines_and_stderr(case).0
}

fn lines_and_stderr(case: &str) -> (Vec<Value>, String) {
    let output = child(case).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}{stderr}");
    (text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect(), stderr)
}

#[test]
fn panics_are_lines_wherever_they_happen() {
    let (lines, stderr) = lines_and_stderr("panics");
    assert!(!stderr.contains("eve@example.org"), "{stderr}");
    let panics: Vec<_> = lines.iter().filter(|line| line["target"] == "panic").collect();
    // Inside of `Debug`, in the worker, and perhaps in the thread that had ended.
    assert!(panics.len() >= 2, "{lines:#?}");
    assert!(
        panics.iter().all(|line| line["level"] == "ERROR" && line["exception.stacktrace"].is_string()),
        "{panics:#?}"
    );
    assert_eq!(panics[0]["exception.message"], "inside of Debug");
    assert_eq!(panics[1]["message"], "thread panicked: for [redacted]");
    assert_eq!(panics[1]["thread.name"], "worker");
    assert!(panics[1]["code.location"].as_str().unwrap().contains("logs.rs"));
    let line = lines.iter().find(|line| line["message"] == "goes on").unwrap();
    assert_eq!(line["bad"], " (panicked while it was formatted)");
    assert!(lines.iter().any(|line| line["message"] == "before the thread ends"));
}

#[test]
fn panics_go_on_to_the_hook_that_was_there_when_asked_to() {
    let (lines, stderr) = lines_and_stderr("chained");
    assert!(lines.iter().any(|line| line["message"] == "thread panicked: for [redacted]"), "{lines:#?}");
    assert!(stderr.contains("for eve@example.org"), "{stderr}");
}

#[test]
fn reader_that_does_not_read_neither_blocks_nor_prevents_the_end() {
    let mut child = child("stalled").spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut said = Vec::new();
    let ended = loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) if line == DONE => break true,
            Ok(line) => said.push(line),
            Err(_) => break false,
        }
    };
    // The test harness in the child has something to say on stdout, too, and would wait for ever.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ended, "{said:#?}");
}

#[test]
fn process_that_forgets_to_shut_down_writes_its_last_words() {
    assert_eq!(lines("forgets").iter().filter(|line| line["message"] == "last words").count(), 1);
}
