//! The `Idempotency-Key` header: a creation that is sent again gets the answer of the first time.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::caller::Caller;
use crate::clock;
use crate::database::Tx;
use crate::error::ApiError;

/// Longest key, in characters.
const MAX_KEY: usize = 255;

/// Stands in the place of the status while a request is being answered.
const CLAIMED: u16 = 0;

/// The key of a request, if it carries one. Keys belong to their caller; they are kept for a day.
///
/// # Examples
///
/// ```no_run
/// use axum::{http::StatusCode, response::{IntoResponse, Response}};
/// use platform::{ApiError, Database, Json, SignedIn, idempotency::IdempotencyKey};
///
/// async fn create(
///     database: Database, caller: SignedIn, key: IdempotencyKey, Json(body): Json<serde_json::Value>,
/// ) -> Result<Response, ApiError> {
///     let mut tx = database.begin().await?;
///     if let Some(answer) = key.replay(&mut tx, &caller, &body).await? {
///         return Ok(answer);
///     }
///     let created = serde_json::json!({ "id": "lamp-1" });
///     key.remember(&mut tx, &caller, &body, StatusCode::CREATED, &created).await?;
///     tx.commit().await?;
///     Ok((StatusCode::CREATED, Json(created)).into_response())
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct IdempotencyKey(Option<String>);

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_KEY));
        let what = "A request that is sent again under its key gets the answer of the first time; kept for a day.";
        let header = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
        vec![header.required(Required::False).description(Some(what)).schema(Some(key)).build()]
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        match value.to_str() {
            Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => Err(ApiError::bad_request(
                "invalid_idempotency_key",
                format!("`Idempotency-Key` must have 1 to {MAX_KEY} printable characters"),
            )),
        }
    }
}

impl IdempotencyKey {
    /// The answer already given to this key; a request that comes while another one under it is being answered waits for
    /// that answer.
    ///
    /// # Errors
    ///
    /// 422 `idempotency_key_reused` when the key came with another request before.
    pub async fn replay(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        request: &impl Serialize,
    ) -> Result<Option<Response>, ApiError> {
        let Some(key) = &self.0 else { return Ok(None) };
        tx.lock(&format!("idempotency key {} of {}", key, caller.id)).await?;
        let row = sqlx::query("SELECT fingerprint, status, body FROM idempotency_keys WHERE caller = $1 AND key = $2")
            .bind(&caller.id)
            .bind(key)
            .fetch_optional(&mut **tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<String, _>(0)? != fingerprint(request)? {
            return Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this `Idempotency-Key` came with another request before",
            ));
        }
        let status = u16::try_from(row.try_get::<i64, _>(1)?)?;
        if status == CLAIMED {
            return Ok(None);
        }
        let body: String = row.try_get(2)?;
        let headers = [("content-type", "application/json"), ("idempotent-replayed", "true")];
        Ok(Some((StatusCode::from_u16(status)?, headers, body).into_response()))
    }

    /// Like [`replay`](Self::replay), for what is not created in one transaction: from the commit of `tx` on, the key belongs
    /// to this request, answered or not. What it creates must be the same however often it is tried.
    ///
    /// # Errors
    ///
    /// 422 `idempotency_key_reused` when the key came with another request before.
    pub async fn claim(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        request: &impl Serialize,
    ) -> Result<Option<Response>, ApiError> {
        let answer = self.replay(tx, caller, request).await?;
        if answer.is_none() {
            self.keep(tx, caller, request, CLAIMED, "").await?;
        }
        Ok(answer)
    }

    /// Gives a claimed key back: the request was refused and nothing was created, so the next one may be another.
    ///
    /// # Errors
    ///
    /// Fails when the database refuses.
    pub async fn release(&self, tx: &mut Tx, caller: &Caller, request: &impl Serialize) -> Result<(), ApiError> {
        let Some(key) = &self.0 else { return Ok(()) };
        sqlx::query("DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND fingerprint = $3 AND status = $4")
            .bind(&caller.id)
            .bind(key)
            .bind(fingerprint(request)?)
            .bind(i64::from(CLAIMED))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Keeps the answer, in the transaction of what it answers.
    ///
    /// # Errors
    ///
    /// Fails when the database refuses.
    pub async fn remember(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        request: &impl Serialize,
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<(), ApiError> {
        self.keep(tx, caller, request, status.as_u16(), &serde_json::to_string(body)?).await
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        request: &impl Serialize,
        status: u16,
        body: &str,
    ) -> Result<(), ApiError> {
        let Some(key) = &self.0 else { return Ok(()) };
        // What was answered once stays the answer.
        sqlx::query(
            "INSERT INTO idempotency_keys (caller, key, fingerprint, status, body, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (caller, key) DO UPDATE \
             SET status = excluded.status, body = excluded.body \
             WHERE idempotency_keys.status = $7 AND idempotency_keys.fingerprint = excluded.fingerprint",
        )
        .bind(&caller.id)
        .bind(key)
        .bind(fingerprint(request)?)
        .bind(i64::from(status))
        .bind(body)
        .bind(clock::now())
        .bind(i64::from(CLAIMED))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

fn fingerprint(request: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(request)?)))
}
