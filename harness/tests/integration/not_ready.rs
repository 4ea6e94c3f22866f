//! A system that does not come up: one clear message, and nothing left running.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use tempfile::TempDir;

use crate::leftovers;
use crate::program::{Ended, Program};

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
