//! What this crate knows about spans that others made: the correlation id of their surroundings, and where they wait.
//!
//! Such a span hides the [`super::Operation`] it was made in, and holds nothing itself, so it is looked up by its id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::SpanId;

use super::tail::Tail;
use crate::correlation::CorrelationId;

/// Most open spans that are known; those beyond lose their surroundings.
const MAX: usize = 65_536;

static OPEN: LazyLock<Mutex<HashMap<SpanId, Adopted>>> = LazyLock::new(Mutex::default);

/// Spares everybody the lock in processes where nobody else makes spans.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Clone)]
pub(super) struct Adopted {
    pub(super) correlation: CorrelationId,
    pub(super) tail: Option<Arc<Tail>>,
}

fn open() -> MutexGuard<'static, HashMap<SpanId, Adopted>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn adopt(span: SpanId, adopted: Adopted) {
    let mut spans = open();
    if spans.len() < MAX {
        spans.insert(span, adopted);
        COUNT.store(spans.len(), Ordering::Relaxed);
    }
}

pub(super) fn release(span: SpanId) -> Option<Adopted> {
    let mut spans = open();
    let adopted = spans.remove(&span);
    COUNT.store(spans.len(), Ordering::Relaxed);
    adopted
}

pub(super) fn get(span: SpanId) -> Option<Adopted> {
    if COUNT.load(Ordering::Relaxed) == 0 { None } else { open().get(&span).cloned() }
}
