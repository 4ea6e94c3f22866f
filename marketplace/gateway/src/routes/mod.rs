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
use platform::document::{self, Document, OpenApiRouter};

use crate::Gateway;
use crate::clients::GatewayError;

/// Where all of it begins.
const PUBLIC: &str = "/api/v1/gateway";

/// An answer of the gateway.
type Answer<T> = Result<Json<T>, GatewayError>;
/// An answer to a request that created something.
type Created<T> = Result<(StatusCode, Json<T>), GatewayError>;

pub(crate) fn router(gateway: Gateway) -> Router {
    // Collections answer with and without a slash at their end; a nested router answers without.
    let slashed = Router::new()
        .route("/message/", chat::collection())
        .route("/order/", order::collection())
        .route("/review/", review::collection());
    Router::from(routes()).nest(PUBLIC, slashed).with_state(gateway)
}

/// What the gateway answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    let description = "The marketplace, as its clients reach it. Chat is told at once over Socket.IO at `/socket.io/`.";
    document::gateway("gateway", description, crate::session::SESSION_COOKIE, routes())
}

fn routes() -> OpenApiRouter<Gateway> {
    let areas = OpenApiRouter::default()
        .nest("/auth", auth::routes())
        .nest("/buyer", users::buyer_routes())
        .nest("/seller", users::seller_routes())
        .nest("/gig", gig::routes())
        .nest("/message", chat::routes())
        .nest("/order", order::routes())
        .nest("/review", review::routes());
    OpenApiRouter::default().nest(PUBLIC, areas)
}

fn created<T>(body: T) -> Created<T> {
    Ok((StatusCode::CREATED, Json(body)))
}
