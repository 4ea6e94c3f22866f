//! Answers and errors in the provider's shape, and the answers it remembers by idempotency key.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::Tx;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::entries::{self, Entry};

/// An answer that can be stored and given again.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// What it moves, booked when it is remembered.
    entries: Vec<Entry>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body, entries: Vec::new() }
    }

    /// An answer to a request that moved money.
    pub(crate) fn booking(body: Value, entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::ok(body) }
    }

    pub(crate) fn error(status: StatusCode, kind: &str, code: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let body = json!({ "error": { "type": kind, "code": code, "message": message } });
        Self { status, ..Self::ok(body) }
    }

    pub(crate) fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    pub(crate) fn no_such_intent(id: &str) -> Self {
        let message = format!("no payment intent `{id}`");
        Self::error(StatusCode::NOT_FOUND, "invalid_request_error", "resource_missing", message)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body)).into_response()
    }
}

/// The key of a request and what it asks for, to recognise the same request under the same key.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) key: Option<String>,
    fingerprint: String,
}

impl Request {
    pub(crate) fn new(headers: &HeaderMap, path: &str, body: &Value) -> Self {
        let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty());
        Self { key: key.map(str::to_owned), fingerprint: format!("{path} {body}") }
    }

    /// The answer given to this key before; an error when it came with another request.
    pub(crate) async fn replay(&self, tx: &mut Tx) -> Result<Option<Answer>, sqlx::Error> {
        let Some(key) = &self.key else { return Ok(None) };
        tx.lock(&format!("key {key}")).await?;
        let row = sqlx::query("SELECT fingerprint, status, body FROM answers WHERE key = $1")
            .bind(key)
            .fetch_optional(&mut **tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<String, _>(0)? != self.fingerprint {
            let message = format!("idempotency key `{key}` came with another request before");
            return Ok(Some(Answer::error(
                StatusCode::BAD_REQUEST,
                "idempotency_error",
                "idempotency_key_in_use",
                message,
            )));
        }
        let status = u16::try_from(row.try_get::<i64, _>(1)?).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let body = serde_json::from_str(&row.try_get::<String, _>(2)?).unwrap_or(Value::Null);
        Ok(Some(Answer { status: status.unwrap_or(StatusCode::OK), ..Answer::ok(body) }))
    }

    /// Keeps the answer in the transaction of its effect, and books what it moves, at the end of that transaction.
    pub(crate) async fn remember(&self, tx: &mut Tx, answer: &Answer) -> Result<(), sqlx::Error> {
        if let Some(key) = &self.key {
            sqlx::query("INSERT INTO answers (key, fingerprint, status, body, created) VALUES ($1, $2, $3, $4, $5)")
                .bind(key)
                .bind(&self.fingerprint)
                .bind(i64::from(answer.status.as_u16()))
                .bind(answer.body.to_string())
                .bind(platform::now())
                .execute(&mut **tx)
                .await?;
        }
        entries::book(tx, &answer.entries).await
    }
}
