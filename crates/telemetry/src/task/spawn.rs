//! Spawning.

use std::future::Future;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::handle::Handle;
use super::running::Running;
use crate::work::open;
use crate::{baggage, correlation};

/// A task to be spawned, in the current context unless told otherwise.
///
/// # Examples
///
/// ```
/// use telemetry::task::Task;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sum = Task::new("sum").traced().spawn_blocking(|| (1..=10).sum::<u32>());
/// assert_eq!(sum.await.unwrap(), 55);
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a task runs when it is spawned"]
pub struct Task {
    name: &'static str,
    traced: bool,
    detached: bool,
}

/// Spawns `future` in the current context, without a span of its own; see [`Task`] for more.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn spawn<F>(name: &'static str, future: F) -> Handle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    Task::new(name).spawn(future)
}

/// Runs `work`, which may block, on a thread for such work, in the current context, without a span of its own.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn spawn_blocking<T: Send + 'static>(name: &'static str, work: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
    Task::new(name).spawn_blocking(work)
}

/// Spawns `future` as something of its own, which outlives what spawned it: a new trace, linked to the current span, with
/// the current correlation id and baggage.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn spawn_detached<F>(name: &'static str, future: F) -> Handle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    Task::new(name).detached().spawn(future)
}

impl Task {
    /// A task; its name becomes an attribute of metrics, so there may only be few.
    pub fn new(name: &'static str) -> Self {
        Self { name, traced: false, detached: false }
    }

    /// Gives it an INTERNAL span of its own, which is named like it.
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Gives it a trace of its own, with a link to the current span; correlation id and baggage stay.
    pub fn detached(mut self) -> Self {
        self.detached = true;
        self.traced()
    }

    /// Spawns `future`.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<F>(self, future: F) -> Handle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Handle(tokio::spawn(self.wrap(future)))
    }

    /// `future` as this task, to be spawned by something else, such as a `JoinSet`; it counts as a task from now on.
    pub fn wrap<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        let running = self.start();
        let context = running.context.clone();
        let task = async move {
            let output = future.await;
            running.finish();
            output
        };
        task.with_context(context)
    }

    /// Runs `work`, which may block, on a thread for such work.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn_blocking<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        let running = self.start();
        Handle(tokio::task::spawn_blocking(move || {
            let _guard = running.context.clone().attach();
            let output = work();
            running.finish();
            output
        }))
    }

    fn start(&self) -> Running {
        let current = Context::current();
        if !self.traced {
            return Running::new(self.name, current, false);
        }
        let mut links = Vec::new();
        let parent = if self.detached {
            let spawner = current.span().span_context().clone();
            links.extend(spawner.is_valid().then(|| Link::with_context(spawner)));
            // A context cannot lose its span, so what else it has moves to a new one.
            let outside = Context::new().with_baggage(baggage::copied(&current));
            match correlation::of(&current) {
                Some(id) => outside.with_value(id),
                None => outside,
            }
        } else {
            current
        };
        let attributes = |_: &_| vec![KeyValue::new("app.task.name", self.name)];
        let (context, _) = open(self.name, SpanKind::Internal, parent, links, attributes);
        Running::new(self.name, context, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Observe;
    use crate::task::Stopped;
    use crate::testing::{capture, metric};

    #[tokio::test]
    async fn tasks_are_children_or_linked_and_keep_the_correlation_id() {
        let capture = capture();
        let id = || async { correlation::current() };
        let request = async {
            let child = Task::new("task-child").traced().spawn(id());
            let blocking = spawn_blocking("task-blocking", correlation::current);
            let detached = spawn_detached("task-detached", id());
            for task in [child, blocking, detached] {
                assert_eq!(task.await.unwrap().as_ref(), Some(capture.correlation_id()));
            }
        };
        capture.run(Observe::internal("request").run(request)).await;
        let tree = capture.tree();
        assert!(tree.contains("internal request\n  internal task-child\n"), "{tree}");
        assert!(tree.contains("internal task-detached ~> request\n"), "{tree}");
        for name in ["task-child", "task-blocking", "task-detached"] {
            assert_eq!(metric("app.task.duration", &[("app.task.name", name)]), 1.0, "{name}");
            assert_eq!(metric("app.task.active", &[("app.task.name", name)]), 0.0, "{name}");
        }
    }

    #[tokio::test]
    async fn panics_and_aborts_are_told_apart() {
        let capture = capture();
        let spawned = async {
            let broken = Task::new("task-broken").traced().spawn(async { panic!("no more") });
            let blocking = spawn_blocking("task-broken", || panic!("no more"));
            let aborted = Task::new("task-aborted").traced().spawn(std::future::pending::<()>());
            aborted.abort();
            let stopped: [Stopped; 2] = [broken.await.unwrap_err(), blocking.await.unwrap_err()];
            assert!(stopped.iter().all(|stopped| stopped.to_string() == "task panicked: no more"));
            assert!(matches!(aborted.await, Err(Stopped::Cancelled)));
        };
        capture.run(spawned).await;
        assert_eq!(metric("app.task.panics", &[("app.task.name", "task-broken")]), 2.0);
        assert_eq!(metric("app.task.duration", &[("error.type", "cancelled"), ("app.task.name", "task-aborted")]), 1.0);
        assert_eq!(capture.tree(), "internal task-broken !panic\ninternal task-aborted !cancelled\n");
        assert_eq!(capture.logs().iter().filter(|line| line.contains("\"task panicked\"")).count(), 2);
    }
}
