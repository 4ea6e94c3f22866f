//! The single entry point.

use std::sync::Arc;

use opentelemetry::global;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::admin::Build;
use crate::core::{self, Core};
use crate::export::{self, Client, Signal};
use crate::logs::{self, Logs, Options, RecordSink, Service, Sink, Style, Writer};
use crate::metrics::{GuardedMeters, Scrape, limits};
use crate::redact;
use crate::settings::{Config, Sampling};
use crate::signals;
use crate::trace::{self, OperationTracer, Sampler, SpanSink, ThirdPartySampler, ThirdPartySpans};

/// Why [`init`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    pub(crate) spans: Option<Arc<dyn Signal>>,
    pub(crate) metrics: Option<Arc<dyn Signal>>,
    pub(crate) records: Option<Arc<dyn Signal>>,
    pub(crate) logs: Logs,
}

/// Sets up logs, traces, metrics and propagation for this process, in the order their providers need.
///
/// Works in any runtime and without one. Logs go to stdout as soon as it returns, those of libraries that use the `log` crate
/// too, unless the application has given that crate a logger of its own before.
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
    logs::install_hook(config.chain_panic_hook);
    for problem in &config.problems {
        tracing::warn!(target: "telemetry::config", "{problem}");
    }
    Ok(telemetry)
}

/// Builds everything and makes it this process's telemetry: meters first, because instruments made earlier measure nothing,
/// then the tracer, then the subscriber, which asks for both.
pub(crate) fn install(config: &Config, sink: Sink, memory: Option<Arc<dyn SpanSink>>) -> Result<Telemetry, InitError> {
    // Before anything is put in force or started: a failure leaves nothing behind.
    let invalid = |invalid: logs::InvalidFilter| InitError::LogFilter {
        filter: config.log_filter.clone(),
        reason: invalid.reason,
    };
    logs::check_filter(&config.log_filter).map_err(invalid)?;
    export::check(config)?;
    redact::install(config.redaction.clone());
    trace::set_longest_value(config.value_length);
    let writer = Writer::new(sink, config.log_buffer)?;
    let service =
        Service { name: config.service.clone(), version: config.version.clone(), instance: config.instance.clone() };
    let style = Style { format: config.log_format, colour: config.log_colour };
    let resource = resource(config);
    let client = Client::default();
    let (queue, records) = export::records(config, &client, &resource)?.unzip();
    let sink = queue.map(|queue| Arc::new(queue) as Arc<dyn RecordSink>);
    let options = Options { service, style, limits: config.log_limits, sink };
    let (subscriber, logs) = logs::subscriber(options, &config.log_filter, writer).map_err(invalid)?;
    let scrape = Scrape::default();
    let meters = meters(config, resource.clone(), scrape.clone());
    let metrics = export::metrics(config, &client, scrape.clone())?;
    let (tracer, tracers, spans) = tracers(config, &client, resource, memory)?;

    // Without the care that callbacks of the application need: none of these blocks.
    let own = meters.meter(core::SCOPE);
    let mut core = Core::new(tracer, &meters);
    core.scrape = Some(scrape);
    core.logs = Some(logs.clone());
    core.build = Some(Build::of(config));
    core.slow_server = config.slow_server;
    core.slow_client = config.slow_client;
    core.baggage.clone_from(&config.baggage);
    core.internal_hosts.clone_from(&config.internal_hosts);
    core.access_log = config.access_log;
    if !config.disabled {
        signals::observe(&own, logs.clone())?;
    }
    [&spans, &metrics, &records].into_iter().flatten().for_each(|signal| export::observe(&own, signal));

    core::install(core).map_err(|_| InitError::AlreadyInitialized)?;
    global::set_meter_provider(GuardedMeters(meters.clone()));
    global::set_tracer_provider(tracers.clone());
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::AlreadyInitialized)?;
    logs::hear_log_crate();
    Ok(Telemetry { tracers, meters, spans, metrics, records, logs })
}

fn resource(config: &Config) -> Resource {
    let mut attributes = vec![
        opentelemetry::KeyValue::new("service.instance.id", config.instance.clone()),
        opentelemetry::KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    if !config.version.is_empty() {
        attributes.push(opentelemetry::KeyValue::new("service.version", config.version.clone()));
    }
    // Set from outside, so it is no more to be trusted than anything else.
    let shown = |key: &str, value: &str| {
        if redact::is_secret_key(key) { redact::MASK.to_owned() } else { redact::text(value).into_owned() }
    };
    attributes.extend(config.resource.iter().map(|(k, v)| opentelemetry::KeyValue::new(k.clone(), shown(k, v))));
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

fn meters(config: &Config, resource: Resource, scrape: Scrape) -> SdkMeterProvider {
    let builder = SdkMeterProvider::builder().with_resource(resource).with_view(limits(config));
    if config.disabled { builder.build() } else { builder.with_reader(scrape).build() }
}

type Traced = (OperationTracer, SdkTracerProvider, Option<Arc<dyn Signal>>);

fn tracers(
    config: &Config,
    client: &Client,
    resource: Resource,
    memory: Option<Arc<dyn SpanSink>>,
) -> Result<Traced, InitError> {
    // Ids are still made and passed on when nothing is sampled, so that logs and neighbours stay correlated.
    let sampling = if config.disabled { Sampling::Never } else { config.sampling };
    let sampler = Arc::new(Sampler::new(sampling, config.sampling_cap));
    let (queue, spans) = export::spans(config, client, &resource)?.unzip();
    let sink = crate::testing::tee(memory, queue.map(|queue| Arc::new(queue) as Arc<dyn SpanSink>));
    let mut builder =
        SdkTracerProvider::builder().with_resource(resource).with_sampler(ThirdPartySampler(Arc::clone(&sampler)));
    if let Some(sink) = &sink {
        builder = builder.with_span_processor(ThirdPartySpans(Arc::clone(sink)));
    }
    Ok((OperationTracer::new(sampler, sink, config.keep_failed), builder.build(), spans))
}
