//! The modes, their processes, and the rounds in which they take turns.

use std::io::{BufRead, BufReader, Read, stderr};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::collector::{Answers, Collector};
use crate::load::offer;
use crate::service::{ANSWER, MODE};
use crate::{Plan, print};

/// Load before anything is recorded, in which buffers and queues grow to their bounds.
const WARM_UP: Duration = Duration::from_secs(2);

/// What the collector of a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No telemetry: what the others are compared with.
    Baseline,
    /// No telemetry again: how much two equal services differ.
    Noise,
    /// The collector takes everything.
    Up,
    /// It is killed at half time; judged is what comes after.
    Killed,
    /// It accepts and never answers.
    Hanging,
    /// It answers 500.
    Failing,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Baseline, Self::Noise, Self::Up, Self::Killed, Self::Hanging, Self::Failing];

    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "no telemetry",
            Self::Noise => "no telemetry, again",
            Self::Up => "collector up",
            Self::Killed => "collector killed",
            Self::Hanging => "collector hanging",
            Self::Failing => "collector answers 500",
        }
    }

    fn collector(self) -> Option<Collector> {
        match self {
            Self::Baseline | Self::Noise => None,
            Self::Up | Self::Killed => Some(Collector::start(Answers::Ok)),
            Self::Hanging => Some(Collector::start(Answers::Never)),
            Self::Failing => Some(Collector::start(Answers::Error)),
        }
    }

    /// Whether the service has telemetry.
    pub fn observed(self) -> bool {
        !matches!(self, Self::Baseline | Self::Noise)
    }

    /// Whether what is exported cannot arrive.
    pub fn faulty(self) -> bool {
        matches!(self, Self::Killed | Self::Hanging | Self::Failing)
    }
}

/// What was seen of one mode.
pub struct Seen {
    pub mode: Mode,
    /// Microseconds, one per judged slice, in the order of the rounds.
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
    /// Which round each judged slice was in.
    pub rounds: Vec<usize>,
    pub requests: u64,
    pub failed: u64,
    /// Processor time per request, in microseconds.
    pub cpu_us: f64,
    /// Resident memory in MiB.
    pub rss_warm: f64,
    /// When a quarter of the rounds was left, all of it under the mode's fault.
    pub rss_late: f64,
    pub rss_end: f64,
    /// What its shutdown reported; null without telemetry.
    pub shutdown: Value,
    /// From the end of input to the end of the process.
    pub ended_in: Duration,
}

struct Running {
    collector: Option<Collector>,
    process: Child,
    stdin: Option<ChildStdin>,
    answers: BufReader<ChildStderr>,
    address: SocketAddr,
    cpu_before: f64,
    seen: Seen,
}

/// Runs all modes, side by side.
pub fn run(plan: &Plan) -> Vec<Seen> {
    let mut running: Vec<Running> = Mode::ALL.into_iter().map(start).collect();
    for service in &mut running {
        let warm_up = offer(service.address, plan.rate, WARM_UP.min(Duration::from_secs(plan.seconds)));
        service.seen.failed += warm_up.failed;
        service.seen.rss_warm = resident(service.process.id());
        service.cpu_before = processor_time(service.process.id());
    }
    let rounds = (plan.seconds as f64 / plan.slice.as_secs_f64()).ceil() as usize;
    for round in 0..rounds {
        if round == rounds / 2 {
            for service in running.iter().filter(|service| service.seen.mode == Mode::Killed) {
                service.collector.iter().for_each(Collector::kill);
            }
        }
        if round == rounds * 3 / 4 {
            for service in &mut running {
                service.seen.rss_late = resident(service.process.id());
            }
        }
        if round % 10 == 0 {
            print(stderr(), &format!("round {} of {rounds}", round + 1));
        }
        for turn in 0..running.len() {
            // Each round begins with another, so that none always follows the same.
            let at = (turn + round) % running.len();
            let service = &mut running[at];
            let slice = offer(service.address, plan.rate, plan.slice);
            let seen = &mut service.seen;
            seen.requests += slice.latency.len();
            seen.failed += slice.failed;
            if seen.mode != Mode::Killed || round >= rounds / 2 {
                seen.rounds.push(round);
                seen.p50.push(slice.latency.value_at_quantile(0.5) as f64 / 1e3);
                seen.p99.push(slice.latency.value_at_quantile(0.99) as f64 / 1e3);
            }
        }
    }
    running.into_iter().map(stop).collect()
}

fn start(mode: Mode) -> Running {
    let collector = mode.collector();
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(MODE, if mode.observed() { "telemetry" } else { "none" });
    if let Some(collector) = &collector {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    }
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut process = spawned.expect("this program can be started");
    let stdin = process.stdin.take();
    let mut answers = BufReader::new(process.stderr.take().expect("piped"));
    let address = answer(&mut answers)["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
    let seen = Seen {
        mode,
        p50: Vec::new(),
        p99: Vec::new(),
        rounds: Vec::new(),
        requests: 0,
        failed: 0,
        cpu_us: 0.0,
        rss_warm: 0.0,
        rss_late: 0.0,
        rss_end: 0.0,
        shutdown: Value::Null,
        ended_in: Duration::ZERO,
    };
    Running { collector, process, stdin, answers, address, cpu_before: 0.0, seen }
}

fn stop(mut service: Running) -> Seen {
    let pid = service.process.id();
    service.seen.rss_end = resident(pid);
    service.seen.cpu_us = (processor_time(pid) - service.cpu_before) * 1e6 / service.seen.requests.max(1) as f64;
    let asked = Instant::now();
    drop(service.stdin.take());
    service.seen.shutdown = answer(&mut service.answers);
    service.process.wait().expect("a child of ours");
    service.seen.ended_in = asked.elapsed();
    service.seen
}

/// The next line that is meant for us; null when there is none.
fn answer(lines: &mut BufReader<ChildStderr>) -> Value {
    for line in lines.by_ref().lines().map_while(Result::ok) {
        match line.strip_prefix(ANSWER) {
            Some(json) => return serde_json::from_str(json).unwrap_or(Value::Null),
            None => print(stderr(), &line),
        }
    }
    Value::Null
}

/// Resident memory of a process, in MiB; 0 where there is no `/proc`.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
}

/// Processor time of a process so far, in seconds; 0 where there is no `/proc`.
fn processor_time(pid: u32) -> f64 {
    /// What Linux shows to programs, whatever it counts in itself.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the last parenthesis may contain anything. User and system time are fields 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}
