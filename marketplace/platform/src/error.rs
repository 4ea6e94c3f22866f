//! The one shape of every error answer: `{ "status", "code", "message", "correlationId" }`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// An error that ends a request.
///
/// A client error carries a stable code and a message for the caller. Anything that becomes an `ApiError` through `?`
/// is an internal error: its causes go to the log with the correlation id, the caller sees a plain 500.
///
/// # Examples
///
/// ```
/// use platform::ApiError;
///
/// fn find(id: &str) -> Result<u32, ApiError> {
///     let number: u32 = id.parse()?; // internal: logged, answered as 500 without its text
///     if number == 0 {
///         return Err(ApiError::not_found("order_not_found", "no order has this id"));
///     }
///     Ok(number)
/// }
/// assert_eq!(find("0").unwrap_err().code(), "order_not_found");
/// assert_eq!(find("x").unwrap_err().code(), "internal");
/// ```
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    cause: Option<anyhow::Error>,
}

impl ApiError {
    /// An error with any status; `code` is a stable `snake_case` word for programs, `message` a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), cause: None }
    }

    /// 400: the request is malformed or breaks a rule on its own.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: nobody is signed in, or the credentials are wrong.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: the caller is known, and not allowed.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: what the request names does not exist.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 409: the state of things forbids it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 503: a dependency is missing; trying again later may help.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// 500: the cause is logged and not shown.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side").because(cause)
    }

    /// Adds a cause for the log; the caller does not see it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: Into<anyhow::Error>> From<E> for ApiError {
    fn from(cause: E) -> Self {
        Self::internal(cause)
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem<'a> {
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable word for programs.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    code: &'a str,
    /// A sentence for people.
    message: &'a str,
    /// The correlation id of the request; null where there was none.
    #[schema(required, max_length = 128)]
    correlation_id: Option<&'a str>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let correlation = crate::instrument::correlation_id();
        match (&self.cause, self.status.is_server_error()) {
            (Some(cause), true) => tracing::error!(code = self.code, error = format!("{cause:#}"), "request failed"),
            (Some(cause), false) => tracing::info!(code = self.code, error = format!("{cause:#}"), "request refused"),
            (None, true) => tracing::error!(code = self.code, "request failed"),
            (None, false) => tracing::debug!(code = self.code, "request refused"),
        }
        let body = Problem {
            status: self.status.as_u16(),
            code: self.code,
            message: &self.message,
            correlation_id: correlation.as_deref(),
        };
        (self.status, axum::Json(body)).into_response()
    }
}
