//! A task while it runs.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use opentelemetry::metrics::{Counter, UpDownCounter};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};

use crate::late::{Late, count, duration, level};
use crate::metrics::{Histogram, with_attributes};
use crate::span;

struct Instruments {
    active: UpDownCounter<i64>,
    duration: Histogram,
    panics: Counter<u64>,
}

static INSTRUMENTS: Late<Instruments> = Late::new(|meter| Instruments {
    active: level(meter, "app.task.active", "{task}", "Tasks that were spawned and have not ended"),
    duration: duration(meter, "app.task.duration", "Time from spawning a task to its end"),
    panics: count(meter, "app.task.panics", "{task}", "Tasks that panicked"),
});

/// A task that was spawned; reports when it has ended, panicked or was dropped.
pub(super) struct Running {
    name: &'static str,
    pub(super) context: Context,
    /// Whether the span of `context` is the task's own.
    traced: bool,
    spawned: Instant,
    finished: bool,
}

impl Running {
    pub(super) fn new(name: &'static str, context: Context, traced: bool) -> Self {
        INSTRUMENTS.get().active.add(1, &[KeyValue::new("app.task.name", name)]);
        Self { name, context, traced, spawned: Instant::now(), finished: false }
    }

    /// The task has come to its end.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let failure = if self.finished { None } else { span::unfinished() };
        let error = failure.as_ref().map(|(kind, _)| kind);
        measure(self.name, &self.context, self.spawned.elapsed(), error);
        if error.is_some_and(|kind| kind == "panic") {
            // Whoever drops a task is not in its context, and the line must have its ids.
            let _guard = self.context.clone().attach();
            tracing::error!(target: "telemetry::task", { app.task.name = self.name }, "task panicked");
        }
        if self.traced {
            span::end(&self.context, &failure);
        }
    }
}

fn measure(name: &'static str, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
    let instruments = INSTRUMENTS.get();
    with_attributes(|attributes| {
        attributes.push(KeyValue::new("app.task.name", name));
        instruments.active.add(-1, attributes);
        if error.is_some_and(|kind| kind == "panic") {
            instruments.panics.add(1, attributes);
        }
        attributes.extend(error.map(|kind| KeyValue::new("error.type", kind.clone())));
        instruments.duration.record_in(elapsed.as_secs_f64(), attributes, context.span().span_context());
    });
}
