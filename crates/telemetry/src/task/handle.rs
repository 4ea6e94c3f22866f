//! What is left of a task with who spawned it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinHandle};

/// A spawned task; awaited, it gives what the task returned. Dropped, the task goes on.
#[derive(Debug)]
pub struct Handle<T>(pub(super) JoinHandle<T>);

/// Why a task returned nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// It was aborted, or its runtime ended.
    #[error("task was cancelled")]
    Cancelled,
    /// It panicked.
    #[error("task panicked: {0}")]
    Panicked(Panic),
}

/// What a task panicked with; shown as its message.
pub struct Panic {
    // Only so that an error can be shared between threads, as errors are expected to.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    /// What was given to `panic!`, for `std::panic::resume_unwind`.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Handle<T> {
    /// Ends the task where it waits next. One that blocks a thread goes on when it has begun.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Handle<T> {
    type Output = Result<T, Stopped>;

    fn poll(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(poller).map_err(Stopped::of)
    }
}

impl Stopped {
    /// No `From`: that would make tokio's error a part of what is public here.
    fn of(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::Panicked(Panic { payload: Mutex::new(payload) }),
            Err(_) => Self::Cancelled,
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload.lock().unwrap_or_else(PoisonError::into_inner);
        let text = payload.downcast_ref::<&str>().copied();
        f.write_str(text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message"))
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panic({self})")
    }
}
