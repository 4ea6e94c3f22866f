//! Named checks: run together, bounded in time, and no more often than their results get stale.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::redact;

type Run = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// Something that readiness depends on.
pub(super) struct Check {
    pub(super) name: Cow<'static, str>,
    run: Box<Run>,
    /// Held by a run until it has ended: one that blocks its thread can't be stopped, and each probe would block another.
    turn: Mutex<()>,
}

/// All checks of a process and what they last said.
#[derive(Debug, Clone)]
pub(super) struct Checks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    checks: Vec<Check>,
    timeout: Duration,
    cache: Duration,
    /// Held while the checks run, so that whoever asks meanwhile waits for the same results.
    last: Mutex<Option<(Instant, Report)>>,
}

/// What all checks said.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) status: Health,
    checks: BTreeMap<Cow<'static, str>, Finding>,
}

/// What one check said.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    status: Health,
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    Up,
    Down,
}

// === impl Check ===

impl Check {
    pub(super) fn new<F, Fut, E>(name: Cow<'static, str>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let run = move || {
            let answer = check();
            let answer = async move { answer.await.map_err(|error| redact::text(&error.to_string()).into_owned()) };
            Box::pin(answer) as Pin<Box<dyn Future<Output = _> + Send>>
        };
        Self { name, run: Box::new(run), turn: Mutex::new(()) }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Checks ===

impl Checks {
    pub(super) fn new(checks: Vec<Check>, timeout: Duration, cache: Duration) -> Self {
        Self(Arc::new(Shared { checks, timeout, cache, last: Mutex::new(None) }))
    }

    /// The results, not older than the cache time.
    pub(super) async fn report(&self) -> Report {
        let mut last = self.0.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < self.0.cache
        {
            return report.clone();
        }
        let report = self.run().await;
        report.tell_changes(last.as_ref().map(|(_, before)| before));
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn run(&self) -> Report {
        let shared = &self.0;
        let started = Instant::now();
        let mut running = JoinSet::new();
        let mut tasks = HashMap::new();
        for at in 0..shared.checks.len() {
            let shared = Arc::clone(shared);
            // Queries of a check are nobody's request; in traces they would only be noise.
            let quiet = Context::new().with_telemetry_suppressed();
            let run = async move {
                let check = &shared.checks[at];
                let _turn = check.turn.lock().await;
                (check.run)().await
            };
            tasks.insert(running.spawn(run.with_context(quiet)).id(), at);
        }
        // The task spawned last waits for this very thread, and no other is woken for it: were that a check that blocks, all
        // might sleep through the deadline.
        running.spawn(async { Ok(()) });
        let mut answers: Vec<Option<Finding>> = vec![None; shared.checks.len()];
        let deadline = tokio::time::Instant::from_std(started + shared.timeout);
        // Those that still run at the deadline end with the set.
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, running.join_next_with_id()).await {
            let (task, answer) = match ended {
                Ok((task, answer)) => (task, answer),
                Err(panicked) => (panicked.id(), Err("the check panicked".to_owned())),
            };
            if let Some(at) = tasks.get(&task) {
                answers[*at] = Some(Finding::new(started.elapsed(), answer));
            }
        }
        let late =
            || Finding::new(started.elapsed(), Err(format!("no answer within {} ms", shared.timeout.as_millis())));
        let checks: BTreeMap<_, _> = shared
            .checks
            .iter()
            .zip(answers)
            .map(|(check, answer)| (check.name.clone(), answer.unwrap_or_else(late)))
            .collect();
        let up = checks.values().all(|finding| finding.status == Health::Up);
        Report { status: if up { Health::Up } else { Health::Down }, checks }
    }
}

// === impl Report ===

impl Report {
    /// One line per check that went down or came back; a check that never failed says nothing.
    fn tell_changes(&self, before: Option<&Self>) {
        for (name, finding) in &self.checks {
            let before = before.and_then(|report| report.checks.get(name)).map_or(Health::Up, |finding| finding.status);
            match (before, finding.status) {
                (Health::Up, Health::Down) => {
                    tracing::warn!(target: "telemetry::health", { app.health.check = &**name, app.health.reason = finding.reason }, "check is down");
                }
                (Health::Down, Health::Up) => {
                    tracing::info!(target: "telemetry::health", { app.health.check = &**name }, "check is up again");
                }
                _ => {}
            }
        }
    }
}

// === impl Finding ===

impl Finding {
    fn new(took: Duration, answer: Result<(), String>) -> Self {
        Self {
            status: if answer.is_ok() { Health::Up } else { Health::Down },
            took_ms: took.as_micros() as f64 / 1000.0,
            reason: answer.err(),
        }
    }
}
