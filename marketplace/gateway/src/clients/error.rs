//! What can go wrong when the gateway calls a service, and what the client of the gateway is told.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use platform::ApiError;
use platform::outbound::OutboundError;
use serde::{Deserialize, Serialize};

/// The stable body of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The request's correlation id.
    #[serde(default)]
    pub correlation_id: Option<String>,
}

/// Why a call to a service did not bring what was wanted.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service refused the request (4xx) or said clearly that it cannot serve it now (503).
    #[error("`{service}` answered {status} `{code}`: {message}", status = problem.status, code = problem.code, message = problem.message)]
    Refused {
        /// The service.
        service: &'static str,
        /// What it said.
        problem: Problem,
    },
    /// The service failed.
    #[error("`{service}` answered {status}")]
    Failed {
        /// The service.
        service: &'static str,
        /// Its status.
        status: u16,
    },
    /// The service's answer is not what was agreed.
    #[error("`{service}` answered something else than agreed: {source}")]
    Unreadable {
        /// The service.
        service: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// There is no answer.
    #[error("`{service}`: {source}")]
    Unanswered {
        /// The service.
        service: &'static str,
        /// Why not.
        source: OutboundError,
    },
    /// The request could not be built.
    #[error("request to `{service}` cannot be built: {reason}")]
    Request {
        /// The service.
        service: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl CallError {
    /// Whether the same read may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { problem, .. } => problem.status == 503,
            Self::Failed { status, .. } => matches!(status, 502..=504),
            Self::Unanswered { source, .. } => {
                matches!(source, OutboundError::TimedOut(_) | OutboundError::Unreachable(_))
            }
            Self::Unreadable { .. } | Self::Request { .. } => false,
        }
    }

    /// The status of a refusal.
    #[must_use]
    pub fn refused_with(&self) -> Option<u16> {
        match self {
            Self::Refused { problem, .. } => Some(problem.status),
            _ => None,
        }
    }
}

/// An error of the gateway: its own, or one of a service that is passed on.
#[derive(Debug)]
pub enum GatewayError {
    /// The gateway's own.
    Own(ApiError),
    /// A service's, as it said it.
    Passed(Problem),
}

impl From<ApiError> for GatewayError {
    fn from(error: ApiError) -> Self {
        Self::Own(error)
    }
}

impl From<CallError> for GatewayError {
    fn from(error: CallError) -> Self {
        let unavailable = |code, message| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
        Self::Own(
            match &error {
                CallError::Refused { problem, .. } => return Self::Passed(problem.clone()),
                CallError::Failed { .. } | CallError::Unreadable { .. } => {
                    ApiError::new(StatusCode::BAD_GATEWAY, "service_failed", "something went wrong on our side")
                }
                CallError::Unanswered { source, .. } => match source {
                    OutboundError::TimedOut(_) => ApiError::new(
                        StatusCode::GATEWAY_TIMEOUT,
                        "service_timed_out",
                        "this takes too long at the moment: try again",
                    ),
                    OutboundError::Full => unavailable("overloaded", "too much is going on at the moment: try again"),
                    OutboundError::Unreachable(_) | OutboundError::Open => {
                        unavailable("service_unavailable", "this does not work at the moment: try again")
                    }
                    OutboundError::TooLarge => {
                        ApiError::new(StatusCode::BAD_GATEWAY, "service_failed", "something went wrong on our side")
                    }
                },
                CallError::Request { .. } => return Self::Own(ApiError::internal(error)),
            }
            .because(error),
        )
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        match self {
            Self::Own(error) => error.into_response(),
            Self::Passed(problem) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
                (status, axum::Json(problem)).into_response()
            }
        }
    }
}
