//! Attributes of metrics: hidden like all others, but kept apart.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::{MASK, is_secret_key, text};

/// Keyed anew in each process, so that nobody can try values until one fits.
static MARKS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A metric attribute's value as it may be shown.
///
/// Two values that are hidden stay two series: were both `[redacted]`, a scrape would hold the same series twice, and its
/// reader keep only one. So each gets a mark that is the same as long as the process lives and says nothing about the value.
pub(crate) fn label<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    let shown = if is_secret_key(key) { Cow::Borrowed(MASK) } else { text(value) };
    if shown == value {
        return Cow::Borrowed(value);
    }
    let mark = MARKS.hash_one(value) & 0xff_ffff;
    Cow::Owned(format!("{shown}#{mark:06x}"))
}

/// Hides what must not leave in a request to export metrics, exemplars included.
pub(crate) fn request(request: &mut ExportMetricsServiceRequest) {
    let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for data in scopes.flat_map(|scope| &mut scope.metrics).filter_map(|metric| metric.data.as_mut()) {
        match data {
            Data::Gauge(gauge) => gauge.data_points.iter_mut().for_each(|point| hide(&mut point.attributes)),
            Data::Sum(sum) => sum.data_points.iter_mut().for_each(|point| hide(&mut point.attributes)),
            Data::Histogram(given) => given.data_points.iter_mut().for_each(|point| hide(&mut point.attributes)),
            Data::ExponentialHistogram(given) => {
                given.data_points.iter_mut().for_each(|point| hide(&mut point.attributes));
            }
            Data::Summary(summary) => summary.data_points.iter_mut().for_each(|point| hide(&mut point.attributes)),
        }
    }
}

fn hide(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        let KeyValue { key, value: Some(AnyValue { value: Some(value) }), .. } = attribute else { continue };
        match value {
            Value::StringValue(text) => replace(key, text),
            Value::ArrayValue(array) => {
                for item in &mut array.values {
                    if let Some(Value::StringValue(text)) = &mut item.value {
                        replace(key, text);
                    }
                }
            }
            // A number under the key of a secret.
            Value::IntValue(number) if is_secret_key(key) => {
                *value = Value::StringValue(label(key, &number.to_string()).into_owned());
            }
            _ => {}
        }
    }
}

fn replace(key: &str, text: &mut String) {
    if let Cow::Owned(hidden) = label(key, text) {
        *text = hidden;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_values_stay_apart_and_the_same() {
        let (eve, bob) = (label("user", "eve@example.org"), label("user", "bob@example.org"));
        assert!(eve.starts_with("[redacted]#") && bob.starts_with("[redacted]#"), "{eve} {bob}");
        assert_ne!(eve, bob);
        assert_eq!(eve, label("user", "eve@example.org"));
        assert!(label("token", "abc").starts_with("[redacted]#"));
        assert_eq!(label("http.route", "/gigs/{id}"), "/gigs/{id}");
    }
}
