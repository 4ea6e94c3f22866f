//! Time per request and per log line, ours and our peers', side by side.
//!
//! `cargo bench -p telemetry` shows it with criterion. With `--measure` it prints the medians of interleaved rounds as
//! JSON, which `cargo xtask bench telemetry` makes a table of.
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod measuring;
mod stacks;

use std::io::{stderr, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode};
use measuring::{Children, Figures, Meter, Place, argument, flag, measure, print, serve};
use nix::time::{ClockId, clock_gettime};
use stacks::{ROUND, ROWS};

fn main() -> ExitCode {
    if serve(|| Box::new(Clocks)) {
        return ExitCode::SUCCESS;
    }
    if flag("--measure") {
        let rounds = argument("--rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
        return match measure(rounds, &argument("--only").unwrap_or_default(), !flag("--without-peers")) {
            Ok(result) => {
                print(stdout(), &result.to_string());
                ExitCode::SUCCESS
            }
            Err(lost) => {
                print(stderr(), &lost);
                ExitCode::FAILURE
            }
        };
    }
    compare(&mut Criterion::default().configure_from_args());
    ExitCode::SUCCESS
}

/// Nanoseconds: on the clock, and of processor time in all threads, which tells what was merely moved to another one.
struct Clocks;

impl Meter for Clocks {
    fn measure(&mut self, run: &mut dyn FnMut()) -> Figures {
        let started = Instant::now();
        run();
        Figures::from([("ns".to_owned(), started.elapsed().as_nanos() as f64)])
    }

    fn totals(&mut self) -> Figures {
        Figures::from([("cpu_ns".to_owned(), processor_time().as_nanos() as f64)])
    }
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Whole times, bare handler included. The processes of the stacks measure; criterion takes each round as a sample.
fn compare(criterion: &mut Criterion) {
    let mut children = Children::new();
    for row in &ROWS {
        let mut group = criterion.benchmark_group(row.name);
        group.sampling_mode(SamplingMode::Flat).sample_size(20);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
        for stack in row.stacks(true) {
            let place = Place { stack, exported: row.exported && !stack.starts_with("bare") };
            group.bench_function(BenchmarkId::from_parameter(stack), |bencher| {
                bencher.iter_custom(|iterations| {
                    // Always whole rounds: a few requests after a pause would measure cold caches.
                    let rounds = iterations.div_ceil(ROUND);
                    let sum: f64 = (0..rounds).map(|_| children.run(place, row.trace, ROUND)["ns"]).sum();
                    Duration::from_secs_f64(sum / rounds as f64 * iterations as f64 / 1e9)
                });
            });
        }
        group.finish();
    }
    for lost in children.finish() {
        print(stderr(), &format!("warning: {lost}"));
    }
}
