//! The measurements of one outcome of one endpoint, bound to their attributes once.

use std::sync::OnceLock;

use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanContext;

use crate::metrics::{BoundHistogram, Instruments};

/// What tells the series of an endpoint apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: Option<StatusCode>,
    pub(super) error: Option<&'static str>,
    pub(super) https: bool,
}

/// What is measured about a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) response_size: u64,
    pub(super) request_size: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Series {
    pub(super) ending: Ending,
    attributes: Vec<KeyValue>,
    duration: BoundHistogram,
    response_size: BoundHistogram,
    /// Few requests have a body, and a series that is never recorded would still be exported.
    request_size: OnceLock<BoundHistogram>,
}

impl Series {
    pub(super) fn bind(
        instruments: &Instruments,
        method: &'static str,
        route: Option<&'static str>,
        ending: Ending,
    ) -> Self {
        let attributes = attributes(method, route, ending);
        Self {
            ending,
            duration: instruments.server_duration.bind(&attributes),
            response_size: instruments.server_response_size.bind(&attributes),
            request_size: OnceLock::new(),
            attributes,
        }
    }

    pub(super) fn record(&self, instruments: &Instruments, measured: Measured, span: &SpanContext) {
        self.duration.record_in(measured.seconds, span);
        self.response_size.record_in(measured.response_size as f64, span);
        if let Some(size) = measured.request_size {
            let bound = self.request_size.get_or_init(|| instruments.server_request_size.bind(&self.attributes));
            bound.record_in(size as f64, span);
        }
    }
}

/// Records without binding, for endings beyond those an endpoint keeps.
pub(super) fn record(
    instruments: &Instruments,
    method: &'static str,
    route: Option<&'static str>,
    ending: Ending,
    measured: Measured,
    span: &SpanContext,
) {
    let attributes = attributes(method, route, ending);
    instruments.server_duration.record_in(measured.seconds, &attributes, span);
    instruments.server_response_size.record_in(measured.response_size as f64, &attributes, span);
    if let Some(size) = measured.request_size {
        instruments.server_request_size.record_in(size as f64, &attributes, span);
    }
}

fn attributes(method: &'static str, route: Option<&'static str>, ending: Ending) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", if ending.https { "https" } else { "http" }),
    ];
    let status = ending.status.map(|status| i64::from(status.as_u16()));
    attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    attributes.extend(ending.error.map(|error| KeyValue::new("error.type", error)));
    attributes
}
