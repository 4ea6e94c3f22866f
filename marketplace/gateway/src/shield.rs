//! What stands between the clients and the routes: rate limit, limit of requests in flight, shedding beyond it.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use platform::ApiError;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;

use crate::rate::RateLimit;
use crate::session::{Anyone, Sessions};

#[derive(Clone)]
struct Limits {
    sessions: Sessions,
    rate: RateLimit,
}

impl axum::extract::FromRef<Limits> for Sessions {
    fn from_ref(limits: &Limits) -> Self {
        limits.sessions.clone()
    }
}

/// Puts the limits around `router`: at most `in_flight` requests at once, any further one is refused at once.
pub(crate) fn raise(router: Router, sessions: Sessions, rate: RateLimit, in_flight: usize) -> Router {
    let shedding = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(LoadShedLayer::new())
        // Global: each route gets a clone of the layer, and all of them share one limit.
        .layer(GlobalConcurrencyLimitLayer::new(in_flight));
    let limits = Limits { sessions, rate };
    router.layer(shedding).layer(middleware::from_fn_with_state(limits, slow_down))
}

async fn overloaded(_: tower::BoxError) -> ApiError {
    ApiError::unavailable("overloaded", "too much is going on at the moment: try again")
}

async fn slow_down(State(limits): State<Limits>, Anyone(caller): Anyone, request: Request, next: Next) -> Response {
    let client = if caller.is_anonymous() {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        peer.map_or_else(|| "visitors".to_owned(), |peer| peer.0.ip().to_string())
    } else {
        caller.id
    };
    match limits.rate.take(&client, Instant::now()) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let message = format!("too many requests: try again in {seconds} s");
            let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
            let mut response = error.into_response();
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}
