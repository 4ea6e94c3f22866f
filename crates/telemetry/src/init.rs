//! The single entry point.

use std::sync::Arc;

use opentelemetry::global;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanProcessor};

use crate::core::{self, Core};
use crate::export::{Admission, Counted, ExportState, metric_exporter, span_exporter};
use crate::logs::{self, Logs, Service, Sink, Writer};
use crate::metrics::{Scrape, limits};
use crate::redact::RedactingProcessor;
use crate::settings::{Config, Sampling};
use crate::signals;
use crate::trace::{Finished, OperationTracer, Sampler, SpanSink, ThirdPartySampler, ThirdPartySpans};

/// Why [`init`] failed.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// [`init`] was called before in this process, or another library has installed a `tracing` subscriber.
    #[error("telemetry is already initialised in this process: call `telemetry::init` once, first thing in `main`")]
    AlreadyInitialized,
    /// The log filter is not in `RUST_LOG` syntax.
    #[error("log filter `{filter}`: {reason}; expected directives such as `info,order=debug`")]
    LogFilter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The OTLP exporter could not be built.
    #[error("OTLP exporter for `{endpoint}`: {reason}")]
    Exporter {
        /// Where it was to export to.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start a telemetry thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Telemetry of this process; end it with [`Telemetry::shutdown`], or what is still queued may be lost.
#[must_use = "keep it until the end of `main` and shut it down, or the last spans are lost"]
pub struct Telemetry {
    pub(crate) tracers: SdkTracerProvider,
    pub(crate) meters: SdkMeterProvider,
    pub(crate) spans: Option<Arc<ExportState>>,
    pub(crate) metrics: Option<Arc<ExportState>>,
    pub(crate) logs: Logs,
}

/// Sets up logs, traces, metrics and propagation for this process, in the order their providers need.
///
/// Works in any runtime and without one. Logs go to stdout as soon as it returns.
///
/// # Errors
///
/// When called twice, when the log filter cannot be parsed, or when an exporter or its threads cannot be made. A collector
/// that does not answer is no error: what cannot be exported is counted, and a log line tells of it.
pub fn init(config: Config) -> Result<Telemetry, InitError> {
    // Before anything is started: a second call must not leave threads behind.
    if core::installed() || tracing::dispatcher::has_been_set() {
        return Err(InitError::AlreadyInitialized);
    }
    let sink = Sink::Stream(Box::new(std::io::stdout()));
    let telemetry = install(&config, sink, None)?;
    logs::install_hook();
    for problem in &config.problems {
        tracing::warn!(target: "telemetry::config", "{problem}");
    }
    Ok(telemetry)
}

/// Builds everything and makes it this process's telemetry: meters first, because instruments made earlier measure nothing,
/// then the tracer, then the subscriber, which asks for both.
pub(crate) fn install(config: &Config, sink: Sink, memory: Option<Arc<dyn SpanSink>>) -> Result<Telemetry, InitError> {
    let writer = Writer::new(sink, config.log_buffer)?;
    let service =
        Service { name: config.service.clone(), version: config.version.clone(), instance: config.instance.clone() };
    let (subscriber, logs) = logs::subscriber(service, config.log_format, &config.log_filter, writer)
        .map_err(|invalid| InitError::LogFilter { filter: config.log_filter.clone(), reason: invalid.reason })?;
    let resource = resource(config);
    let scrape = Scrape::default();
    let (meters, metrics) = meters(config, resource.clone(), scrape.clone())?;
    let (tracer, tracers, spans) = tracers(config, resource, memory)?;

    let mut core = Core::new(tracer, &meters);
    core.scrape = Some(scrape);
    core.logs = Some(logs.clone());
    core.slow_server = config.slow_server;
    core.slow_client = config.slow_client;
    core.baggage.clone_from(&config.baggage);
    signals::observe(&core.meter, spans.clone(), config.queue_size as u64, logs.writer.clone());

    core::install(core).map_err(|_| InitError::AlreadyInitialized)?;
    global::set_meter_provider(meters.clone());
    global::set_tracer_provider(tracers.clone());
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::AlreadyInitialized)?;
    Ok(Telemetry { tracers, meters, spans, metrics, logs })
}

fn resource(config: &Config) -> Resource {
    let mut attributes = vec![
        opentelemetry::KeyValue::new("service.instance.id", config.instance.clone()),
        opentelemetry::KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    if !config.version.is_empty() {
        attributes.push(opentelemetry::KeyValue::new("service.version", config.version.clone()));
    }
    attributes.extend(config.resource.iter().map(|(k, v)| opentelemetry::KeyValue::new(k.clone(), v.clone())));
    let sdk = [
        opentelemetry::KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        opentelemetry::KeyValue::new("telemetry.sdk.language", "rust"),
    ];
    // The environment has been read into the configuration; the SDK's own detectors would read it a second time.
    Resource::builder_empty()
        .with_attributes(sdk)
        .with_service_name(config.service.clone())
        .with_attributes(attributes)
        .build()
}

type Metered = (SdkMeterProvider, Option<Arc<ExportState>>);

fn meters(config: &Config, resource: Resource, scrape: Scrape) -> Result<Metered, InitError> {
    let mut builder = SdkMeterProvider::builder().with_resource(resource).with_view(limits);
    if config.disabled {
        return Ok((builder.build(), None));
    }
    builder = builder.with_reader(scrape);
    let Some(endpoint) = &config.metrics_endpoint else { return Ok((builder.build(), None)) };
    let state = Arc::new(ExportState::new("metrics", endpoint));
    let exporter = Counted { inner: metric_exporter(config, endpoint)?, state: Arc::clone(&state) };
    let reader = PeriodicReader::builder(exporter).with_interval(config.metric_interval).build();
    Ok((builder.with_reader(reader).build(), Some(state)))
}

type Traced = (OperationTracer, SdkTracerProvider, Option<Arc<ExportState>>);

fn tracers(config: &Config, resource: Resource, memory: Option<Arc<dyn SpanSink>>) -> Result<Traced, InitError> {
    // Ids are still made and passed on when nothing is sampled, so that logs and neighbours stay correlated.
    let sampling = if config.disabled { Sampling::Never } else { config.sampling };
    let sampler = Arc::new(Sampler::new(sampling, config.sampling_cap));
    let mut builder = SdkTracerProvider::builder().with_resource(resource);
    builder = builder.with_sampler(ThirdPartySampler(Arc::clone(&sampler)));
    let mut sink = memory;
    let mut state = None;
    if let (Some(endpoint), false) = (&config.traces_endpoint, config.disabled) {
        let shared = Arc::new(ExportState::new("traces", endpoint));
        let exporter = Counted { inner: span_exporter(config, endpoint)?, state: Arc::clone(&shared) };
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(config.queue_size)
            .with_max_export_batch_size(config.batch_size.min(config.queue_size))
            .with_scheduled_delay(config.schedule_delay)
            .build();
        let queue = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
        let inner = RedactingProcessor(queue);
        let admission = Admission { inner, state: Arc::clone(&shared), capacity: config.queue_size as u64 };
        let exported = Exported(Arc::new(std::sync::Mutex::new(admission)));
        sink = Some(Arc::new(exported.clone()));
        builder = builder.with_span_processor(exported);
        state = Some(shared);
    }
    if let Some(sink) = &sink {
        builder = builder.with_span_processor(ThirdPartySpans(Arc::clone(sink)));
    }
    Ok((OperationTracer::new(sampler, sink, config.keep_failed), builder.build(), state))
}

#[derive(Debug)]
struct Exported<P>(Arc<std::sync::Mutex<P>>);

impl<P> Clone for Exported<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: SpanProcessor> SpanSink for Exported<P> {
    fn push(&self, span: Finished) {
        self.0.lock().unwrap().on_end(span.into());
    }
}

impl<P: SpanProcessor> SpanProcessor for Exported<P> {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        self.0.lock().unwrap().force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: std::time::Duration) -> opentelemetry_sdk::error::OTelSdkResult {
        self.0.lock().unwrap().shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.lock().unwrap().set_resource(resource);
    }
}
