//! One call on its way, from sending it to the end of the answer's body: its span, its measurements, its WARN line.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use http_body::Body as _;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::names;
use crate::core::{Core, core};
use crate::metrics::with_attributes;
use crate::redact;
use crate::work::{Failure, Report, Work, open};

/// A call and what is known about it so far.
pub(super) struct Call {
    core: &'static Core,
    slow: Duration,
    method: &'static str,
    route: Option<&'static str>,
    server: Box<str>,
    port: Option<u16>,
    request_size: Option<u64>,
    response_size: Option<u64>,
    version: Option<&'static str>,
    status: Option<StatusCode>,
    /// Until the headers of an answer that streams: how long its body takes is not up to the call, and not slow.
    answered_after: Option<Duration>,
    /// Whether it has failed, as opposed to being answered with a failure or being given up.
    failed: bool,
}

// === impl Call ===

impl Call {
    pub(super) fn start(
        request: &reqwest::Request,
        route: Option<Cow<'static, str>>,
        slow: Option<Duration>,
    ) -> Work<Self> {
        let core = core();
        let method = names::method(request.method());
        let (name, route) = match route {
            Some(route) => {
                let (name, route) = names::span_name(method, &route);
                (name, Some(route))
            }
            None => (names::bare_name(method), None),
        };
        let url = request.url();
        let call = Self {
            core,
            slow: slow.unwrap_or(core.slow_client),
            method,
            route,
            server: url.host_str().unwrap_or_default().into(),
            port: url.port_or_known_default(),
            // Without a body there is nothing to be announced, and a body of unknown length is not.
            request_size: request.body().and_then(|body| body.size_hint().exact()),
            response_size: None,
            version: None,
            status: None,
            answered_after: None,
            failed: false,
        };
        let opened = open(name, SpanKind::Client, Context::current(), Vec::new(), |_| {
            let mut attributes = Vec::with_capacity(8);
            call.describe(&mut attributes);
            attributes.push(KeyValue::new("url.full", redact::url(url, route)));
            attributes.extend(route.map(|route| KeyValue::new("url.template", route)));
            attributes.extend(call.request_size.map(|bytes| size("http.request.body.size", bytes)));
            if method == "_OTHER" {
                attributes.push(KeyValue::new("http.request.method_original", request.method().to_string()));
            }
            attributes
        });
        with_attributes(|attributes| {
            call.describe(attributes);
            core.instruments.client_active.add(1, attributes);
        });
        Work::new(opened, call)
    }

    /// Takes note of the headers of the answer, while its body is still to come.
    pub(super) fn answered(&mut self, response: &reqwest::Response, after: Duration) {
        self.status = Some(response.status());
        self.version = names::version(response.version());
        self.response_size = response.content_length();
        self.answered_after = self.response_size.is_none().then_some(after);
    }

    /// What the answer says of the call, when nothing else is wrong.
    pub(super) fn verdict(&self) -> Failure {
        let error = self.status.and_then(|status| names::status_error(status, 400))?;
        Some((error.into(), String::new()))
    }

    /// Takes note that the call broke down, before its answer or within that.
    pub(super) fn failed(&mut self, error: &reqwest::Error) -> Failure {
        self.failed = true;
        Some((error_type(error).into(), String::new()))
    }

    fn describe(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new("http.request.method", self.method));
        attributes.push(KeyValue::new("server.address", String::from(&*self.server)));
        attributes.extend(self.port.map(|port| KeyValue::new("server.port", i64::from(port))));
    }
}

impl Report for Call {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        let status = self.status.map(|status| i64::from(status.as_u16()));
        let span = context.span();
        with_attributes(|attributes| {
            let (instruments, span) = (&self.core.instruments, span.span_context());
            self.describe(attributes);
            instruments.client_active.add(-1, attributes);
            attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
            attributes.extend(self.route.map(|route| KeyValue::new("url.template", route)));
            attributes.extend(error.map(|error| KeyValue::new("error.type", error.clone())));
            instruments.client_duration.record_in(elapsed.as_secs_f64(), attributes, span);
            let sizes = [
                (&instruments.client_request_size, self.request_size),
                (&instruments.client_response_size, self.response_size),
            ];
            for (histogram, bytes) in sizes {
                if let Some(bytes) = bytes {
                    histogram.record_in(bytes as f64, attributes, span);
                }
            }
        });
        if span.is_recording() {
            let known = [
                status.map(|status| KeyValue::new("http.response.status_code", status)),
                self.response_size.map(|bytes| size("http.response.body.size", bytes)),
                self.version.map(|version| KeyValue::new("network.protocol.version", version)),
            ];
            span.set_attributes(known.into_iter().flatten());
        }
        if self.failed || self.answered_after.unwrap_or(elapsed) >= self.slow {
            let _guard = context.clone().attach();
            tracing::warn!(
                target: "telemetry::client",
                {
                http.request.method = self.method,
                url.template = self.route,
                server.address = &*self.server,
                server.port = self.port,
                http.response.status_code = status,
                error.r#type = error.map(AsRef::<str>::as_ref),
                duration_ms = elapsed.as_micros() as f64 / 1000.0,
                },
                "{}",
                if self.failed { "call failed" } else { "slow call" }
            );
        }
    }
}

fn size(key: &'static str, bytes: u64) -> KeyValue {
    KeyValue::new(key, i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// Few and stable, as `error.type` must be.
fn error_type(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect_error"
    } else if error.is_redirect() {
        "redirect_error"
    } else if error.is_body() || error.is_decode() {
        "body_error"
    } else {
        "request_error"
    }
}
