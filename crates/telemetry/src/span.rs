//! Spans for work that is neither an HTTP request nor a message: a query, a mail, a step of a calculation.

use std::borrow::Cow;
use std::future::Future;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};

use crate::core::core;
use crate::correlation;

/// What the output of some work says about its success.
pub trait Outcome {
    /// `error.type` and a text for the span, when the work failed. The type must be of low cardinality.
    fn failure(&self) -> Option<(Cow<'static, str>, String)>;
}

/// Work that cannot fail.
impl Outcome for () {
    fn failure(&self) -> Option<(Cow<'static, str>, String)> {
        None
    }
}

/// `Err` is a failure, typed by the name of the error's type.
impl<T, E: std::fmt::Display> Outcome for Result<T, E> {
    fn failure(&self) -> Option<(Cow<'static, str>, String)> {
        let error = self.as_ref().err()?;
        let path = std::any::type_name::<E>();
        let path = path.split('<').next().unwrap_or(path);
        Some((Cow::Borrowed(path.rsplit("::").next().unwrap_or(path)), error.to_string()))
    }
}

/// A span to be opened around some work.
///
/// # Examples
///
/// ```
/// use telemetry::span::Observe;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let rows = Observe::client("SELECT gigs")
///     .attribute("db.system.name", "sqlite")
///     .run(async { Ok::<_, std::io::Error>(3) })
///     .await;
/// assert_eq!(rows.unwrap(), 3);
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it opens no span until it runs something"]
pub struct Observe {
    name: Cow<'static, str>,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
}

impl Observe {
    /// A step inside this process. The name must be of low cardinality.
    pub fn internal(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), kind: SpanKind::Internal, attributes: Vec::new() }
    }

    /// A call to something outside, such as a database or a mail server. The name must be of low cardinality.
    pub fn client(name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: SpanKind::Client, ..Self::internal(name) }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Runs `future` inside the span, which ends with it; dropped or panicking, it is recorded as such.
    pub async fn run<F>(self, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let (parent, _) = correlation::ensure(Context::current());
        let builder = SpanBuilder::from_name(self.name).with_kind(self.kind);
        let context = parent.with_span(core().tracer.build_with_context(builder, &parent));
        if context.span().is_recording() {
            context.span().set_attributes(self.attributes);
        }
        let mut open = Open { context, outcome: None };
        let output = future.with_context(open.context.clone()).await;
        open.outcome = Some(output.failure());
        output
    }
}

/// A span that is open; ends it when dropped.
struct Open {
    context: Context,
    /// `None` until the work has ended.
    outcome: Option<Option<(Cow<'static, str>, String)>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        end(&self.context, &self.outcome.take().unwrap_or_else(unfinished));
    }
}

/// The failure of work that was dropped before it ended.
pub(crate) fn unfinished() -> Option<(Cow<'static, str>, String)> {
    let what = if std::thread::panicking() { "panic" } else { "cancelled" };
    Some((Cow::Borrowed(what), String::new()))
}

/// Ends the span of `context` with the outcome of its work.
pub(crate) fn end(context: &Context, failure: &Option<(Cow<'static, str>, String)>) {
    let span = context.span();
    if let Some((kind, text)) = failure
        && span.is_recording()
    {
        span.set_attribute(KeyValue::new("error.type", kind.clone()));
        span.set_status(Status::error(text.clone()));
    }
    span.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::capture;

    #[tokio::test]
    async fn nested_work_is_a_tree_and_failures_are_typed() {
        let capture = capture();
        let query = Observe::client("SELECT gigs").attribute("db.system.name", "sqlite");
        let work = async { query.run(async { Err::<(), _>(std::fmt::Error) }).await };
        let result = capture.run(Observe::internal("search").run(work)).await;
        assert!(result.is_err());
        let mut dropped = Box::pin(capture.run(Observe::internal("dropped").run(std::future::pending::<()>())));
        assert!(futures_util::poll!(dropped.as_mut()).is_pending());
        drop(dropped);
        assert_eq!(
            capture.tree(),
            "internal search !Error\n  client SELECT gigs !Error\ninternal dropped !cancelled\n"
        );
        assert!(capture.spans().iter().all(|s| s.attribute("app.correlation_id") == capture.correlation_id().as_str()));
        assert_eq!(capture.spans()[0].attribute("db.system.name"), "sqlite");
    }
}
