//! The process: CPU, memory, file descriptors and threads, read from `/proc/self` once a second.
//!
//! Elsewhere than on Linux nothing is reported.

use std::fs;
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::sampler::Samples;
use super::window::Window;

/// `USER_HZ`: the unit of `/proc/self/stat`, 100 on every architecture Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    user: f64,
    system: f64,
    threads: u64,
    resident: u64,
    virtual_memory: u64,
    descriptors: u64,
    descriptor_limit: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct ProcessSamples {
    last: Option<(Instant, Usage)>,
    /// Between the last two samples.
    utilization: Option<f64>,
    utilization_peak: Window,
    resident_peak: Window,
}

impl ProcessSamples {
    pub(super) fn add(&mut self, now: Instant, usage: Usage) {
        if let Some((before, last)) = self.last.replace((now, usage)) {
            let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
            let time = (now - before).as_secs_f64() * cores;
            if time > 0.0 {
                let share = ((usage.user + usage.system - last.user - last.system) / time).clamp(0.0, 1.0);
                self.utilization = Some(share);
                self.utilization_peak.add(share);
            }
        }
        self.resident_peak.add(usage.resident as f64);
    }

    fn usage(&self) -> Option<Usage> {
        self.last.map(|(_, usage)| usage)
    }
}

pub(super) fn observe(meter: &Meter, samples: &Samples) {
    let started = Instant::now();
    let of = samples.clone();
    meter
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("CPU time used")
        .with_callback(move |observer| {
            if let Some(usage) = of.latest().process.usage() {
                observer.observe(usage.user, &[KeyValue::new("cpu.mode", "user")]);
                observer.observe(usage.system, &[KeyValue::new("cpu.mode", "system")]);
            }
        })
        .build();
    let share = |name: &'static str, what: &'static str, get: fn(&ProcessSamples) -> Option<f64>| {
        let of = samples.clone();
        meter
            .f64_observable_gauge(name)
            .with_unit("1")
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(share) = get(&of.latest().process) {
                    observer.observe(share, &[]);
                }
            })
            .build();
    };
    share("process.cpu.utilization", "Share of all cores used in the last second", |samples| samples.utilization);
    share(
        "app.process.cpu.utilization.max",
        "Share of all cores used in the busiest second of the last minute",
        |samples| samples.utilization_peak.max(),
    );
    meter
        .f64_observable_gauge("process.uptime")
        .with_unit("s")
        .with_description("Time since telemetry was initialised")
        .with_callback(move |observer| observer.observe(started.elapsed().as_secs_f64(), &[]))
        .build();
    let of = samples.clone();
    meter
        .f64_observable_gauge("app.process.memory.usage.max")
        .with_unit("By")
        .with_description("Most resident memory, of the samples of the last minute")
        .with_callback(move |observer| {
            if let Some(bytes) = of.latest().process.resident_peak.max() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
    let level = |name: &'static str, unit: &'static str, what: &'static str, get: fn(&Usage) -> Option<u64>| {
        let of = samples.clone();
        meter
            .i64_observable_up_down_counter(name)
            .with_unit(unit)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(value) = of.latest().process.usage().as_ref().and_then(get) {
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

/// `None` elsewhere than on Linux.
pub(super) fn read() -> Option<Usage> {
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
        descriptors: descriptors()?,
        descriptor_limit: descriptor_limit(&limits),
    })
}

/// Since Linux 6.2 the size of the directory says how many; before, one has to count, the directory itself left out.
fn descriptors() -> Option<u64> {
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1)),
        size => Some(size),
    }
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
    fn utilization_is_of_the_last_interval_and_its_peak_stays() {
        let (mut samples, started) = (ProcessSamples::default(), Instant::now());
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        for (second, used) in [(0, 0.0), (1, 0.5), (2, 0.5)] {
            let usage = Usage { user: used * cores, system: 0.0, ..read().unwrap() };
            samples.add(started + std::time::Duration::from_secs(second), usage);
        }
        assert_eq!((samples.utilization, samples.utilization_peak.max()), (Some(0.0), Some(0.5)));
    }

    #[test]
    fn own_process_is_read() {
        let usage = read().unwrap();
        assert!(usage.threads >= 1 && usage.resident > 100_000 && usage.descriptors >= 3, "{usage:?}");
        assert!(usage.descriptor_limit.is_some_and(|limit| limit >= usage.descriptors));
    }
}
