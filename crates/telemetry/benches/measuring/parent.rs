//! The processes of the stacks.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write, stderr};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::child::{ANSWER, ENDPOINT, STACK};
use super::sink::Sink;
use super::{Figures, print};
use crate::stacks::{Stack, Trace, environment};

/// Time for the last batch of a stack to arrive.
const DRAINED_WITHIN: Duration = Duration::from_secs(20);
/// How often it is asked whether it has.
const POLL: Duration = Duration::from_micros(500);

/// A stack, with or without export: what one process can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Id of the stack.
    pub stack: &'static str,
    /// Whether it exports.
    pub exported: bool,
}

struct Running {
    process: Child,
    stdin: ChildStdin,
    answers: BufReader<ChildStderr>,
    spans: u64,
}

/// All processes, and the collector they export to.
pub struct Children {
    sink: Sink,
    running: HashMap<Place, Running>,
}

impl Children {
    /// None yet.
    pub fn new() -> Self {
        Self { sink: Sink::start(), running: HashMap::new() }
    }

    /// Lets a stack do `times` times what it does, in its own process, which is started if need be, and waits until all
    /// of it has arrived at the collector. What it cost, per time.
    pub fn run(&mut self, place: Place, trace: Trace, times: u64) -> Figures {
        let sink = &self.sink;
        let running = self.running.entry(place).or_insert_with(|| start(place, sink));
        let before = running.ask("totals", place);
        let kind = if trace == Trace::Sampled { "sampled" } else { "unsampled" };
        let mut figures = running.ask(&format!("{kind} {times}"), place);
        if trace == Trace::Sampled {
            running.spans += times * Stack::find(place.stack).map_or(0, |stack| stack.spans);
        }
        let asked = Instant::now();
        while place.exported && sink.spans(place.stack) < running.spans && asked.elapsed() < DRAINED_WITHIN {
            std::thread::sleep(POLL);
        }
        for (name, total) in running.ask("totals", place) {
            let grown = total - before.get(&name).copied().unwrap_or_default();
            figures.insert(name, grown);
        }
        figures.into_iter().map(|(name, figure)| (name, figure / times as f64)).collect()
    }

    /// Ends all processes; each stack that exported other than the spans it was to make, in a sentence.
    pub fn finish(self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (place, mut running) in self.running {
            drop(running.stdin);
            for line in running.answers.lines().map_while(Result::ok) {
                print(stderr(), &line);
            }
            let ended = running.process.wait().expect("a child of ours");
            if !ended.success() {
                wrong.push(format!("{} ended with {ended}", place.stack));
            }
            let (made, exported) = (running.spans, self.sink.spans(place.stack));
            if place.exported && exported != made {
                wrong.push(format!("{}: {made} spans were made, but {exported} arrived", place.stack));
            }
        }
        wrong
    }
}

impl Running {
    /// Figures, once the stack has done as it is told.
    fn ask(&mut self, what: &str, place: Place) -> Figures {
        writeln!(self.stdin, "{what}").expect("the stack still runs");
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line).expect("the stack still runs");
            assert!(read > 0, "the process of `{}` ended; expected figures", place.stack);
            match line.strip_prefix(ANSWER) {
                Some(figures) => return serde_json::from_str(figures).expect("figures"),
                None => print(stderr(), &format!("{}: {}", place.stack, line.trim_end())),
            }
        }
    }
}

fn start(place: Place, sink: &Sink) -> Running {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    // Nobody's environment shall change what is compared.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("OTEL_") || name.starts_with("RUST_LOG") {
            command.env_remove(name);
        }
    }
    command.env(STACK, place.stack);
    if place.exported {
        let endpoint = sink.endpoint(place.stack);
        command.env(ENDPOINT, &endpoint).envs(environment(&endpoint));
    } else {
        command.env("OTEL_TRACES_EXPORTER", "none").env_remove(ENDPOINT);
    }
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut process = spawned.expect("this program can be started");
    let (stdin, answers) = (process.stdin.take().expect("piped"), process.stderr.take().expect("piped"));
    Running { process, stdin, answers: BufReader::new(answers), spans: 0 }
}
