//! Instructions per request and per log line, counted by callgrind: the same on a busy machine as on an idle one.
//!
//! Only the thread that answers is counted. `cargo xtask` runs it, because it needs valgrind and gungraun's runner.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "a program, not a library; it uses a part of the modules"
)]

#[path = "measuring/sink.rs"]
mod sink;
mod stacks;

use gungraun::prelude::*;
use sink::Sink;
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
    subject.run(trace, TIMES);
    Ready { subject, trace }
}

fn end(ready: Ready) {
    // Under valgrind a collector may come too late; what is counted is on this side of the queue.
    drop(ready.subject.finish());
}

// An id is that of the stack; `xtask` looks figures up by it.
#[library_benchmark(setup = ready, teardown = end)]
#[bench::bare("bare", Trace::Sampled)]
#[bench::bare_with_layer("bare-with-layer", Trace::Sampled)]
#[bench::telemetry("telemetry", Trace::Sampled)]
#[bench::telemetry_unsampled("telemetry", Trace::Unsampled)]
#[bench::telemetry_full("telemetry-full", Trace::Sampled)]
#[bench::telemetry_full_unsampled("telemetry-full", Trace::Unsampled)]
#[bench::telemetry_line("telemetry-line", Trace::Sampled)]
fn ours(mut ready: Ready) -> Ready {
    ready.subject.run(ready.trace, TIMES);
    ready
}

#[library_benchmark(setup = ready, teardown = end)]
#[bench::axum_tracing_opentelemetry("axum-tracing-opentelemetry", Trace::Sampled)]
#[bench::axum_tracing_opentelemetry_unsampled("axum-tracing-opentelemetry", Trace::Unsampled)]
#[bench::opentelemetry_instrumentation_tower("opentelemetry-instrumentation-tower", Trace::Sampled)]
#[bench::opentelemetry_instrumentation_tower_unsampled("opentelemetry-instrumentation-tower", Trace::Unsampled)]
#[bench::both("both", Trace::Sampled)]
#[bench::both_unsampled("both", Trace::Unsampled)]
#[bench::tower_http("tower-http", Trace::Sampled)]
#[bench::tower_http_instrumentation_tower("tower-http-instrumentation-tower", Trace::Sampled)]
#[bench::tower_http_axum_tracing_instrumentation_tower("tower-http-axum-tracing-instrumentation-tower", Trace::Sampled)]
#[bench::tracing_subscriber_json("tracing-subscriber-json", Trace::Sampled)]
#[bench::tracing_subscriber_json_flat("tracing-subscriber-json-flat", Trace::Sampled)]
fn peers(mut ready: Ready) -> Ready {
    ready.subject.run(ready.trace, TIMES);
    ready
}

library_benchmark_group!(name = gated, benchmarks = ours);
library_benchmark_group!(name = compared, benchmarks = peers);

main!(library_benchmark_groups = [gated, compared]);
