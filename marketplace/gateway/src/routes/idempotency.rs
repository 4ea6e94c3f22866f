//! The client's `Idempotency-Key`, handed on to the service that creates.

use axum::http::HeaderMap;
use platform::ApiError;

/// The key of a request, if it carries one. What it may look like is for the service to say, if it can be handed on.
///
/// # Errors
/// 400 for a key that is no text: dropped in silence, it would let a creation that is tried again happen twice.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| {
        ApiError::bad_request("invalid_idempotency_key", "`Idempotency-Key` must have 1 to 255 printable characters")
    })
}
