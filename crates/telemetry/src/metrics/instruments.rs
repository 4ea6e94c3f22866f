//! Every instrument this crate records on its own, named by the semantic conventions.
//!
//! What the conventions lack is under `app.*`. Durations are in seconds, sizes in bytes.

use opentelemetry::metrics::{Counter, Meter, UpDownCounter};

use super::{Histogram, histogram};

/// Bucket bounds the semantic conventions recommend for request durations, in seconds.
pub(crate) const DURATION_BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Body sizes from one packet to large uploads, in bytes.
const SIZE_BOUNDS: [f64; 10] =
    [128.0, 512.0, 2048.0, 8192.0, 32768.0, 131_072.0, 524_288.0, 2_097_152.0, 8_388_608.0, 33_554_432.0];

/// Age of a message when its processing starts: from immediate to an hour behind, in seconds.
const AGE_BOUNDS: [f64; 14] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

pub(crate) struct Instruments {
    pub(crate) server_duration: Histogram,
    pub(crate) server_request_size: Histogram,
    pub(crate) server_response_size: Histogram,
    pub(crate) client_duration: Histogram,
    pub(crate) client_request_size: Histogram,
    pub(crate) client_response_size: Histogram,
    pub(crate) client_active: UpDownCounter<i64>,
    pub(crate) messaging_duration: Histogram,
    pub(crate) messaging_sent: Counter<u64>,
    pub(crate) messaging_consumed: Counter<u64>,
    pub(crate) messaging_process: Histogram,
    pub(crate) messaging_redelivered: Counter<u64>,
    pub(crate) messaging_age: Histogram,
    pub(crate) messaging_active: UpDownCounter<i64>,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        let duration = |name: &'static str, what: &'static str| histogram(name, "s", what).build_on(meter);
        let size =
            |name: &'static str, what: &'static str| histogram(name, "By", what).bounds(SIZE_BOUNDS).build_on(meter);
        let count = |name: &'static str, unit: &'static str, what: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(what).build()
        };
        let level = |name: &'static str, unit: &'static str, what: &'static str| {
            meter.i64_up_down_counter(name).with_unit(unit).with_description(what).build()
        };
        Self {
            server_duration: duration(
                "http.server.request.duration",
                "Time from request to the end of the response body",
            ),
            server_request_size: size("http.server.request.body.size", "Announced size of request bodies"),
            server_response_size: size("http.server.response.body.size", "Bytes of response bodies that were sent"),
            client_duration: duration(
                "http.client.request.duration",
                "Time from request to the end of the response body",
            ),
            client_request_size: size("http.client.request.body.size", "Size of request bodies of known length"),
            client_response_size: size("http.client.response.body.size", "Announced size of response bodies"),
            client_active: level(
                "http.client.active_requests",
                "{request}",
                "Requests waiting for the end of their answer",
            ),
            messaging_duration: duration("messaging.client.operation.duration", "Time until the broker confirmed"),
            messaging_sent: count("messaging.client.sent.messages", "{message}", "Messages handed to the broker"),
            messaging_consumed: count("messaging.client.consumed.messages", "{message}", "Messages delivered here"),
            messaging_process: duration("messaging.process.duration", "Time spent processing one message"),
            messaging_redelivered: count(
                "app.messaging.redelivered.messages",
                "{message}",
                "Messages the broker had delivered before",
            ),
            messaging_age: histogram("app.messaging.message.age", "s", "Age of a message when its processing starts")
                .bounds(AGE_BOUNDS)
                .build_on(meter),
            messaging_active: level("app.messaging.process.active_messages", "{message}", "Messages being processed"),
        }
    }
}
