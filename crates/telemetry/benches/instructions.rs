//! Instructions per request and per log line, counted by callgrind: the same on a busy machine as on an idle one.
//!
//! Only the thread that answers is counted. `cargo xtask` runs it, because it needs valgrind and gungraun's runner.
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a program, not a library; it uses a part of the modules")]

mod measuring;
mod stacks;

use gungraun::prelude::*;
use measuring::Sink;
use stacks::{Stack, Subject, Trace};

/// Fewer than fit into the queue, and enough for what happens once per call not to show.
const TIMES: u64 = 1_000;

pub struct Ready {
    subject: Subject,
    trace: Trace,
}

/// A stack in steady state.
fn ready(stack: &str, trace: Trace) -> Ready {
    let stack = Stack::find(stack).expect("one of the stacks");
    let mut subject = (stack.build)(Some(&Sink::start().endpoint(stack.id)));
    subject.run(trace, TIMES / 2);
    Ready { subject, trace }
}

fn end(ready: Ready) {
    // Under valgrind a collector may come too late; what is counted is on this side of the queue.
    drop(ready.subject.finish());
}

#[library_benchmark]
#[benches::stack(
    setup = ready,
    teardown = end,
    args = [
        ("bare", Trace::Sampled),
        ("telemetry", Trace::Sampled),
        ("telemetry", Trace::Unsampled),
        ("telemetry-full", Trace::Sampled),
        ("telemetry-line", Trace::Sampled),
    ]
)]
fn ours(mut ready: Ready) -> Ready {
    ready.subject.run(ready.trace, TIMES);
    ready
}

#[library_benchmark]
#[benches::stack(
    setup = ready,
    teardown = end,
    args = [
        ("opentelemetry-instrumentation-tower", Trace::Sampled),
        ("opentelemetry-instrumentation-tower", Trace::Unsampled),
        ("both", Trace::Sampled),
        ("both", Trace::Unsampled),
        ("tower-http-instrumentation-tower", Trace::Sampled),
        ("tower-http-axum-tracing-instrumentation-tower", Trace::Sampled),
        ("tracing-subscriber-json", Trace::Sampled),
    ]
)]
fn peers(mut ready: Ready) -> Ready {
    ready.subject.run(ready.trace, TIMES);
    ready
}

library_benchmark_group!(name = gated, benchmarks = ours);
library_benchmark_group!(name = compared, benchmarks = peers);

main!(library_benchmark_groups = [gated, compared]);
