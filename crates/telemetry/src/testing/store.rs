//! Keeps finished spans.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_sdk::trace::SpanData;

use super::Span;
use crate::trace::{Finished, SpanSink};

/// Spans kept; the oldest go first.
const MAX_SPANS: usize = 65_536;

#[derive(Debug, Clone, Default)]
pub(super) struct Store(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    spans: Mutex<VecDeque<SpanData>>,
    ever: AtomicU64,
}

impl Store {
    pub(super) fn spans(&self) -> Vec<Span> {
        self.0.spans.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Span::of).collect()
    }

    /// Grows with every span.
    pub(super) fn version(&self) -> u64 {
        self.0.ever.load(Ordering::Acquire)
    }
}

impl SpanSink for Store {
    fn push(&self, span: Finished) {
        let span = SpanData::from(span);
        let mut spans = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() == MAX_SPANS {
            spans.pop_front();
        }
        spans.push_back(span);
        self.0.ever.fetch_add(1, Ordering::Release);
    }
}
