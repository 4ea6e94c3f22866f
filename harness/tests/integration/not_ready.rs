//! A system that does not come up: one clear message, and nothing left running.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::leftovers;
use crate::program::{Ended, Program, run_id};
use crate::until::until;

/// A system of one service that works and one that is described by these lines.
fn system(lines: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[system]\nname = \"moon\"\nentry = \"fine\"\n\
         [services.fine]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 600\"]\nready = {{ log = \"up\" }}\n\
         [services.broken]\n{lines}\n"
    );
    std::fs::write(dir.path().join("shakedown.toml"), text).expect("written");
    dir
}

/// Runs a system that cannot come up.
fn run(lines: &str) -> Ended {
    let ended = Program::within(system(lines)).args(["run"]).run();
    ended.expect_code(1).expect_no_result();
    // The watchdog outlives a run that never began by a moment, in which it looks for anything left.
    leftovers::expect_none_soon(&ended.run_id(), &BTreeSet::new());
    ended
}

#[test]
fn service_that_never_becomes_ready_is_named_with_its_condition_and_last_words() {
    let ended = run(r#"command = ["sh", "-c", "echo waiting for the moon; echo no moon yet >&2; exec sleep 600"]
           ready = { http = "/health", within = "500ms" }"#);
    let error = ended.error().join("\n");
    assert!(
        error.starts_with("error: service `broken` was not ready within 0.5 s; waited for: GET http://"),
        "{error}"
    );
    assert!(error.contains("/health answers 2xx; found: "), "{error}");
    assert!(error.contains("\n  | waiting for the moon") && error.contains("no moon yet"), "{error}");
    let file = |name: &str| std::fs::read_to_string(ended.run_dir().join(name)).expect("a report");
    let summary: Value = serde_json::from_str(&file("summary.json")).expect("JSON");
    assert_eq!((&summary["verdict"], &summary["journeys"]["verdict"]), (&"fail".into(), &"skipped".into()));
    let sentence = summary["sentence"].as_str().expect("a sentence");
    assert!(sentence.starts_with("moon failed: service `broken` was not ready within 0.5 s"), "{sentence}");
    assert!(summary["error"].as_str().is_some_and(|error| error.contains("waiting for the moon")), "{summary:#}");
    assert!(file("junit.xml").contains("errors=\"0\"") && file("junit.xml").contains("the run comes to its end"));
    assert!(file("report.html").contains("  | waiting for the moon"));
}

#[test]
fn start_that_is_interrupted_ends_at_once_and_leaves_nothing() {
    let dir = system("command = [\"sleep\", \"600\"]\nready = { log = \"never\", within = \"500s\" }");
    let mut running = Program::within(dir).args(["run"]).start();
    running.said("start", |line| line.contains("start: 2 services").then_some(()));
    let id = until(Duration::from_secs(10), || "no run".to_owned(), || run_id(running.dir()));
    let started = || leftovers::processes(&id).iter().any(|(_, line)| line.contains("sleep 600")).then_some(());
    until(Duration::from_secs(10), || "nothing was started".to_owned(), started);
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.expect_code(4).expect_no_result().expect_said(&["error: stopped before the system was ready"]);
    leftovers::expect_none_soon(&id, &BTreeSet::new());
    let summary = std::fs::read_to_string(ended.run_dir().join("summary.json")).expect("a report");
    assert!(summary.contains("\"verdict\": \"aborted\""), "{summary}");
}

#[test]
fn service_that_ends_is_named_with_its_status_and_last_words() {
    let ended = run(r#"command = ["sh", "-c", "echo no database; exit 3"]
                       ready = { tcp = true, within = "30s" }"#);
    let error = ended.error().join("\n");
    assert!(
        error.starts_with("error: service `broken` ended before it was ready (exit status: 3); waited for: "),
        "{error}"
    );
    assert!(error.contains("\n  | no database"), "{error}");
}

#[test]
fn missing_program_is_one_clear_line() {
    let ended = run("command = [\"./absent\"]\nready = { tcp = true }");
    insta::assert_snapshot!(
        ended.error().join("\n"),
        @"error: service `broken`: cannot start `./absent`: there is no such program; is it built, and in the PATH or named by its path?"
    );
}

#[test]
fn taken_port_is_one_clear_line() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let ended = run(&format!("command = [\"true\"]\nport = {port}\nready = {{ tcp = true }}"));
    assert_eq!(ended.error(), [format!("error: service `broken`: port {port} is taken by another process")]);
}

#[test]
fn unwritable_run_directory_is_one_clear_line_before_anything_is_started() {
    let dir = system("command = [\"sh\", \"-c\", \"touch started\"]\nready = { log = \"never\" }");
    // Below a file nothing can be created, whoever asks.
    let file = dir.path().join("a-file");
    std::fs::write(&file, "").expect("written");
    let out = file.join("run");
    let ended = Program::within(dir).args(["run", "--out"]).arg(&out).run();
    ended.expect_code(1).expect_no_result();
    let expected = format!("error: cannot create `{}`: ", out.display());
    assert!(ended.stderr.starts_with(&expected), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(!ended.dir().join("started").exists());
}
