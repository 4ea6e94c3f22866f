//! Calls to others over HTTP, kept from doing harm: to who is called, and to who calls.
//!
//! Three things, each for itself and for one party only, so that trouble with one leaves room for the others:
//!
//! - a bulkhead: so many calls at once, any further one is refused at once;
//! - a circuit breaker: a party that could not be reached [`FAILURES`] times in a row is left alone for [`PAUSE`], then one
//!   call tries;
//! - a bound on what is read of an answer.
//!
//! How long a call may take is said by the call itself; whether it is tried again is for its caller to decide.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use telemetry::http::RequestBuilder;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

/// Calls in a row that brought no answer, after which a party is left alone.
pub const FAILURES: usize = 20;

/// How long it is left alone. Short, so that one that was started anew is not punished for long.
pub const PAUSE: Duration = Duration::from_millis(500);

/// Most bytes of an answer.
pub const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A party that is called over HTTP. Clones share its limits.
///
/// # Examples
///
/// ```no_run
/// use platform::outbound::{Outbound, OutboundError};
///
/// async fn rates(banks: &Outbound, http: &telemetry::http::Client) -> Result<String, OutboundError> {
///     let (status, body) = banks.send(http.get("http://bank.example/rates")).await?;
///     Ok(format!("{status}: {} bytes", body.len()))
/// }
///
/// let banks = Outbound::new(64);
/// ```
#[derive(Clone)]
pub struct Outbound(BoxCloneSyncService<RequestBuilder, (StatusCode, Bytes), BoxError>);

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// As many calls as there may be are waiting already.
    #[error("too many calls are waiting for an answer already")]
    Full,
    /// It could not be reached lately and is left alone for a moment.
    #[error("could not be reached lately: its circuit is open")]
    Open,
    /// No answer in time.
    #[error("no answer in time: {0}")]
    TimedOut(#[source] reqwest::Error),
    /// It cannot be reached, or broke off.
    #[error("cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is larger than any that is expected.
    #[error("answered more than {MAX_ANSWER} bytes")]
    TooLarge,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Outbound {
    /// A party that `at_once` calls, at least one, may wait for at the same time.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        let breaker = CircuitBreakerLayer::builder()
            .consecutive_failures(FAILURES)
            .wait_duration_in_open(PAUSE)
            .permitted_calls_in_half_open(1)
            .failure_classifier(|answer: &Result<_, OutboundError>| {
                answer.as_ref().is_err_and(OutboundError::is_silence)
            })
            .build()
            .expect("constants are within the bounds of the builder");
        let stack = ServiceBuilder::new()
            .load_shed()
            .concurrency_limit(at_once.max(1))
            .layer(breaker)
            .service(service_fn(exchange));
        Self(BoxCloneSyncService::new(stack))
    }

    /// Sends `request` and reads its whole answer, whatever its status.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Bytes), OutboundError> {
        self.0.clone().oneshot(request).await.map_err(OutboundError::from_stack)
    }
}

async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Bytes), OutboundError> {
    let mut response = request.send().await.map_err(OutboundError::of)?;
    let status = response.status();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::of)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body.freeze()))
}

// === impl OutboundError ===

impl OutboundError {
    fn of(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::TimedOut(error) } else { Self::Unreachable(error) }
    }

    /// Whether it was called and did not answer.
    fn is_silence(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Unreachable(_))
    }

    /// The error of one of the layers.
    fn from_stack(error: BoxError) -> Self {
        match error.downcast::<CircuitBreakerError<Self>>().map(|error| *error) {
            Ok(CircuitBreakerError::Inner(error)) => error,
            Ok(CircuitBreakerError::OpenCircuit) => Self::Open,
            // Load shedding is the only other layer that refuses.
            Err(_) => Self::Full,
        }
    }
}
