//! The provider's HTTP interface.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use platform::{ApiError, App, Context, Database, Json, Migration, Path};
use serde_json::Value;

use crate::answer::{Answer, Request};
use crate::lost_reply::{LostReplies, closed_connection};
use crate::{entries, intents};

const SCHEMA: &[Migration] =
    &[Migration::new(1, "intents, ledger and answers", include_str!("../migrations/0001_ledger.sql"))];

#[derive(Debug, Clone)]
struct Provider {
    database: Database,
    lost: LostReplies,
}

/// The whole provider; reads `DATABASE_URL` and `LOSE_REPLY_EVERY`.
///
/// # Errors
///
/// Reports what is wrong with its environment, or why its database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let lost = LostReplies::new(ctx.env().number("LOSE_REPLY_EVERY", 0));
    let database = ctx.plain_database(SCHEMA).await?;
    let provider = Provider { database: database.clone(), lost };
    let router = Router::new()
        .route("/v1/payment_intents", post(create))
        .route("/v1/payment_intents/{id}", get(show))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", post(refund))
        .route("/v1/payouts", post(payout))
        .route("/ledger", get(ledger))
        .with_state(provider);
    Ok(App::public(router).with_plain_database(&database))
}

async fn show(State(provider): State<Provider>, Path(id): Path<String>) -> Result<Answer, ApiError> {
    Ok(intents::show(provider.database.pool(), &id).await?)
}

async fn ledger(State(provider): State<Provider>) -> Result<Json<Value>, ApiError> {
    Ok(Json(entries::ledger(&provider.database).await?))
}

async fn create(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Answer, ApiError> {
    let request = Request::new(&headers, "create", &body);
    let mut tx = provider.database.begin().await?;
    if let Some(answer) = request.replay(&mut tx).await? {
        return Ok(answer);
    }
    let answer = intents::create(&mut tx, &body).await?;
    request.remember(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn capture(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let request = Request::new(&headers, &format!("capture {id}"), &Value::Null);
    let mut tx = provider.database.begin().await?;
    let answer = match request.replay(&mut tx).await? {
        Some(answer) => answer,
        None => {
            let answer = intents::capture(&mut tx, &id, request.key.as_deref()).await?;
            request.remember(&mut tx, &answer).await?;
            tx.commit().await?;
            answer
        }
    };
    if provider.lost.next_is_lost() {
        return Ok(closed_connection());
    }
    Ok(answer.into_response())
}

async fn cancel(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    let request = Request::new(&headers, &format!("cancel {id}"), &Value::Null);
    let mut tx = provider.database.begin().await?;
    if let Some(answer) = request.replay(&mut tx).await? {
        return Ok(answer);
    }
    let answer = intents::cancel(&mut tx, &id).await?;
    request.remember(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn refund(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Answer, ApiError> {
    let request = Request::new(&headers, "refund", &body);
    let mut tx = provider.database.begin().await?;
    if let Some(answer) = request.replay(&mut tx).await? {
        return Ok(answer);
    }
    let answer = intents::refund(&mut tx, &body, request.key.as_deref()).await?;
    request.remember(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn payout(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Answer, ApiError> {
    let request = Request::new(&headers, "payout", &body);
    let mut tx = provider.database.begin().await?;
    if let Some(answer) = request.replay(&mut tx).await? {
        return Ok(answer);
    }
    let answer = intents::payout(&mut tx, &body, request.key.as_deref()).await?;
    request.remember(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}
