//! Errors, in the shapes that the official clients read.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::hal::Hal;
use crate::broker::BrokerError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        let status = match &error {
            BrokerError::NotFound(_) => StatusCode::NOT_FOUND,
            BrokerError::Invalid(_) => StatusCode::BAD_REQUEST,
            BrokerError::Conflict(_) => StatusCode::CONFLICT,
            BrokerError::Database(sqlx::Error::PoolTimedOut) => StatusCode::SERVICE_UNAVAILABLE,
            BrokerError::Database(_) | BrokerError::Stored(_) | BrokerError::Remote(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let message = error.to_string();
        // What a database says is for those who run it.
        let inside = status.is_server_error();
        Self { status, message: if inside { "the broker cannot answer at the moment".into() } else { message } }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // `errors` is what the clients print; `notices` too, and with its type.
        let body = json!({
            "errors": [self.message],
            "notices": [{ "type": "error", "text": self.message }],
        });
        (self.status, Hal(body)).into_response()
    }
}
