//! One request being handled: everything that is known about it, and the guard that reports it exactly once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath};
use http::{HeaderMap, Method, Request, StatusCode, header};
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use super::names;
use crate::context::MessageContext;
use crate::core::{Core, core};
use crate::correlation::{self, CorrelationId};
use crate::metrics::with_attributes;
use crate::redact;

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
    correlation: CorrelationId,
    started: Instant,
    slow: Duration,
    method: &'static str,
    route: Option<&'static str>,
    scheme: &'static str,
    path: Box<str>,
    query: Option<Box<str>>,
    server: Option<Box<str>>,
    client: Option<SocketAddr>,
    user_agent: Option<Box<str>>,
    original_method: Option<Box<str>>,
    request_size: Option<u64>,
    response_size: u64,
    status: Option<StatusCode>,
    finished: bool,
}

impl InFlight {
    pub(super) fn start<B>(request: &Request<B>, slow: Option<Duration>) -> Self {
        let core = core();
        let started = Instant::now();
        crate::signals::watch_current();
        let method = names::method(request.method());
        let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let (name, route) = match template {
            Some(template) => {
                let (name, route) = names::span_name(method, template);
                (name, Some(route))
            }
            None => (names::bare_name(method), None),
        };
        let (parent, correlation) = correlation::ensure(MessageContext::from_headers(request.headers()).extract());
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
        let context = parent.with_span(core.tracer.build_with_context(builder, &parent));
        let scheme = match request.uri().scheme_str() {
            Some("https") => "https",
            _ => "http",
        };
        with_attributes(|attributes| {
            attributes.push(KeyValue::new("http.request.method", method));
            attributes.push(KeyValue::new("url.scheme", scheme));
            core.instruments.server_active.add(1, attributes);
        });
        let uri = request.uri();
        Self {
            core,
            context,
            correlation,
            started,
            slow: slow.unwrap_or(core.slow_server),
            method,
            route,
            scheme,
            path: redact::path(template, uri.path()).into(),
            query: uri.query().map(|query| redact::query(query).into()),
            server: text(request.headers(), header::HOST).or_else(|| uri.authority().map(|a| a.as_str().into())),
            client: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
            user_agent: text(request.headers(), header::USER_AGENT),
            original_method: (method == "_OTHER")
                .then(|| request.method().as_str().chars().take(32).collect::<String>().into()),
            request_size: text(request.headers(), header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            response_size: 0,
            status: None,
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
        self.method == Method::HEAD.as_str()
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
        self.measure(elapsed.as_secs_f64(), error);
        self.end_span(error);
        self.log(elapsed, error);
    }

    fn measure(&self, seconds: f64, error: Option<&'static str>) {
        let instruments = &self.core.instruments;
        with_attributes(|attributes| {
            attributes.push(KeyValue::new("http.request.method", self.method));
            attributes.push(KeyValue::new("url.scheme", self.scheme));
            instruments.server_active.add(-1, attributes);
            if let Some(status) = self.status {
                attributes.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            }
            if let Some(route) = self.route {
                attributes.push(KeyValue::new("http.route", route));
            }
            if let Some(error) = error {
                attributes.push(KeyValue::new("error.type", error));
            }
            instruments.server_duration.record(seconds, attributes);
            instruments.server_response_size.record(self.response_size, attributes);
            if let Some(size) = self.request_size {
                instruments.server_request_size.record(size, attributes);
            }
        });
    }

    fn end_span(&mut self, error: Option<&'static str>) {
        let span = self.context.span();
        if span.is_recording() {
            let mut attributes = Vec::with_capacity(16);
            attributes.push(KeyValue::new("http.request.method", self.method));
            attributes.push(KeyValue::new("url.scheme", self.scheme));
            attributes.push(KeyValue::new("url.path", String::from(&*self.path)));
            attributes.push(KeyValue::new(correlation::ATTRIBUTE, self.correlation.value()));
            attributes.push(KeyValue::new("http.response.body.size", self.response_size as i64));
            let mut optional = |key: &'static str, value: Option<opentelemetry::Value>| {
                attributes.extend(value.map(|value| KeyValue::new(key, value)));
            };
            let owned = |text: &Option<Box<str>>| text.as_deref().map(|text| String::from(text).into());
            optional("http.route", self.route.map(Into::into));
            optional("http.response.status_code", self.status.map(|status| i64::from(status.as_u16()).into()));
            optional("error.type", error.map(Into::into));
            optional("url.query", owned(&self.query));
            optional("http.request.method_original", owned(&self.original_method));
            optional("user_agent.original", owned(&self.user_agent));
            optional("http.request.body.size", self.request_size.map(|size| (size as i64).into()));
            if let Some(server) = self.server.as_deref() {
                let (address, port) = split_port(server);
                optional("server.address", Some(String::from(address).into()));
                optional("server.port", port.map(|port| i64::from(port).into()));
            }
            if let Some(client) = self.client {
                optional("client.address", Some(client.ip().to_string().into()));
                optional("client.port", Some(i64::from(client.port()).into()));
            }
            span.set_attributes(attributes);
            if error.is_some() {
                span.set_status(Status::error(""));
            }
        }
        span.end();
    }

    /// The access-log line, written inside the request's context so that it carries the ids.
    fn log(&self, elapsed: Duration, error: Option<&'static str>) {
        let _guard = self.context.clone().attach();
        let slow = elapsed >= self.slow;
        macro_rules! access {
            ($level:ident) => {
                tracing::$level!(
                    target: "telemetry::access",
                    {
                    http.request.method = self.method,
                    http.route = self.route,
                    url.path = &*self.path,
                    http.response.status_code = self.status.map(|status| status.as_u16()),
                    duration_ms = elapsed.as_micros() as f64 / 1000.0,
                    http.request.body.size = self.request_size,
                    http.response.body.size = self.response_size,
                    error.r#type = error,
                    slow = slow.then_some(true),
                    },
                    "request"
                )
            };
        }
        match error {
            Some("cancelled" | "body_dropped") => access!(warn),
            Some(_) => access!(error),
            None if slow => access!(warn),
            None => access!(info),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.report(Outcome::Dropped);
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<Box<str>> {
    headers.get(name)?.to_str().ok().map(Into::into)
}

/// `host`, `host:port` and `[v6]:port`.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().ok()),
        _ => (authority, None),
    }
}
