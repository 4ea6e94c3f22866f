//! Spans for work that is neither an HTTP request nor a message: a query, a mail, a step of a calculation.

use std::borrow::Cow;
use std::future::Future;

use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, Value};

use crate::work::{Failure, Work, open};

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

/// `Err` is a failure, typed by the path of the error's type without generics, such as `std::io::error::Error`; `_OTHER`
/// when that is erased (`Box<dyn Error>`).
impl<T, E: std::fmt::Display> Outcome for Result<T, E> {
    fn failure(&self) -> Option<(Cow<'static, str>, String)> {
        let error = self.as_ref().err()?;
        Some((Cow::Borrowed(type_path(std::any::type_name::<E>())), error.to_string()))
    }
}

/// `name` of a type without what it is parameterised by, and without the pointer it is behind.
fn type_path(name: &'static str) -> &'static str {
    const POINTERS: [&str; 3] = ["alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"];
    let mut name = name;
    while let Some(pointed) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
        name = pointed;
    }
    if name.trim_start_matches('&').starts_with("dyn ") {
        return "_OTHER";
    }
    name.split(['<', '>']).next().unwrap_or(name)
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
        let opened = open(self.name, self.kind, Context::current(), Vec::new(), |_| self.attributes);
        Work::new(opened, ()).run(future).await
    }
}

/// The failure of work that was dropped before it ended.
pub(crate) fn unfinished() -> Failure {
    let what = if std::thread::panicking() { "panic" } else { "cancelled" };
    Some((Cow::Borrowed(what), String::new()))
}

/// Ends the span of `context` with the outcome of its work.
pub(crate) fn end(context: &Context, failure: &Failure) {
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
            "internal search !core::fmt::Error\n  client SELECT gigs !core::fmt::Error\ninternal dropped !cancelled\n"
        );
        assert!(capture.spans().iter().all(|s| s.attribute("app.correlation_id") == capture.correlation_id().as_str()));
        assert_eq!(capture.spans()[0].attribute("db.system.name"), "sqlite");
    }

    #[test]
    fn errors_of_one_name_are_told_apart_and_erased_ones_are_other() {
        fn kind<E: std::fmt::Display>(error: E) -> String {
            Err::<(), _>(error).failure().unwrap().0.into_owned()
        }
        type Erased = Box<dyn std::error::Error + Send + Sync>;
        assert_eq!(kind(std::fmt::Error), "core::fmt::Error");
        assert_eq!(kind(std::io::Error::other("x")), "std::io::error::Error");
        assert_eq!(kind(std::sync::mpsc::SendError(vec![1])), "std::sync::mpsc::SendError");
        assert_eq!(kind(Box::new(std::fmt::Error)), "core::fmt::Error");
        assert_eq!(kind("x"), "&str");
        assert_eq!(kind(Erased::from("x")), "_OTHER");
        assert_eq!(kind(std::sync::Arc::new(Erased::from("x"))), "_OTHER");
    }
}
