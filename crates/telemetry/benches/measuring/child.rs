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

/// What was measured, per iteration.
pub type Figures = BTreeMap<String, f64>;
/// Measures the cost of a call that does something this many times.
pub type Meter = fn(&mut dyn FnMut(), u64) -> Figures;

/// Does as a child does, if this process is one.
pub fn serve(meter: Meter) -> bool {
    let Ok(id) = std::env::var(STACK) else { return false };
    let endpoint = std::env::var(ENDPOINT).ok();
    let stack = Stack::find(&id).expect("the parent knows the stacks");
    let mut subject = (stack.build)(endpoint.as_deref());
    for line in stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        let trace = if words.next() == Some("sampled") { Trace::Sampled } else { Trace::Unsampled };
        let times = words.next().and_then(|word| word.parse().ok()).expect("a number of times");
        let figures = meter(&mut || subject.run(trace, times), times);
        print(stderr(), &format!("{ANSWER}{}", serde_json::to_string(&figures).expect("numbers")));
    }
    if let Err(lost) = subject.finish() {
        print(stderr(), &format!("{id}: {lost}"));
    }
    true
}
