//! Prometheus' text format (0.0.4), rendered from what the SDK collected.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

/// Content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Families in the order of their names, each with its type and help once.
pub(super) fn render(metrics: &ResourceMetrics) -> String {
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let mut info = String::from("# HELP target_info Target metadata\n# TYPE target_info gauge\n");
    let resource: Vec<KeyValue> =
        metrics.resource().iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    sample(&mut info, "target_info", "", &resource, &[], 1);
    families.insert("target_info".into(), info);
    for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
        let (name, text) = match metric.data() {
            AggregatedMetrics::F64(data) => family(metric, data),
            AggregatedMetrics::U64(data) => family(metric, data),
            AggregatedMetrics::I64(data) => family(metric, data),
        };
        match families.get_mut(&name) {
            // The same instrument in two scopes: only its samples are added.
            Some(existing) => existing.extend(text.lines().filter(|l| !l.starts_with('#')).flat_map(|l| [l, "\n"])),
            None => drop(families.insert(name, text)),
        }
    }
    families.into_values().collect()
}

fn family<T: Copy + Display>(metric: &Metric, data: &MetricData<T>) -> (String, String) {
    let monotonic = matches!(data, MetricData::Sum(sum) if sum.is_monotonic());
    let name = name(metric.name(), metric.unit(), monotonic);
    let kind = match data {
        MetricData::Sum(_) if monotonic => "counter",
        MetricData::Sum(_) | MetricData::Gauge(_) => "gauge",
        MetricData::Histogram(_) => "histogram",
        // Not expressible here, and no instrument of this crate uses it.
        MetricData::ExponentialHistogram(_) => return (name, String::new()),
    };
    let mut out = String::new();
    if !metric.description().is_empty() {
        let help = metric.description().replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(out, "# HELP {name} {help}");
    }
    let _ = writeln!(out, "# TYPE {name} {kind}");
    match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().for_each(|p| sample(&mut out, &name, "", p.attributes(), &[], p.value()));
        }
        MetricData::Sum(sum) => {
            sum.data_points().for_each(|p| sample(&mut out, &name, "", p.attributes(), &[], p.value()));
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                let mut total = 0;
                let bounds = point.bounds().map(|bound| bound.to_string()).chain(["+Inf".into()]);
                for (bound, count) in bounds.zip(point.bucket_counts()) {
                    total += count;
                    sample(&mut out, &name, "_bucket", point.attributes(), &[("le", &bound)], total);
                }
                sample(&mut out, &name, "_sum", point.attributes(), &[], point.sum());
                sample(&mut out, &name, "_count", point.attributes(), &[], point.count());
            }
        }
        MetricData::ExponentialHistogram(_) => {}
    }
    (name, out)
}

fn sample<'a>(
    out: &mut String,
    name: &str,
    suffix: &str,
    attributes: impl IntoIterator<Item = &'a KeyValue>,
    more: &[(&str, &str)],
    value: impl Display,
) {
    out.push_str(name);
    out.push_str(suffix);
    let mut separator = '{';
    let mut label = |key: &str, value: &str| {
        out.push(separator);
        separator = ',';
        sanitize(key, out);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    };
    for attribute in attributes {
        label(attribute.key.as_str(), &attribute.value.as_str());
    }
    more.iter().for_each(|(key, value)| label(key, value));
    if separator == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

/// The OpenTelemetry name as Prometheus wants it: legal characters, the unit and `_total` as suffixes.
fn name(name: &str, unit: &str, counter: bool) -> String {
    let mut out = String::new();
    sanitize(name, &mut out);
    let suffix = match unit {
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        "1" if !counter => "ratio",
        _ => "",
    };
    if !suffix.is_empty() && !out.ends_with(suffix) {
        out.push('_');
        out.push_str(suffix);
    }
    if counter && !out.ends_with("_total") {
        out.push_str("_total");
    }
    out
}

fn sanitize(text: &str, out: &mut String) {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    out.extend(text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    #[test]
    fn all_kinds_are_rendered() {
        let scrape = crate::metrics::Scrape::default();
        let resource = Resource::builder_empty().with_service_name("shop").build();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).with_resource(resource).build();
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
        insta::assert_snapshot!(scrape.render(), @r#"
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
