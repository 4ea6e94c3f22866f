//! Where finished spans and log records enter their queues.

use std::time::Duration;

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::Queue;
use crate::logs::RecordSink;
use crate::trace::{Finished, SpanSink};

impl SpanSink for Queue<Finished> {
    fn push(&self, span: Finished) {
        Queue::push(self, span);
    }

    fn flush(&self, patience: Duration) -> bool {
        Queue::flush(self, patience)
    }
}

impl RecordSink for Queue<LogRecord> {
    fn push(&self, record: LogRecord) {
        Queue::push(self, record);
    }
}
