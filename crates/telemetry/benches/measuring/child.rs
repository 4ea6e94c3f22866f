//! One stack in this process, measured whenever the parent asks.
//!
//! Asked on stdin, answered on stderr: stdout belongs to the log lines and ends in /dev/null.

use std::collections::BTreeMap;
use std::io::{BufRead, stderr, stdin};

use super::print;
use crate::stacks::{Stack, Trace};

/// Variable that makes a process a child: the stack it is to be.
pub(super) const STACK: &str = "TELEMETRY_BENCH_STACK";
/// Where the child exports to, if anywhere.
pub(super) const ENDPOINT: &str = "TELEMETRY_BENCH_ENDPOINT";
/// Starts a line that is an answer and not somebody's diagnostics.
pub(super) const ANSWER: &str = "bench: ";

/// What was measured, by name.
pub type Figures = BTreeMap<String, f64>;

/// How cost is measured in a child.
pub trait Meter {
    /// Of one call, on this thread.
    fn measure(&mut self, run: &mut dyn FnMut()) -> Figures;

    /// Of the whole process so far: what a call leaves to other threads shows in how much this has grown once they are done.
    fn totals(&mut self) -> Figures;
}

/// Does as a child does, if this process is one.
pub fn serve(meter: impl FnOnce() -> Box<dyn Meter>) -> bool {
    let Ok(id) = std::env::var(STACK) else { return false };
    let endpoint = std::env::var(ENDPOINT).ok();
    let stack = Stack::find(&id).expect("the parent knows the stacks");
    let mut subject = (stack.build)(endpoint.as_deref());
    let mut meter = meter();
    for line in stdin().lock().lines().map_while(Result::ok) {
        let figures = match line.split_once(' ') {
            None => meter.totals(),
            Some((kind, times)) => {
                let trace = if kind == "sampled" { Trace::Sampled } else { Trace::Unsampled };
                let times = times.parse().expect("a number of times");
                // What a turn costs whoever does nothing in it (a runtime entered, two spans opened) is not per request.
                let nothing = meter.measure(&mut || subject.run(trace, 0));
                let mut figures = meter.measure(&mut || subject.run(trace, times));
                for (name, figure) in &mut figures {
                    *figure -= nothing[name];
                }
                figures
            }
        };
        print(stderr(), &format!("{ANSWER}{}", serde_json::to_string(&figures).expect("numbers")));
    }
    if let Err(lost) = subject.finish() {
        print(stderr(), &format!("{id}: {lost}"));
    }
    true
}
