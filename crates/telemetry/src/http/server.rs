//! The server side: one layer that gives every request a span, ids, measurements and an access-log line.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::body::observed;
use super::in_flight::{InFlight, Outcome, length, whole_uri};
use super::unwinding::Unwinding;
use crate::correlation;

/// The layer for [`axum::Router::layer`].
///
/// Per request: accepts or creates the correlation id and answers it in `x-correlation-id`; continues the caller's trace in
/// a SERVER span named `{METHOD} {route}`; records `http.server.*` metrics; writes one access-log line. A request counts
/// until its response body ends, is abandoned, or its handler panics; whether it was slow is judged by when an answer that
/// is streamed begins. `/health`, `/health/*` and `/metrics` pass untouched.
///
/// Add it with `Router::layer`, after the routes: only there is the matched route known. It needs
/// no particular runtime.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
///
/// let app: Router = Router::new()
///     .route("/gigs/{id}", get(|| async { "a gig" }))
///     .layer(telemetry::http::server_layer());
/// ```
#[must_use]
pub fn server_layer() -> ServerLayer {
    ServerLayer(())
}

/// See [`server_layer`].
// Without a field that takes room: axum clones a layer for each request, and boxes it if there is something to box.
#[derive(Debug, Clone)]
pub struct ServerLayer(());

/// A [`ServerLayer`] with its own idea of what is slow. Made by [`ServerLayer::slow`].
#[derive(Debug, Clone)]
pub struct SlowServerLayer(Duration);

/// The service [`ServerLayer`] makes.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
    slow: Option<Duration>,
}

pin_project! {
    /// The future of [`ServerService`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        in_flight: Option<InFlight>,
    }
}

// === impl ServerLayer ===

impl ServerLayer {
    /// Requests that take this long get a WARN access-log line (default: `Config::slow_server`, 1 s).
    #[must_use]
    pub fn slow(self, threshold: Duration) -> SlowServerLayer {
        SlowServerLayer(threshold)
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService { inner, slow: None }
    }
}

impl<S> Layer<S> for SlowServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService { inner, slow: Some(self.0) }
    }
}

// === impl ServerService ===

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ServerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let uri = whole_uri(&request);
        let in_flight = concerns_users(uri.path()).then(|| InFlight::start(&request, uri, self.slow));
        // The handler future may do work when it is made, so that happens inside the span too.
        let inner = match &in_flight {
            Some(in_flight) => {
                let _guard = in_flight.context().clone().attach();
                self.inner.call(request)
            }
            None => self.inner.call(request),
        };
        ResponseFuture { inner, in_flight }
    }
}

/// Probes and scrapes come every few seconds and would drown what users do.
fn concerns_users(path: &str) -> bool {
    !(path == "/metrics" || path == "/health" || path.starts_with("/health/"))
}

// === impl ResponseFuture ===

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Kept until the request is over, which is logged inside its context.
        let _guard = this.in_flight.as_ref().map(|in_flight| in_flight.context().clone().attach());
        let polled = {
            let _unwinding = Unwinding(&mut *this.in_flight);
            this.inner.poll(cx)
        };
        let answered = ready!(polled);
        let in_flight = this.in_flight.take();
        Poll::Ready(match answered {
            Ok(mut response) => match in_flight {
                Some(mut in_flight) => {
                    let told = || response.headers().get(header::CONTENT_LENGTH).and_then(length);
                    let announced = response.body().size_hint().exact().or_else(told);
                    let correlation = in_flight.answered(response.status(), announced);
                    response.headers_mut().insert(&correlation::HEADER_NAME, correlation);
                    Ok(response.map(|body| observed(body, in_flight)))
                }
                None => Ok(response.map(Body::new)),
            },
            Err(error) => {
                if let Some(in_flight) = in_flight {
                    in_flight.finish(Outcome::HandlerFailed);
                }
                Err(error)
            }
        })
    }
}
