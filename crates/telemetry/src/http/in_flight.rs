//! One request being handled: what is known about it, and the guard that reports it exactly once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, ContextGuard};
use tracing::Level;

use super::facts::{Keeper, Peer, ServerFacts, ServerRequest};
use super::names::{self, MethodName};
use super::routes::{self, Endpoint};
use super::series::{Ending, Measured};
use crate::context::{Headers, Incoming};
use crate::core::{Core, core};
use crate::correlation::CorrelationId;
use crate::redact;
use crate::trace::{Moment, Recorded, remember, request_of, tail_of};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The whole response was handed over.
    Complete,
    /// The service failed instead of answering.
    HandlerFailed,
    /// The body failed after the headers had been sent.
    BodyFailed,
    /// The handler or the body panicked.
    Panicked,
    /// Dropped before it ended: the caller went away, or a time limit cut it.
    Dropped,
}

/// Dropping it unfinished reports the request as cancelled, or as panicked during a panic.
///
/// It is moved several times on its way from the request to the end of the response, so it is small; what only the span
/// tells waits there.
pub(super) struct InFlight {
    core: &'static Core,
    context: Context,
    correlation: CorrelationId,
    started: Moment,
    slow: Duration,
    endpoint: &'static Endpoint,
    target: Option<PathAndQuery>,
    request_size: Option<u64>,
    response_size: u64,
    /// What the answer said its body would have.
    announced: Option<u64>,
    /// When the answer began, if its body may take long after that.
    answered_after: Option<Duration>,
    recorded: Recorded,
    status: Option<StatusCode>,
    method: MethodName,
    https: bool,
    finished: bool,
}

impl InFlight {
    /// Starts with the `request` for `uri`, which is what its caller sent.
    pub(super) fn start<B>(request: &Request<B>, uri: &Uri, slow: Option<Duration>) -> Self {
        let core = core();
        let started = Moment::now();
        crate::signals::watch_current();
        let method = MethodName::of(request.method());
        let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let endpoint = routes::endpoint(core, template, method);
        let headers = Headers::of(request.headers());
        let target = uri.path_and_query();
        let keeper = Keeper::of(headers.size + target.map_or(0, |target| target.as_str().len()));
        let Incoming { parent, correlation, context } = Incoming::read(request.headers(), &headers, started);
        let https = uri.scheme_str() == Some("https");
        let (context, recorded) =
            core.tracer.serve(&context, &parent, endpoint.name, started, correlation.clone(), |parent| ServerRequest {
                parent,
                version: request.version(),
                original_method: method
                    .is_other()
                    .then(|| request.method().as_str().chars().take(32).collect::<String>().into()),
                peer: peer(request, &headers, keeper),
            });
        core.active_requests.start(method, https);
        Self {
            core,
            context,
            correlation,
            started,
            slow: slow.unwrap_or(core.slow_server),
            endpoint,
            target: target.map(|target| keeper.target(target)),
            request_size: headers.content_length.and_then(length),
            response_size: 0,
            announced: None,
            answered_after: None,
            recorded,
            status: None,
            method,
            https,
            finished: false,
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Takes note of the answer, and of the length its body is to have; returns the id it is to carry.
    pub(super) fn answered(&mut self, status: StatusCode, announced: Option<u64>) -> HeaderValue {
        self.status = Some(status);
        self.announced = announced;
        self.correlation.clone().into_header()
    }

    /// Takes note that the body is not at hand: what follows is up to whoever sends and reads it, and not slow.
    pub(super) fn streams(&mut self) {
        self.answered_after = Some(self.started.elapsed());
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
            Outcome::Panicked => Some("panic"),
            Outcome::Dropped if std::thread::panicking() => Some("panic"),
            // A server stops asking for more once the announced length is there.
            Outcome::Dropped if self.status.is_some() && self.announced == Some(self.response_size) => {
                self.status.and_then(|status| names::status_error(status, 500))
            }
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
        {
            let span = self.context.span();
            self.endpoint.record(self.core, ending, measured, span.span_context());
        }
        let slow = self.answered_after.unwrap_or(elapsed) >= self.slow;
        self.log(elapsed, error, slow);
        let kept = match self.recorded {
            Recorded::No => return,
            Recorded::Yes(_) => None,
            Recorded::Perhaps if error.is_some() => Some("error"),
            Recorded::Perhaps if slow => Some("slow"),
            Recorded::Perhaps => {
                // Nothing that waits below it, or will, is wanted any more.
                self.context.span().end_with_timestamp(SystemTime::UNIX_EPOCH);
                return;
            }
        };
        self.end_span(elapsed, error, kept);
    }

    fn end_span(&mut self, elapsed: Duration, error: Option<&'static str>, kept: Option<&'static str>) {
        let Some(sink) = self.core.tracer.sink() else { return };
        let record = match std::mem::replace(&mut self.recorded, Recorded::No) {
            Recorded::Yes(record) => record,
            Recorded::Perhaps => {
                let Some(request) = request_of(&self.context) else { return };
                let span = self.context.span();
                let (name, correlation) = (self.endpoint.name, self.correlation.clone());
                self.core.tracer.kept(span.span_context(), request, name, self.started, correlation)
            }
            Recorded::No => return,
        };
        let lost_spans = match kept.and_then(|_| tail_of(&self.context)) {
            Some(tail) => tail.keep(&**sink),
            None => 0,
        };
        let facts = ServerFacts {
            target: self.target.take(),
            method: self.endpoint.method,
            https: self.https,
            route: self.endpoint.route,
            secret: self.endpoint.secret,
            request_size: self.request_size,
            response_size: self.response_size,
            status: self.status,
            error,
            kept,
            lost_spans,
        };
        if record.end_request(elapsed, facts) {
            sink.push(record.into());
        }
    }

    /// The access-log line, written inside the request's context so that it carries the ids.
    fn log(&self, elapsed: Duration, error: Option<&'static str>, slow: bool) {
        if !self.core.access_log {
            return;
        }
        let inside = OnceCell::new();
        macro_rules! access {
            ($level:expr) => {
                tracing::event!(
                    target: "telemetry::access",
                    $level,
                    {
                    // As a field of its own it is a text, and not something to be formatted.
                    message = "request",
                    http.request.method = self.endpoint.method,
                    http.route = self.endpoint.route,
                    // Asked for only when the line is written at all.
                    url.path = &*self.enter_and_tell_path(&inside),
                    http.response.status_code = self.status.map(|status| status.as_u16()),
                    duration_ms = milliseconds(elapsed),
                    http.request.body.size = self.request_size,
                    http.response.body.size = self.response_size,
                    error.r#type = error,
                    slow = slow.then_some(true),
                    }
                )
            };
        }
        match level(error, slow) {
            Level::ERROR => access!(Level::ERROR),
            Level::WARN => access!(Level::WARN),
            _ => access!(Level::INFO),
        }
    }

    fn enter_and_tell_path(&self, inside: &OnceCell<ContextGuard>) -> Cow<'_, str> {
        let own = self.context.span().span_context().span_id();
        if Context::map_current(|context| context.span().span_context().span_id()) != own {
            inside.get_or_init(|| self.context.clone().attach());
        }
        remember(&self.context, self.correlation.clone());
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        // Anything else that is secret in it is found when our layer writes the line; another subscriber sees the path as it is.
        self.endpoint.secret.map_or(Cow::Borrowed(path), |template| redact::path(Some(template), path))
    }
}

/// Level of the access-log line: what the caller did is a warning, what the service did is an error.
fn level(error: Option<&'static str>, slow: bool) -> Level {
    match error {
        Some("cancelled" | "body_dropped") => Level::WARN,
        Some(_) => Level::ERROR,
        None if slow => Level::WARN,
        None => Level::INFO,
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.report(Outcome::Dropped);
    }
}

/// The URI as the caller sent it: a nested router hands on only its own part of the path.
pub(super) fn whole_uri<B>(request: &Request<B>) -> &Uri {
    request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0)
}

fn peer<B>(request: &Request<B>, headers: &Headers<'_>, keeper: Keeper) -> Peer {
    let authority = || request.uri().authority().and_then(|authority| authority.as_str().parse().ok());
    Peer {
        server: headers.host.map(|host| keeper.value(host)).or_else(authority),
        client: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        user_agent: headers.user_agent.map(|agent| keeper.value(agent)),
    }
}

/// With three digits after the point.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())) as f64 / 1000.0
}

/// What `content-length` says.
pub(super) fn length(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}
