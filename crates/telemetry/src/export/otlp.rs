//! The OTLP exporters: HTTP with protobuf, through a blocking client of our own.

use std::collections::HashMap;

use opentelemetry_otlp::{MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};

use crate::init::InitError;
use crate::settings::Config;

pub(crate) fn span_exporter(config: &Config, endpoint: &str) -> Result<SpanExporter, InitError> {
    configure(SpanExporter::builder().with_http(), config, endpoint)?.build().map_err(|error| failed(endpoint, &error))
}

pub(crate) fn metric_exporter(config: &Config, endpoint: &str) -> Result<MetricExporter, InitError> {
    configure(MetricExporter::builder().with_http(), config, endpoint)?
        .build()
        .map_err(|error| failed(endpoint, &error))
}

fn configure<B: WithExportConfig + WithHttpConfig>(
    builder: B,
    config: &Config,
    endpoint: &str,
) -> Result<B, InitError> {
    let headers: HashMap<String, String> = config.headers.iter().cloned().collect();
    Ok(builder
        .with_http_client(client(config, endpoint)?)
        .with_protocol(Protocol::HttpBinary)
        // Taken as it is: the path has been appended already.
        .with_endpoint(endpoint)
        .with_headers(headers)
        // With a client of one's own this only bounds the time for retries.
        .with_timeout(config.export_timeout)
        .with_retry_policy(RetryPolicy::recommended()))
}

/// The batch threads are plain threads, so the client must be the blocking one; it refuses to be made inside a runtime, and so
/// it is made on a thread too.
fn client(config: &Config, endpoint: &str) -> Result<reqwest::blocking::Client, InitError> {
    let timeout = config.export_timeout;
    std::thread::Builder::new()
        .name("telemetry-client".into())
        .spawn(move || reqwest::blocking::Client::builder().timeout(timeout).connect_timeout(timeout).build())?
        .join()
        .map_err(|_| failed(endpoint, &"building the HTTP client panicked"))?
        .map_err(|error| failed(endpoint, &error))
}

fn failed(endpoint: &str, reason: &dyn std::fmt::Display) -> InitError {
    InitError::Exporter { endpoint: endpoint.to_owned(), reason: reason.to_string() }
}
