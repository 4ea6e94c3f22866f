//! Spans that are kept for the test and exported as well.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;

use crate::trace::{Finished, SpanSink};

#[derive(Debug)]
struct Tee(Arc<dyn SpanSink>, Arc<dyn SpanSink>);

/// Whichever of the two there is, or both.
pub(crate) fn tee(memory: Option<Arc<dyn SpanSink>>, exported: Option<Arc<dyn SpanSink>>) -> Option<Arc<dyn SpanSink>> {
    match (memory, exported) {
        (Some(memory), Some(exported)) => Some(Arc::new(Tee(memory, exported))),
        (memory, exported) => memory.or(exported),
    }
}

impl SpanSink for Tee {
    fn push(&self, span: Finished) {
        let data = Box::new(SpanData::from(span));
        self.0.push(Finished::ThirdParty(data.clone()));
        self.1.push(Finished::ThirdParty(data));
    }

    fn flush(&self, patience: Duration) -> bool {
        self.1.flush(patience)
    }
}
