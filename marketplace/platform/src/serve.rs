//! A service's routes with everything around them: token check, limits, errors in one shape, telemetry.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use crate::context::{App, Context};
use crate::error::ApiError;
use crate::health::Dependencies;
use crate::token::{InternalTokens, TokenError};

/// Largest request body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// Longest a handler may take; the gateway gives up earlier.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that `app` serves.
pub(crate) fn router(ctx: &Context, app: App, dependencies: Dependencies) -> anyhow::Result<Router> {
    let hooks_wanted = ctx.env().switch("CONTRACT_HOOKS");
    ctx.env().check()?;
    let mut routes = app.router.fallback(unknown_route).method_not_allowed_fallback(wrong_method);
    let mut tokens = None;
    if !app.public {
        let internal = ctx.tokens()?;
        routes = routes.layer(middleware::from_fn_with_state((internal.clone(), ctx.name()), check_token));
        tokens = Some(internal);
    }
    if hooks_wanted {
        routes = routes.merge(app.contract.router(ctx.name(), tokens));
    }
    let observed = routes
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(contain))
        .layer(telemetry::http::server_layer());
    Ok(observed.merge(dependencies.router()))
}

async fn unknown_route() -> ApiError {
    ApiError::not_found("unknown_route", "nothing is served at this path")
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not take this method")
}

/// Lets only requests with a valid internal token through, and tells the handlers whose they are.
async fn check_token(
    State((tokens, audience)): State<(InternalTokens, &'static str)>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return ApiError::unauthorized("token_missing", "an internal token is required").into_response();
    };
    match tokens.verify(token, audience) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            let code = match error {
                TokenError::Expired => "token_expired",
                TokenError::Audience | TokenError::Invalid => "token_invalid",
            };
            ApiError::unauthorized(code, error.to_string()).into_response()
        }
    }
}

/// A handler that panics or hangs costs its own request only.
async fn contain(request: Request, next: Next) -> Response {
    match tokio::time::timeout(HANDLER_TIMEOUT, AssertUnwindSafe(next.run(request)).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            ApiError::internal(anyhow::anyhow!("a handler panicked: {text}")).into_response()
        }
        Err(_) => ApiError::unavailable("timed_out", "this took too long, try again later").into_response(),
    }
}
