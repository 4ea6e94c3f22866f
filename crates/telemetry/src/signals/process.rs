//! The process: CPU, memory, file descriptors and threads, read from `/proc/self` when somebody asks.
//!
//! Elsewhere than on Linux nothing is reported.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// One look serves all instruments of a collection.
const FRESH: Duration = Duration::from_millis(250);

/// `USER_HZ`: the unit of `/proc/self/stat`, 100 on every architecture Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Usage {
    user: f64,
    system: f64,
    threads: u64,
    resident: u64,
    virtual_memory: u64,
    descriptors: u64,
    descriptor_limit: Option<u64>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    usage: Usage,
    utilization: Option<f64>,
}

#[derive(Clone, Default)]
struct Process(Arc<Mutex<Option<Look>>>);

impl Process {
    fn look(&self) -> Option<Look> {
        let mut last = self.0.lock().ok()?;
        let now = Instant::now();
        if let Some(last) = *last
            && now - last.at < FRESH
        {
            return Some(last);
        }
        let usage = read()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let utilization = last.map(|last| {
            let used = usage.user + usage.system - last.usage.user - last.usage.system;
            (used / ((now - last.at).as_secs_f64() * cores)).clamp(0.0, 1.0)
        });
        *last = Some(Look { at: now, usage, utilization });
        *last
    }
}

pub(super) fn observe(meter: &Meter) {
    let process = Process::default();
    let started = Instant::now();
    let of = process.clone();
    meter
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("CPU time used")
        .with_callback(move |observer| {
            if let Some(Look { usage, .. }) = of.look() {
                observer.observe(usage.user, &[KeyValue::new("cpu.mode", "user")]);
                observer.observe(usage.system, &[KeyValue::new("cpu.mode", "system")]);
            }
        })
        .build();
    let of = process.clone();
    meter
        .f64_observable_gauge("process.cpu.utilization")
        .with_unit("1")
        .with_description("Share of all cores used since the last look")
        .with_callback(move |observer| {
            if let Some(share) = of.look().and_then(|look| look.utilization) {
                observer.observe(share, &[]);
            }
        })
        .build();
    meter
        .f64_observable_gauge("process.uptime")
        .with_unit("s")
        .with_description("Time since telemetry was initialised")
        .with_callback(move |observer| observer.observe(started.elapsed().as_secs_f64(), &[]))
        .build();
    let level = |name: &'static str, unit: &'static str, what: &'static str, get: fn(&Usage) -> Option<u64>| {
        let of = process.clone();
        meter
            .i64_observable_up_down_counter(name)
            .with_unit(unit)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(value) = of.look().and_then(|look| get(&look.usage)) {
                    observer.observe(i64::try_from(value).unwrap_or(i64::MAX), &[]);
                }
            })
            .build();
    };
    level("process.memory.usage", "By", "Resident memory", |usage| Some(usage.resident));
    level("process.memory.virtual", "By", "Virtual memory", |usage| Some(usage.virtual_memory));
    level("process.thread.count", "{thread}", "Threads", |usage| Some(usage.threads));
    level("process.unix.file_descriptor.count", "{file_descriptor}", "Open files", |usage| Some(usage.descriptors));
    level("app.process.file_descriptor.limit", "{file_descriptor}", "Most files that may be open", |usage| {
        usage.descriptor_limit
    });
}

fn read() -> Option<Usage> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (user, system, threads) = parse_stat(&stat)?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    Some(Usage {
        user,
        system,
        threads,
        resident: kibibytes(&status, "VmRSS:")?,
        virtual_memory: kibibytes(&status, "VmSize:")?,
        // One is the directory being read.
        descriptors: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
        descriptor_limit: descriptor_limit(&limits),
    })
}

/// User time, system time (seconds) and threads. The command name may hold spaces and parentheses, so it is skipped from the end.
fn parse_stat(stat: &str) -> Option<(f64, f64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // `man 5 proc` counts from 1 and the first field here is the third: utime 14, stime 15, num_threads 20.
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|ticks| ticks / TICKS_PER_SECOND);
    Some((seconds(11)?, seconds(12)?, fields.get(17)?.parse().ok()?))
}

fn kibibytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn descriptor_limit(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_name_with_parentheses_is_skipped() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 123 4096 10";
        assert_eq!(parse_stat(stat), Some((2.5, 0.5, 9)));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }

    #[test]
    fn own_process_is_read() {
        let usage = read().unwrap();
        assert!(usage.threads >= 1 && usage.resident > 100_000 && usage.descriptors >= 3, "{usage:?}");
        assert!(usage.descriptor_limit.is_some_and(|limit| limit >= usage.descriptors));
    }
}
