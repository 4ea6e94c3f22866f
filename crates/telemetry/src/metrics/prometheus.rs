//! Prometheus' text format (0.0.4) and OpenMetrics' (1.0.0), rendered from what the SDK collected.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

use super::classic;
use super::exemplars::{self, Exemplar, Exemplars};
use super::exposition::Format;
use super::labels::{self, Number};

/// Instruments that are told of.
const MOST_TOLD: usize = 64;

/// Families in the order of their names, each with its type and help once.
pub(super) fn render(metrics: &ResourceMetrics, format: Format) -> String {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let resource: Vec<KeyValue> =
        metrics.resource().iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let mut info = Page { format, scope: None, out: String::new() };
    info.sample("target_info", &resource, None, 1_u64, None);
    let (name, kind) = if format == Format::OpenMetrics { ("target", "info") } else { ("target_info", "gauge") };
    families.insert(name.into(), Family { kind, help: "Target metadata".into(), samples: info.out });
    let mut scopes: HashMap<&str, usize> = HashMap::new();
    metrics.scope_metrics().flat_map(|scope| scope.metrics()).for_each(|metric| {
        *scopes.entry(metric.name()).or_default() += 1;
    });
    for scope in metrics.scope_metrics() {
        for metric in scope.metrics() {
            let kept = if scope.scope().name() == crate::core::SCOPE { exemplars::find(metric.name()) } else { None };
            // Where one name alone would make two series the same.
            let shared = scopes.get(metric.name()).is_some_and(|scopes| *scopes > 1);
            let label = shared.then(|| KeyValue::new("otel_scope_name", scope.scope().name().to_owned()));
            let page = Page { format, scope: label, out: String::new() };
            let (name, family) = match metric.data() {
                AggregatedMetrics::F64(data) => family(metric, data, kept.as_deref(), page),
                AggregatedMetrics::U64(data) => family(metric, data, kept.as_deref(), page),
                AggregatedMetrics::I64(data) => family(metric, data, kept.as_deref(), page),
            };
            match families.get_mut(&name) {
                // The same instrument in two scopes: only its samples are added.
                Some(known) if known.kind == family.kind => known.samples.push_str(&family.samples),
                // Of another type it would spoil the whole page.
                Some(_) => left_out(metric.name(), scope.scope().name()),
                None => drop(families.insert(name, family)),
            }
        }
    }
    let mut page = String::new();
    for (name, Family { kind, help, samples }) in &families {
        if !help.is_empty() {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let help = if format == Format::OpenMetrics { help.replace('"', "\\\"") } else { help };
            let _ = writeln!(page, "# HELP {name} {help}");
        }
        let _ = writeln!(page, "# TYPE {name} {kind}");
        page.push_str(samples);
    }
    if format == Format::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

struct Family {
    kind: &'static str,
    help: String,
    samples: String,
}

/// Samples of one family.
struct Page {
    format: Format,
    /// Tells the series of one scope from those of another.
    scope: Option<KeyValue>,
    out: String,
}

/// Says so once per instrument.
fn left_out(instrument: &str, scope: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() < MOST_TOLD && told.insert(format!("{scope} {instrument}")) {
        drop(told);
        tracing::warn!(
            target: "telemetry::metrics",
            instrument,
            scope,
            "instrument is not shown to Prometheus: another one has its name and a different type"
        );
    }
}

fn family<T: Number>(
    metric: &Metric,
    data: &MetricData<T>,
    kept: Option<&Exemplars>,
    mut page: Page,
) -> (String, Family) {
    let monotonic = matches!(data, MetricData::Sum(sum) if sum.is_monotonic());
    let base = labels::name(metric.name(), metric.unit(), monotonic);
    // What the samples of a counter are called, and for Prometheus the family too.
    let full = if monotonic { format!("{base}_total") } else { base.clone() };
    let kind = match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().for_each(|point| page.sample(&full, point.attributes(), None, point.value(), None));
            "gauge"
        }
        MetricData::Sum(sum) => {
            sum.data_points().for_each(|point| page.sample(&full, point.attributes(), None, point.value(), None));
            if monotonic { "counter" } else { "gauge" }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                let attributes: Vec<&KeyValue> = point.attributes().collect();
                let buckets = classic::explicit(point.bounds(), point.bucket_counts(), point.count());
                page.histogram(&full, &attributes, &buckets, point.sum(), point.count(), kept);
            }
            "histogram"
        }
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                let attributes: Vec<&KeyValue> = point.attributes().collect();
                let buckets = classic::exponential(point, metric.unit());
                page.histogram(&full, &attributes, &buckets, point.sum(), point.count() as u64, kept);
            }
            "histogram"
        }
    };
    let name = if page.format == Format::OpenMetrics { base } else { full };
    (name, Family { kind, help: metric.description().to_owned(), samples: page.out })
}

impl Page {
    fn histogram<T: Number>(
        &mut self,
        name: &str,
        attributes: &[&KeyValue],
        buckets: &[(f64, u64)],
        sum: T,
        count: u64,
        kept: Option<&Exemplars>,
    ) {
        let given = || attributes.iter().copied();
        let examples = match (self.format, kept) {
            (Format::OpenMetrics, Some(kept)) => kept.read(given()),
            _ => Vec::new(),
        };
        let bucket = format!("{name}_bucket");
        let mut below = f64::NEG_INFINITY;
        for (bound, total) in buckets {
            let inside = examples.iter().filter(|example| below < example.value && example.value <= *bound);
            self.sample(&bucket, given(), Some(*bound), *total, inside.max_by_key(|example| example.at));
            below = *bound;
        }
        self.sample(&format!("{name}_sum"), given(), None, sum, None);
        self.sample(&format!("{name}_count"), given(), None, count, None);
    }

    fn sample<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = &'a KeyValue>,
        le: Option<f64>,
        value: impl Number,
        example: Option<&Exemplar>,
    ) {
        let out = &mut self.out;
        out.push_str(name);
        let le = le.map(|bound| {
            let mut text = String::new();
            bound.write(&mut text);
            // OpenMetrics wants a float that shows it.
            if self.format == Format::OpenMetrics && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                text.push_str(".0");
            }
            text
        });
        let mut given: Vec<&KeyValue> = attributes.into_iter().collect();
        given.extend(&self.scope);
        labels::write(given, le.as_deref(), out);
        out.push(' ');
        value.write(out);
        if let Some(example) = example {
            let at = example.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let (trace, span) = (example.trace_id, example.span_id);
            let _ = write!(out, " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} ");
            example.value.write(out);
            let _ = write!(out, " {}.{:03}", at.as_secs(), at.subsec_millis());
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scrape;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};

    fn provider() -> (Scrape, SdkMeterProvider) {
        let scrape = Scrape::default();
        let resource = Resource::builder_empty().with_service_name("shop").build();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).with_resource(resource).build();
        (scrape, provider)
    }

    fn sampled() -> SpanContext {
        SpanContext::new(TraceId::from(10), SpanId::from(11), TraceFlags::SAMPLED, false, TraceState::NONE)
    }

    /// Without the times of exemplars.
    fn untimed(page: &str) -> String {
        page.lines()
            .map(|line| {
                line.rsplit_once("} ").filter(|_| line.contains(" # {")).map_or_else(
                    || format!("{line}\n"),
                    |(head, tail)| format!("{head}}} {}\n", tail.split(' ').next().unwrap_or_default()),
                )
            })
            .collect()
    }

    #[tokio::test]
    async fn scopes_that_share_a_name_are_told_apart_and_another_type_is_told_of() {
        let capture = crate::testing::capture();
        let (scrape, provider) = provider();
        for (scope, orders) in [("a", 1), ("b", 2)] {
            provider.meter(scope).u64_counter("shared.orders").build().add(orders, &[KeyValue::new("kind", "x")]);
        }
        provider.meter("a").u64_gauge("shared.size").build().record(1, &[]);
        provider.meter("b").f64_histogram("shared.size").build().record(1.0, &[]);
        let page = capture
            .run(async {
                render(&scrape.collect(), Format::Prometheus);
                render(&scrape.collect(), Format::Prometheus)
            })
            .await;
        let mut shown: Vec<&str> = page.lines().filter(|line| line.starts_with("shared_orders")).collect();
        shown.sort_unstable();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        shared_orders_total{kind="x",otel_scope_name="a"} 1
        shared_orders_total{kind="x",otel_scope_name="b"} 2
        "#);
        let logs = capture.logs();
        assert!(logs.len() == 1 && logs[0].contains("shared.size"), "{logs:#?}");
    }

    #[test]
    fn open_metrics_show_exemplars() {
        let (scrape, provider) = provider();
        let meter = provider.meter(crate::core::SCOPE);
        meter.u64_counter("app.orders").with_unit("{order}").build().add(3, &[]);
        meter.f64_gauge("odd.value").build().record(1.5, &[KeyValue::new("a.b", "1"), KeyValue::new("a_b", "2")]);
        let wait = crate::metrics::histogram("prometheus.wait", "s", "").bounds([0.5, 1.0]).build_on(&meter);
        [0.25, 0.75, 9.0]
            .into_iter()
            .for_each(|seconds| wait.record_in(seconds, &[KeyValue::new("k", "v")], &sampled()));
        insta::assert_snapshot!(untimed(&render(&scrape.collect(), Format::OpenMetrics)), @r#"
        # TYPE app_orders counter
        app_orders_total 3
        # TYPE odd_value gauge
        odd_value{a_b="1;2"} 1.5
        # TYPE prometheus_wait_seconds histogram
        prometheus_wait_seconds_bucket{k="v",le="0.5"} 1 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 0.25
        prometheus_wait_seconds_bucket{k="v",le="1.0"} 2 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 0.75
        prometheus_wait_seconds_bucket{k="v",le="+Inf"} 3 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 9
        prometheus_wait_seconds_sum{k="v"} 10
        prometheus_wait_seconds_count{k="v"} 3
        # HELP target Target metadata
        # TYPE target info
        target_info{service_name="shop"} 1
        # EOF
        "#);
    }

    #[test]
    fn exponential_buckets_become_classic_ones() {
        let scrape = Scrape::default();
        let aggregation = Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
        let view = move |_: &Instrument| Stream::builder().with_aggregation(aggregation.clone()).build().ok();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).with_view(view).build();
        let wait =
            crate::metrics::histogram("prometheus.exponential", "s", "").build_on(&provider.meter(crate::core::SCOPE));
        for seconds in [0.0, 0.0001, 0.5, 0.51, 1.0, 1.001, 300.0] {
            wait.record_in(seconds, &[], &sampled());
        }
        let page = untimed(&render(&scrape.collect(), Format::OpenMetrics));
        let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("prometheus")).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        prometheus_exponential_seconds_bucket{le="0.0009765625"} 2 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 0
        prometheus_exponential_seconds_bucket{le="0.001953125"} 2
        prometheus_exponential_seconds_bucket{le="0.00390625"} 2
        prometheus_exponential_seconds_bucket{le="0.0078125"} 2
        prometheus_exponential_seconds_bucket{le="0.015625"} 2
        prometheus_exponential_seconds_bucket{le="0.03125"} 2
        prometheus_exponential_seconds_bucket{le="0.0625"} 2
        prometheus_exponential_seconds_bucket{le="0.125"} 2
        prometheus_exponential_seconds_bucket{le="0.25"} 2
        prometheus_exponential_seconds_bucket{le="0.5"} 3 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 0.5
        prometheus_exponential_seconds_bucket{le="1.0"} 5 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 1
        prometheus_exponential_seconds_bucket{le="2.0"} 6 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 1.001
        prometheus_exponential_seconds_bucket{le="4.0"} 6
        prometheus_exponential_seconds_bucket{le="8.0"} 6
        prometheus_exponential_seconds_bucket{le="16.0"} 6
        prometheus_exponential_seconds_bucket{le="32.0"} 6
        prometheus_exponential_seconds_bucket{le="64.0"} 6
        prometheus_exponential_seconds_bucket{le="+Inf"} 7 # {trace_id="0000000000000000000000000000000a",span_id="000000000000000b"} 300
        prometheus_exponential_seconds_sum 303.0111
        prometheus_exponential_seconds_count 7
        "#);
    }

    #[test]
    fn all_kinds_are_rendered() {
        let (scrape, provider) = provider();
        let meter = provider.meter("test");
        meter
            .u64_counter("app.orders")
            .with_description("Orders \"made\"")
            .build()
            .add(3, &[KeyValue::new("kind", "a\"b\\")]);
        meter.i64_up_down_counter("in.flight").build().add(-2, &[]);
        meter.f64_gauge("cpu.utilization").with_unit("1").build().record(0.25, &[]);
        let duration = meter.f64_histogram("wait").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
        [0.05, 0.5, 5.0].into_iter().for_each(|seconds| duration.record(seconds, &[]));
        insta::assert_snapshot!(render(&scrape.collect(), Format::Prometheus), @r#"
        # HELP app_orders_total Orders "made"
        # TYPE app_orders_total counter
        app_orders_total{kind="a\"b\\"} 3
        # TYPE cpu_utilization_ratio gauge
        cpu_utilization_ratio 0.25
        # TYPE in_flight gauge
        in_flight -2
        # HELP target_info Target metadata
        # TYPE target_info gauge
        target_info{service_name="shop"} 1
        # TYPE wait_seconds histogram
        wait_seconds_bucket{le="0.1"} 1
        wait_seconds_bucket{le="1"} 2
        wait_seconds_bucket{le="+Inf"} 3
        wait_seconds_sum 5.55
        wait_seconds_count 3
        "#);
    }
}
