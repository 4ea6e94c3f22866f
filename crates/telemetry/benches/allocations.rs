//! Allocations per request and per log line, in steady state. `cargo xtask` runs it.
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod measuring;
mod stacks;

use std::io::{stderr, stdout};
use std::process::ExitCode;

use alloc_tracker::{Allocator, ProcessSpan, Session};
use measuring::{Figures, Meter, argument, flag, measure, print, serve};

#[global_allocator]
static ALLOCATOR: Allocator<std::alloc::System> = Allocator::system();

fn main() -> ExitCode {
    if serve(|| Box::new(Allocations::new())) {
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

/// Allocations: of the thread that answers, and of all threads.
struct Allocations {
    session: Session,
    /// Everything since the totals were last asked for.
    process: Option<ProcessSpan>,
}

impl Allocations {
    fn new() -> Self {
        Self { session: Session::new().no_stdout().no_file(), process: None }
    }

    /// All that was counted under this name.
    fn counted(&self, name: &str) -> f64 {
        let report = self.session.to_report();
        report.operations().find(|(known, _)| *known == name).map_or(0, |(_, it)| it.total_allocations_count()) as f64
    }
}

impl Meter for Allocations {
    fn measure(&mut self, run: &mut dyn FnMut()) -> Figures {
        let before = self.counted("allocs");
        let operation = self.session.operation("allocs");
        let span = operation.measure_thread().iterations(1);
        run();
        drop(span);
        Figures::from([("allocs".to_owned(), self.counted("allocs") - before)])
    }

    fn totals(&mut self) -> Figures {
        drop(self.process.take());
        let total = self.counted("process_allocs");
        self.process = Some(self.session.operation("process_allocs").measure_process().iterations(1));
        Figures::from([("process_allocs".to_owned(), total)])
    }
}
