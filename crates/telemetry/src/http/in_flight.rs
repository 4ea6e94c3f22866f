//! One request being handled: what is known about it, and the guard that reports it exactly once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, StatusCode, header};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};

use super::facts::{Peer, ServerFacts};
use super::names::{self, MethodName};
use super::routes::{self, Endpoint};
use super::series::{Ending, Measured};
use crate::context::Incoming;
use crate::core::{Core, core};
use crate::correlation::CorrelationId;
use crate::redact;
use crate::trace::{Recorded, tail_of, wall};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The whole response was handed over.
    Complete,
    /// The service failed instead of answering.
    HandlerFailed,
    /// The body failed after the headers had been sent.
    BodyFailed,
    /// Dropped before it ended: the caller went away, or a time limit cut it.
    Dropped,
}

/// Dropping it unfinished reports the request as cancelled, or as panicked during a panic.
pub(super) struct InFlight {
    core: &'static Core,
    context: Context,
    span: SpanContext,
    parent: SpanContext,
    correlation: CorrelationId,
    started: Instant,
    slow: Duration,
    endpoint: &'static Endpoint,
    method: MethodName,
    https: bool,
    target: Option<PathAndQuery>,
    /// Known only when it may be told.
    peer: Peer,
    original_method: Option<Box<str>>,
    request_size: Option<u64>,
    response_size: u64,
    status: Option<StatusCode>,
    recorded: Recorded,
    finished: bool,
}

impl InFlight {
    pub(super) fn start<B>(request: &Request<B>, slow: Option<Duration>) -> Self {
        let core = core();
        let started = Instant::now();
        crate::signals::watch_current();
        let method = MethodName::of(request.method());
        let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let endpoint = routes::endpoint(core, template, method);
        let Incoming { parent, correlation, context } = Incoming::read(request.headers());
        let serving = core.tracer.serve(&parent, endpoint.name, started, &correlation);
        let context = context.with_span(serving.operation);
        let uri = request.uri();
        let https = uri.scheme_str() == Some("https");
        core.active_requests.start(method, https);
        Self {
            core,
            context,
            span: serving.span,
            parent,
            correlation,
            started,
            slow: slow.unwrap_or(core.slow_server),
            endpoint,
            method,
            https,
            target: uri.path_and_query().cloned(),
            peer: match serving.record {
                Recorded::No => Peer::default(),
                _ => peer(request),
            },
            original_method: method
                .is_other()
                .then(|| request.method().as_str().chars().take(32).collect::<String>().into()),
            request_size: content_length(request.headers()),
            response_size: 0,
            status: None,
            recorded: serving.record,
            finished: false,
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn correlation(&self) -> &CorrelationId {
        &self.correlation
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.response_size += bytes as u64;
    }

    /// Whether HTTP forbids a body in this answer.
    pub(super) fn sends_no_body(&self) -> bool {
        self.endpoint.method == Method::HEAD.as_str()
            || matches!(self.status, Some(StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED))
    }

    pub(super) fn finish(mut self, outcome: Outcome) {
        self.report(outcome);
    }

    fn report(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        let error = match outcome {
            Outcome::Complete => self.status.and_then(|status| names::status_error(status, 500)),
            Outcome::HandlerFailed => Some("handler_error"),
            Outcome::BodyFailed => Some("body_error"),
            Outcome::Dropped if std::thread::panicking() => Some("panic"),
            Outcome::Dropped if self.status.is_some() => Some("body_dropped"),
            Outcome::Dropped => Some("cancelled"),
        };
        self.core.active_requests.end(self.method, self.https);
        let ending = Ending { status: self.status, error, https: self.https };
        let measured = Measured {
            seconds: elapsed.as_secs_f64(),
            response_size: self.response_size,
            request_size: self.request_size,
        };
        self.endpoint.record(self.core, ending, measured, &self.span);
        self.log(elapsed, error);
        self.end_span(elapsed, error);
    }

    fn end_span(&mut self, elapsed: Duration, error: Option<&'static str>) {
        let Some(sink) = self.core.tracer.sink() else { return };
        let ended = wall(self.started + elapsed);
        match std::mem::replace(&mut self.recorded, Recorded::No) {
            Recorded::No => {}
            Recorded::Yes(record) => {
                if record.end_request(ended, self.facts(error, None)) {
                    sink.push(record.into());
                }
            }
            Recorded::Perhaps => {
                let kept = if error.is_some() {
                    "error"
                } else if elapsed >= self.slow {
                    "slow"
                } else {
                    // What waits below it goes with the context.
                    return;
                };
                let facts = self.facts(error, Some(kept));
                let tracer = &self.core.tracer;
                let record = tracer.kept(&self.span, &self.parent, self.endpoint.name, self.started, &self.correlation);
                record.end_request(ended, facts);
                if let Some(tail) = tail_of(&self.context) {
                    tail.decide(true, &**sink);
                }
                sink.push(record.into());
            }
        }
    }

    fn facts(&mut self, error: Option<&'static str>, kept: Option<&'static str>) -> ServerFacts {
        ServerFacts {
            method: self.endpoint.method,
            original_method: self.original_method.take(),
            https: self.https,
            route: self.endpoint.route,
            target: self.target.take(),
            peer: std::mem::take(&mut self.peer),
            request_size: self.request_size,
            response_size: self.response_size,
            status: self.status,
            error,
            kept,
        }
    }

    /// The access-log line, written inside the request's context so that it carries the ids.
    fn log(&self, elapsed: Duration, error: Option<&'static str>) {
        let slow = elapsed >= self.slow;
        macro_rules! access {
            ($level:ident) => {
                if tracing::enabled!(target: "telemetry::access", tracing::Level::$level) {
                    let _guard = self.context.clone().attach();
                    let path = self.target.as_ref().map_or("", PathAndQuery::path);
                    tracing::event!(
                        target: "telemetry::access",
                        tracing::Level::$level,
                        {
                        http.request.method = self.endpoint.method,
                        http.route = self.endpoint.route,
                        url.path = &*redact::path(self.endpoint.route, path),
                        http.response.status_code = self.status.map(|status| status.as_u16()),
                        duration_ms = elapsed.as_micros() as f64 / 1000.0,
                        http.request.body.size = self.request_size,
                        http.response.body.size = self.response_size,
                        error.r#type = error,
                        slow = slow.then_some(true),
                        },
                        "request"
                    )
                }
            };
        }
        match error {
            Some("cancelled" | "body_dropped") => access!(WARN),
            Some(_) => access!(ERROR),
            None if slow => access!(WARN),
            None => access!(INFO),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.report(Outcome::Dropped);
    }
}

fn peer<B>(request: &Request<B>) -> Peer {
    let headers = request.headers();
    let authority = || request.uri().authority().and_then(|authority| authority.as_str().parse().ok());
    Peer {
        server: headers.get(header::HOST).cloned().or_else(authority),
        client: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        user_agent: headers.get(header::USER_AGENT).cloned(),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
