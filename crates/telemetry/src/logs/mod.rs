//! Log lines: one per event, with the ids of the operation it belongs to, written without ever blocking the caller.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

mod bridge;
mod control;
mod encode;
mod fields;
mod filter;
mod ids;
mod keys;
mod layer;
mod limit;
mod line;
mod lines;
mod panic;
mod record;
mod spans;
mod stats;
#[cfg(test)]
mod tests;
mod timestamp;
mod writer;

pub(crate) use bridge::hear_log_crate;
pub(crate) use encode::Style;
pub use filter::InvalidFilter;
pub(crate) use keys::RESERVED;
pub(crate) use limit::Limits;
pub(crate) use panic::install_hook;
pub(crate) use record::RecordSink;
pub use stats::LogStats;
pub(crate) use writer::{Sink, Writer};

use filter::Filter;
use limit::Limiter;
use lines::Lines;

/// Who writes: in every line.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) instance: String,
}

/// How lines are made, and where records go.
pub(crate) struct Options {
    pub(crate) service: Service,
    pub(crate) style: Style,
    pub(crate) limits: Limits,
    /// Takes each line as an OTLP record, too; without one, none is built.
    pub(crate) sink: Option<Arc<dyn RecordSink>>,
}

/// The handle of what [`subscriber`] made.
#[derive(Clone)]
pub(crate) struct Logs {
    pub(crate) writer: Writer,
    lines: Arc<Lines>,
}

/// Whether [`subscriber`] would take these directives.
pub(crate) fn check_filter(directives: &str) -> Result<(), InvalidFilter> {
    Filter::new(directives).map(drop)
}

/// A subscriber that writes to `writer` what passes `directives`.
pub(crate) fn subscriber(
    options: Options,
    directives: &str,
    writer: Writer,
) -> Result<(impl tracing::Subscriber + Send + Sync, Logs), InvalidFilter> {
    let lines = Arc::new(Lines {
        style: options.style,
        service: options.style.service(&options.service),
        writer: writer.clone(),
        filter: Filter::new(directives)?,
        limiter: Limiter::new(options.limits),
        sink: options.sink,
    });
    // Weak, because the lines own the writer.
    let weak: Weak<Lines> = Arc::downgrade(&lines);
    writer.set_chores(weak);
    let layer = layer::LogLayer(Arc::clone(&lines));
    Ok((Registry::default().with(layer), Logs { writer, lines }))
}

impl Logs {
    /// Replaces the filter for the rest of the process.
    pub(crate) fn set_filter(&self, directives: &str) -> Result<(), InvalidFilter> {
        self.lines.filter.set(directives, None)
    }

    /// Replaces the filter for some time; then the one that was set for good is in force again.
    pub(crate) fn set_filter_for(&self, directives: &str, time: Duration) -> Result<(), InvalidFilter> {
        self.lines.filter.set(directives, Instant::now().checked_add(time))?;
        self.writer.nudge();
        Ok(())
    }

    /// The filter in force, and for how much longer unless that is for good.
    pub(crate) fn shown(&self) -> (String, Option<Duration>) {
        self.lines.filter.shown()
    }

    /// Waits until every line so far is written; `false` when time ran out first.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.lines.tell_all_suppressed();
        self.writer.flush(timeout)
    }

    /// What became of the lines so far.
    pub(crate) fn stats(&self) -> LogStats {
        let writer = self.writer.stats();
        LogStats {
            written: writer.written,
            dropped: writer.dropped,
            failed: writer.failed,
            waiting: writer.waiting,
            suppressed: self.lines.limiter.suppressed(),
        }
    }
}
