//! The public interface: `/api/v1/gateway/<area>/...`.

mod auth;
mod chat;
mod gig;
mod idempotency;
mod order;
mod review;
mod users;

use axum::Router;
use axum::http::StatusCode;
use platform::Json;

use crate::Gateway;
use crate::clients::GatewayError;

/// An answer of the gateway.
type Answer<T> = Result<Json<T>, GatewayError>;
/// An answer to a request that created something.
type Created<T> = Result<(StatusCode, Json<T>), GatewayError>;

pub(crate) fn router(gateway: Gateway) -> Router {
    let areas = Router::new()
        .nest("/auth", auth::routes())
        .nest("/buyer", users::buyer_routes())
        .nest("/seller", users::seller_routes())
        .nest("/gig", gig::routes())
        .nest("/message", chat::routes())
        .nest("/order", order::routes())
        .nest("/review", review::routes())
        // Collections answer with and without a slash at their end; a nested router answers without.
        .route("/message/", chat::collection())
        .route("/order/", order::collection())
        .route("/review/", review::collection())
        .with_state(gateway);
    Router::new().nest("/api/v1/gateway", areas)
}

fn created<T>(body: T) -> Created<T> {
    Ok((StatusCode::CREATED, Json(body)))
}
