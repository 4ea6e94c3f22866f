//! The OpenTelemetry SDK as its documentation sets it up: OTLP over HTTP, batches, a periodic reader.

use opentelemetry::global;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};

use super::{BATCH, DELAY, QUEUE};

fn resource() -> Resource {
    Resource::builder_empty().with_service_name("bench").build()
}

/// A tracer provider that does as the caller decided, made global along with W3C propagation.
pub(super) fn tracers(endpoint: Option<&str>) -> SdkTracerProvider {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let mut builder = SdkTracerProvider::builder()
        .with_resource(resource())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    if let Some(endpoint) = endpoint {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .expect("an exporter");
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        builder = builder.with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batch).build());
    }
    let provider = builder.build();
    global::set_tracer_provider(provider.clone());
    provider
}

/// A meter provider, made global. Without an endpoint it aggregates all the same, as ours does for `/metrics`.
pub(super) fn meters(endpoint: Option<&str>) -> SdkMeterProvider {
    let mut builder = SdkMeterProvider::builder().with_resource(resource());
    builder = match endpoint {
        Some(endpoint) => {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(format!("{endpoint}/v1/metrics"))
                .build()
                .expect("an exporter");
            builder.with_reader(PeriodicReader::builder(exporter).build())
        }
        None => builder.with_reader(opentelemetry_sdk::metrics::ManualReader::builder().build()),
    };
    let provider = builder.build();
    global::set_meter_provider(provider.clone());
    provider
}

/// Ends both; the SDK does not tell what it lost.
pub(super) fn finish(tracers: Option<SdkTracerProvider>, meters: Option<SdkMeterProvider>) -> Result<(), String> {
    let tracers = tracers.map_or(Ok(()), |tracers| tracers.shutdown());
    let meters = meters.map_or(Ok(()), |meters| meters.shutdown());
    tracers.and(meters).map_err(|error| error.to_string())
}
