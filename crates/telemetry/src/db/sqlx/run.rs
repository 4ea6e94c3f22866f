//! What a query of sqlx returns, turned into what its span says.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use sqlx::error::ErrorKind;
use sqlx::{Either, Error};

use crate::db::query::{Measured, returned};
use crate::span::Outcome;
use crate::work::{Failure, Work};

/// A result of sqlx, of which only the kind of error is told: the text may show values.
pub(super) struct Told<T>(pub(super) Result<T, Error>);

impl<T> Outcome for Told<T> {
    fn failure(&self) -> Failure {
        Some((error_type(self.0.as_ref().err()?), String::new()))
    }
}

/// A future of sqlx, with its result told.
pub(super) async fn told<T>(future: impl Future<Output = Result<T, Error>>) -> Told<T> {
    Told(future.await)
}

/// Runs `future` as the `work`.
pub(super) async fn finished<T>(
    work: Work<Measured>,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let output = told(future).with_context(work.context.clone()).await;
    work.finish(output.failure());
    output.0
}

/// The same for a query that gives one row or none.
pub(super) async fn found<T>(
    work: Work<Measured>,
    future: impl Future<Output = Result<Option<T>, Error>>,
) -> Result<Option<T>, Error> {
    let found = told(future).with_context(work.context.clone()).await;
    if let Ok(row) = &found.0 {
        returned(&work.context, u64::from(row.is_some()));
    }
    work.finish(found.failure());
    found.0
}

/// Few and stable, as `error.type` must be.
fn error_type(error: &Error) -> Cow<'static, str> {
    let kind = match error {
        Error::Configuration(_) | Error::InvalidArgument(_) => "configuration",
        Error::Database(error) => match error.kind() {
            ErrorKind::UniqueViolation => "unique_violation",
            ErrorKind::ForeignKeyViolation => "foreign_key_violation",
            ErrorKind::NotNullViolation => "not_null_violation",
            ErrorKind::CheckViolation => "check_violation",
            ErrorKind::ExclusionViolation => "exclusion_violation",
            // SQLSTATE, or the number the database has for it: there are some hundred of them.
            _ => return error.code().map_or(Cow::Borrowed("database_error"), |code| Cow::Owned(code.into_owned())),
        },
        Error::Io(_) => "io_error",
        Error::Tls(_) => "tls_error",
        Error::Protocol(_) => "protocol_error",
        Error::RowNotFound => "row_not_found",
        Error::PoolTimedOut => "pool_timed_out",
        Error::PoolClosed => "pool_closed",
        Error::WorkerCrashed => "worker_crashed",
        Error::Encode(_) => "encode_error",
        Error::Decode(_) | Error::ColumnDecode { .. } | Error::ColumnNotFound(_) => "decode_error",
        _ => "_OTHER",
    };
    Cow::Borrowed(kind)
}

/// Rows as they come, inside the query's span, which ends with the last of them.
pub(super) struct Rows<'e, Q, R> {
    stream: BoxStream<'e, Result<Either<Q, R>, Error>>,
    work: Option<Work<Measured>>,
    rows: u64,
}

impl<'e, Q, R> Rows<'e, Q, R> {
    pub(super) fn new(work: Work<Measured>, stream: BoxStream<'e, Result<Either<Q, R>, Error>>) -> Self {
        Self { stream, work: Some(work), rows: 0 }
    }

    fn finish(&mut self, failure: Failure) {
        if let Some(work) = self.work.take() {
            returned(&work.context, self.rows);
            work.finish(failure);
        }
    }
}

impl<Q, R> Stream for Rows<'_, Q, R> {
    type Item = Result<Either<Q, R>, Error>;

    fn poll_next(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = {
            let _guard = this.work.as_ref().map(|work| Context::attach(work.context.clone()));
            this.stream.as_mut().poll_next(poller)
        };
        match &polled {
            Poll::Ready(None) => this.finish(None),
            Poll::Ready(Some(Err(error))) => this.finish(Some((error_type(error), String::new()))),
            Poll::Ready(Some(Ok(Either::Right(_)))) => this.rows += 1,
            _ => {}
        }
        polled
    }
}

impl<Q, R> Drop for Rows<'_, Q, R> {
    fn drop(&mut self) {
        // Who has read some rows may have had enough; who has read none was cancelled.
        if self.rows > 0 && !std::thread::panicking() {
            self.finish(None);
        }
    }
}
