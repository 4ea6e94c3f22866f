//! Progress on standard error: a live block on a terminal, plain lines elsewhere.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use chaos::verdict::Verdict;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::events::Event;

/// Prints events until the run is over.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
    active: BTreeSet<String>,
    phase: String,
}

impl Progress {
    /// A printer for standard error as it is: a terminal or not.
    #[must_use]
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is a constant; if it were wrong, the default still shows the message.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise}  {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { started: Instant::now(), bar, active: BTreeSet::new(), phase: String::new() }
    }

    /// Reads `events` until [`Event::Finished`], or until nobody can send any more.
    pub async fn follow(mut self, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(event) => {
                    let last = matches!(event, Event::Finished { .. });
                    self.show(&event);
                    if last {
                        break;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            }
        }
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::PhaseStarted { phase, detail, .. } => {
                self.phase = format!("{phase}: {detail}");
                self.line(&self.phase.clone());
            }
            Event::PhaseAdvanced { phase, done, failed, detail } => {
                let failed = match failed {
                    0 => String::new(),
                    failed => format!(", {failed} failed"),
                };
                self.message(&format!("{phase}: {done} done{failed}  {detail}"));
            }
            Event::PhaseFinished { phase, verdict, detail } => {
                self.line(&format!("{phase}: {}, {detail}", word(*verdict)))
            }
            Event::Service { name, state, detail } => match *state {
                "starting" | "ready" => self.message(&format!("{name} {state} {detail}")),
                _ => self.line(&format!("  {name} {state} {detail}")),
            },
            Event::Fault { fault, target, active, .. } => {
                let name = format!("{fault} on {target}");
                if *active {
                    self.line(&format!("  fault: {name}"));
                    self.active.insert(name);
                } else {
                    self.active.remove(&name);
                    self.line(&format!("  fault undone: {name}"));
                }
            }
            Event::Second { load, interval } => {
                let faults = if self.active.is_empty() {
                    String::new()
                } else {
                    let names: Vec<&str> = self.active.iter().map(String::as_str).collect();
                    format!("  [{}]", names.join(", "))
                };
                self.message(&format!(
                    "{load} {}s: offered {}, ok {}, failed {}, p99 {:.0} ms{faults}",
                    interval.second, interval.offered, interval.ok, interval.failed, interval.p99_ms
                ));
            }
            Event::Judged { name, verdict, detail } => match verdict {
                Verdict::Pass => self.line(&format!("  {} {name}", word(*verdict))),
                _ => self.line(&format!("  {} {name}: {detail}", word(*verdict))),
            },
            Event::Note { text } => self.line(&format!("  {text}")),
            // The sentence is part of the result, which is printed last.
            Event::Finished { .. } => {}
        }
    }

    fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.println(text);
                bar.set_message(self.phase.clone());
            }
            None => {
                let seconds = self.started.elapsed().as_secs_f64();
                // A closed standard error leaves nobody to tell.
                let _ = writeln!(std::io::stderr(), "[{seconds:6.1}s] {text}");
            }
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Invalid => "INVALID",
        Verdict::Aborted => "ABORTED",
        Verdict::Skipped => "skipped",
    }
}
