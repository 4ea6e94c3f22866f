//! Allocations per request and per log line, in steady state. `cargo xtask` runs it.
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod measuring;
mod stacks;

use std::io::{stderr, stdout};
use std::process::ExitCode;

use alloc_tracker::{Allocator, Session};
use measuring::{Figures, argument, flag, measure, print, serve};

#[global_allocator]
static ALLOCATOR: Allocator<std::alloc::System> = Allocator::system();

fn main() -> ExitCode {
    if serve(meter) {
        return ExitCode::SUCCESS;
    }
    let rounds = argument("--rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    match measure(rounds, &argument("--only").unwrap_or_default(), !flag("--without-peers")) {
        Ok(result) => {
            print(stdout(), &result.to_string());
            ExitCode::SUCCESS
        }
        Err(lost) => {
            print(stderr(), &lost);
            ExitCode::FAILURE
        }
    }
}

/// Allocations per iteration: of the thread that answers, and of all threads.
fn meter(run: &mut dyn FnMut(), times: u64) -> Figures {
    let session = Session::new().no_stdout().no_file();
    let (thread, process) = (session.operation("thread"), session.operation("process"));
    let whole = process.measure_process().iterations(times);
    let here = thread.measure_thread().iterations(times);
    run();
    drop(here);
    drop(whole);
    let report = session.to_report();
    let mut figures = Figures::new();
    for (name, operation) in report.operations() {
        let name = if name == "thread" { "allocs" } else { "process_allocs" };
        figures.insert(name.to_owned(), operation.total_allocations_count() as f64 / times as f64);
    }
    figures
}
