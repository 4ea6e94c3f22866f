//! The points of one collection as an OTLP request, with the exemplars that the SDK does not have.

use std::fmt::Debug;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{self as proto, exemplar, metric::Data};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

use crate::core::SCOPE;
use crate::metrics::exemplars::{self, Exemplar, Exemplars};
use crate::redact;

pub(super) fn request(metrics: &ResourceMetrics) -> ExportMetricsServiceRequest {
    let mut request = ExportMetricsServiceRequest::from(metrics);
    let converted = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for (scope, converted) in metrics.scope_metrics().zip(converted) {
        for (metric, converted) in scope.metrics().zip(&mut converted.metrics) {
            // Only histograms made by this crate keep exemplars; another library's of the same name is another histogram.
            let kept = if scope.scope().name() == SCOPE { exemplars::find(metric.name()) } else { None };
            complete(metric, converted, kept.as_deref());
        }
    }
    redact::request(&mut request);
    request
}

/// Points in all metrics of a request.
pub(super) fn count(request: &ExportMetricsServiceRequest) -> u64 {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = |metric: &proto::Metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    };
    scopes.flat_map(|scope| &scope.metrics).map(points).sum::<usize>() as u64
}

fn complete(metric: &Metric, converted: &mut proto::Metric, kept: Option<&Exemplars>) {
    let Some(data) = &mut converted.data else { return };
    match metric.data() {
        AggregatedMetrics::F64(given) => complete_points(given, data, kept),
        AggregatedMetrics::U64(given) => complete_points(given, data, kept),
        AggregatedMetrics::I64(given) => complete_points(given, data, kept),
    }
}

fn complete_points<T: Copy + Debug>(given: &MetricData<T>, converted: &mut Data, kept: Option<&Exemplars>) {
    fn of<'a>(kept: Option<&Exemplars>, attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<proto::Exemplar> {
        kept.map(|kept| kept.read(attributes).into_iter().map(convert).collect()).unwrap_or_default()
    }
    match (given, converted) {
        (MetricData::Histogram(given), Data::Histogram(converted)) => {
            for (given, converted) in given.data_points().zip(&mut converted.data_points) {
                converted.exemplars = of(kept, given.attributes());
                forget_extremes(converted.count, &mut converted.min, &mut converted.max);
            }
        }
        (MetricData::ExponentialHistogram(given), Data::ExponentialHistogram(converted)) => {
            for (given, converted) in given.data_points().zip(&mut converted.data_points) {
                converted.exemplars = of(kept, given.attributes());
                forget_extremes(converted.count, &mut converted.min, &mut converted.max);
            }
        }
        _ => {}
    }
}

/// A bound series that was never recorded has the SDK's start values there, which are no measurements.
fn forget_extremes(count: u64, min: &mut Option<f64>, max: &mut Option<f64>) {
    if count == 0 {
        (*min, *max) = (None, None);
    }
}

fn convert(exemplar: Exemplar) -> proto::Exemplar {
    let at = exemplar.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    proto::Exemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
        span_id: exemplar.span_id.to_bytes().to_vec(),
        trace_id: exemplar.trace_id.to_bytes().to_vec(),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Scrape, histogram};
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    #[test]
    fn exemplars_are_joined_with_their_series() {
        let scrape = Scrape::default();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).build();
        let histogram = histogram("points.joined", "s", "").bounds([1.0]).build_on(&provider.meter(SCOPE));
        let span = SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, false, TraceState::NONE);
        histogram.record_in(3.0, &[KeyValue::new("z", 1), KeyValue::new("a", 1)], &span);
        let _never_recorded = histogram.bind(&[KeyValue::new("a", 2)]);
        let request = request(&scrape.collect());
        assert_eq!(count(&request), 2);
        let Some(Data::Histogram(found)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else {
            panic!("{request:?}")
        };
        let (empty, full): (Vec<_>, Vec<_>) = found.data_points.iter().partition(|point| point.count == 0);
        assert_eq!((empty[0].min, empty[0].max, empty[0].exemplars.len()), (None, None, 0));
        let exemplar = &full[0].exemplars[0];
        assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(3.0)));
        assert_eq!(exemplar.trace_id, TraceId::from(1).to_bytes());
        assert_eq!(exemplar.span_id, SpanId::from(2).to_bytes());
    }
}
