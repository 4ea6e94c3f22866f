//! What a collector says about the part of a request that it did not take.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

/// Longest text of a collector that is repeated in a log line, in characters.
const LONGEST: usize = 200;

/// Nothing of it set: everything was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Partial {
    pub(super) rejected: u64,
    pub(super) message: String,
}

/// Reads the answer to an export. Whatever cannot be read says nothing: the status has said that the request was taken.
pub(super) type Read = fn(&[u8]) -> Partial;

pub(super) fn spans(body: &[u8]) -> Partial {
    let answer = ExportTraceServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    answer.map(|partial| Partial::new(partial.rejected_spans, &partial.error_message)).unwrap_or_default()
}

pub(super) fn points(body: &[u8]) -> Partial {
    let answer = ExportMetricsServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    answer.map(|partial| Partial::new(partial.rejected_data_points, &partial.error_message)).unwrap_or_default()
}

pub(super) fn records(body: &[u8]) -> Partial {
    let answer = ExportLogsServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    answer.map(|partial| Partial::new(partial.rejected_log_records, &partial.error_message)).unwrap_or_default()
}

impl Partial {
    fn new(rejected: i64, message: &str) -> Self {
        Self { rejected: u64::try_from(rejected).unwrap_or(0), message: excerpt(message) }
    }
}

/// The beginning of a text that somebody else wrote.
pub(super) fn excerpt(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use proptest::prelude::*;

    #[test]
    fn rejected_spans_are_told_with_the_collectors_words() {
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "x".repeat(500) };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(spans(&body), Partial { rejected: 3, message: "x".repeat(LONGEST) });
        assert_eq!(spans(b""), Partial::default());
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (spans(&body), points(&body), records(&body));
        }
    }
}
