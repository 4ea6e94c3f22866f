//! A request that is too large for the collector, as two.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::points;

/// The bytes of a request and how many items it holds.
pub(super) type Part = (Vec<u8>, u64);

/// Halves a request; `None` when it cannot be divided.
pub(super) type Halve = fn(&[u8]) -> Option<[Part; 2]>;

macro_rules! halve {
    ($name:ident, $request:ty, $resources:ident, $scopes:ident, $items:ident, $count:expr) => {
        pub(super) fn $name(message: &[u8]) -> Option<[Part; 2]> {
            let mut first = <$request>::decode(message).ok()?;
            let all = first.$resources.iter().flat_map(|resource| &resource.$scopes).map(|scope| scope.$items.len());
            let all: usize = all.sum();
            if all < 2 {
                return None;
            }
            let mut second = first.clone();
            // So many stay in the first half, and as many go from the second.
            let mut left = all / 2;
            let scopes = first.$resources.iter_mut().flat_map(|resource| &mut resource.$scopes);
            for (kept, other) in scopes.zip(second.$resources.iter_mut().flat_map(|resource| &mut resource.$scopes)) {
                let here = left.min(kept.$items.len());
                left -= here;
                kept.$items.truncate(here);
                other.$items.drain(..here);
            }
            Some([first, second].map(|mut half| {
                for resource in &mut half.$resources {
                    resource.$scopes.retain(|scope| !scope.$items.is_empty());
                }
                half.$resources.retain(|resource| !resource.$scopes.is_empty());
                let count: fn(&$request) -> u64 = $count;
                (half.encode_to_vec(), count(&half))
            }))
        }
    };
}

halve!(spans, ExportTraceServiceRequest, resource_spans, scope_spans, spans, |half| {
    half.resource_spans.iter().flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len() as u64).sum()
});
halve!(records, ExportLogsServiceRequest, resource_logs, scope_logs, log_records, |half| {
    half.resource_logs
        .iter()
        .flat_map(|resource| &resource.scope_logs)
        .map(|scope| scope.log_records.len() as u64)
        .sum()
});
halve!(metrics, ExportMetricsServiceRequest, resource_metrics, scope_metrics, metrics, points::count);

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    #[test]
    fn halves_hold_everything_in_its_order() {
        let scope = |names: &[&str]| ScopeSpans {
            spans: names.iter().map(|name| Span { name: (*name).into(), ..Span::default() }).collect(),
            ..ScopeSpans::default()
        };
        let resource =
            ResourceSpans { scope_spans: vec![scope(&["a"]), scope(&["b", "c", "d"])], ..Default::default() };
        let message = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
        let names = spans(&message).unwrap().map(|(half, count)| {
            let half = ExportTraceServiceRequest::decode(&*half).unwrap();
            let scopes = half.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            let names: Vec<Vec<String>> =
                scopes.map(|scope| scope.spans.iter().map(|span| span.name.clone()).collect()).collect();
            (names.iter().map(|names| names.join("")).collect::<Vec<_>>().join("|"), count)
        });
        assert_eq!(names, [("a|b".to_owned(), 2), ("cd".to_owned(), 2)]);
        let one = ExportTraceServiceRequest::default().encode_to_vec();
        assert_eq!(spans(&one), None);
    }
}
