//! Where finished spans enter the queue.

use std::time::Duration;

use super::Queue;
use crate::trace::{Finished, SpanSink};

impl SpanSink for Queue<Finished> {
    fn push(&self, span: Finished) {
        Queue::push(self, span);
    }

    fn flush(&self, patience: Duration) -> bool {
        Queue::flush(self, patience)
    }
}
