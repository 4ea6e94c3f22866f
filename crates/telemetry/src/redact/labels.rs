//! Attributes of metrics: hidden like all others, but kept apart.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
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
    for KeyValue { key, value, .. } in attributes {
        if let Some(value) = value.as_mut().and_then(|value| value.value.as_mut()) {
            hide_value(key, value);
        }
    }
}

/// What is hidden in text is hidden as a number, too, alone or in an array.
fn hide_value(key: &str, value: &mut Value) {
    let shown = match value {
        Value::StringValue(text) => return replace(key, text),
        Value::ArrayValue(array) => {
            return array
                .values
                .iter_mut()
                .filter_map(|item| item.value.as_mut())
                .for_each(|item| hide_value(key, item));
        }
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        _ => return,
    };
    if let Cow::Owned(hidden) = label(key, &shown) {
        *value = Value::StringValue(hidden);
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

    #[test]
    fn numbers_are_hidden_like_texts() {
        use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
        let shown = |key: &str, mut value: Value| {
            hide_value(key, &mut value);
            value
        };
        let hidden = |value: Value| matches!(value, Value::StringValue(text) if text.starts_with("[redacted]#"));
        assert!(hidden(shown("paid.with", Value::IntValue(4_111_111_111_111_111))));
        assert!(hidden(shown("pin", Value::DoubleValue(1234.0))) && hidden(shown("otp", Value::BoolValue(true))));
        let item = AnyValue { value: Some(Value::IntValue(1234)) };
        let Value::ArrayValue(array) = shown("pin", Value::ArrayValue(ArrayValue { values: vec![item] })) else {
            panic!()
        };
        assert!(hidden(array.values[0].value.clone().unwrap()));
        assert_eq!(shown("http.response.status_code", Value::IntValue(200)), Value::IntValue(200));
    }
}
