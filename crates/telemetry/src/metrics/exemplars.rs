//! Examples of measurements: for each bucket of a series one that was made inside a sampled span, with its trace.
//!
//! The SDK makes none, so they are kept beside it and joined with its data when that is exported. Offering one costs a few
//! nanoseconds: a bucket that has one since the last export takes no other, and nobody waits for a lock.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceId};

/// Buckets that are told apart; with more bounds than this, neighbours share an example.
const MAX_SLOTS: usize = 64;

/// By name of the instrument. It grows with the instruments an application makes, as the SDK's own list does.
static INSTRUMENTS: RwLock<BTreeMap<Cow<'static, str>, Arc<Exemplars>>> = RwLock::new(BTreeMap::new());

/// One measurement and the span it was made in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    pub(crate) at: SystemTime,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
}

/// The examples of one instrument.
#[derive(Debug)]
pub(crate) struct Exemplars {
    bounds: Box<[f64]>,
    limit: AtomicUsize,
    series: RwLock<Series>,
}

/// By attribute set, both as given and sorted, as the SDK keeps its own.
#[derive(Debug, Default)]
struct Series {
    reservoirs: HashMap<Vec<KeyValue>, Arc<Reservoir>>,
    distinct: usize,
}

/// The examples of one series.
#[derive(Debug, Default)]
pub(crate) struct Reservoir {
    /// One bit per slot that was filled since the last look.
    filled: AtomicU64,
    slots: Mutex<Vec<Option<Exemplar>>>,
}

/// What is kept for the instrument `name`, if it keeps any.
pub(crate) fn find(name: &str) -> Option<Arc<Exemplars>> {
    INSTRUMENTS.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

/// Keeps examples of at most `sets` series of the instrument `name` from now on, if it keeps any.
pub(super) fn limit(name: &str, sets: usize) {
    if let Some(exemplars) = find(name) {
        exemplars.limit.store(sets, Ordering::Relaxed);
    }
}

// === impl Exemplars ===

impl Exemplars {
    /// Those of the instrument `name`, made with these bounds and this limit unless they exist.
    pub(super) fn of(name: Cow<'static, str>, bounds: &[f64], limit: usize) -> Arc<Self> {
        let mut instruments = INSTRUMENTS.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Self { bounds: bounds.into(), limit: limit.into(), series: RwLock::default() });
        Arc::clone(instruments.entry(name).or_insert_with(made))
    }

    /// Keeps the measurement if its span is sampled and its bucket has none yet.
    pub(super) fn offer(
        &self,
        value: f64,
        attributes: &[KeyValue],
        span: &SpanContext,
        at: impl FnOnce() -> SystemTime,
    ) {
        if !span.is_sampled() {
            return;
        }
        let known = match self.series.try_read() {
            Ok(series) => series.reservoirs.get(attributes).cloned(),
            Err(_) => return,
        };
        if let Some(reservoir) = known.or_else(|| self.reservoir(attributes)) {
            self.keep(&reservoir, value, span, at);
        }
    }

    /// [`Exemplars::offer`] for a series that is known already.
    pub(super) fn keep(&self, reservoir: &Reservoir, value: f64, span: &SpanContext, at: impl FnOnce() -> SystemTime) {
        if !span.is_sampled() || !value.is_finite() {
            return;
        }
        let buckets = self.bounds.len() + 1;
        // One after the other: what is measured most falls into one of the first.
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        let (slots, slot) =
            if buckets <= MAX_SLOTS { (buckets, bucket) } else { (MAX_SLOTS, bucket * MAX_SLOTS / buckets) };
        reservoir.offer(slot, slots, || Exemplar {
            value,
            at: at(),
            trace_id: span.trace_id(),
            span_id: span.span_id(),
        });
    }

    /// The place of a series, made if there is room; `None` beyond the limit, where the SDK has no series of its own either.
    pub(super) fn reservoir(&self, attributes: &[KeyValue]) -> Option<Arc<Reservoir>> {
        let sorted = sorted(attributes);
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = series.reservoirs.get(&sorted).cloned() {
            // The same set in a third order is not remembered: memory would grow with the orders.
            return Some(known);
        }
        if series.distinct >= self.limit.load(Ordering::Relaxed) {
            return None;
        }
        series.distinct += 1;
        let made = Arc::new(Reservoir::default());
        series.reservoirs.insert(attributes.to_vec(), Arc::clone(&made));
        series.reservoirs.insert(sorted, Arc::clone(&made));
        Some(made)
    }

    /// The examples of a series, in the order of their buckets. From now on each bucket takes a new one.
    pub(crate) fn read<'a>(&self, attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<Exemplar> {
        let attributes: Vec<KeyValue> = attributes.cloned().collect();
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let reservoir = series.reservoirs.get(&attributes).or_else(|| series.reservoirs.get(&sorted(&attributes)));
        reservoir.map(|reservoir| reservoir.read()).unwrap_or_default()
    }
}

// === impl Reservoir ===

impl Reservoir {
    fn offer(&self, slot: usize, slots: usize, make: impl FnOnce() -> Exemplar) {
        let bit = 1_u64 << slot;
        if self.filled.load(Ordering::Relaxed) & bit != 0 {
            return;
        }
        // Somebody else is at it, or an exporter reads: the next measurement will do as well.
        let Ok(mut kept) = self.slots.try_lock() else { return };
        if kept.is_empty() {
            kept.resize(slots, None);
        }
        if let Some(place) = kept.get_mut(slot) {
            *place = Some(make());
            self.filled.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn read(&self) -> Vec<Exemplar> {
        let kept = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        self.filled.store(0, Ordering::Relaxed);
        kept.iter().flatten().copied().collect()
    }
}

/// As the SDK sorts an attribute set.
fn sorted(attributes: &[KeyValue]) -> Vec<KeyValue> {
    let mut sorted = attributes.to_vec();
    sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    sorted.dedup_by(|a, b| a.key == b.key);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{TraceFlags, TraceState};
    use std::time::Duration;

    fn span(id: u64, flags: TraceFlags) -> SpanContext {
        SpanContext::new(TraceId::from(7), SpanId::from(id), flags, false, TraceState::NONE)
    }

    fn at(seconds: u64) -> impl FnOnce() -> SystemTime {
        move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn values(exemplars: &Exemplars, attributes: &[KeyValue]) -> Vec<(f64, u64)> {
        let read = exemplars.read(attributes.iter());
        read.iter().map(|kept| (kept.value, u64::from_be_bytes(kept.span_id.to_bytes()))).collect()
    }

    #[test]
    fn each_bucket_keeps_one_sampled_measurement_between_two_looks() {
        let exemplars = Exemplars::of("exemplars.buckets".into(), &[1.0, 2.0], 10);
        let attributes = [KeyValue::new("b", 1), KeyValue::new("a", 2)];
        exemplars.offer(0.5, &attributes, &span(1, TraceFlags::NOT_SAMPLED), at(1));
        assert_eq!(values(&exemplars, &attributes), []);
        for (value, id) in [(1.0, 1), (0.5, 2), (1.5, 3), (9.0, 4), (f64::NAN, 5)] {
            exemplars.offer(value, &attributes, &span(id, TraceFlags::SAMPLED), at(id));
        }
        let reordered = [attributes[1].clone(), attributes[0].clone()];
        assert_eq!(values(&exemplars, &reordered), [(1.0, 1), (1.5, 3), (9.0, 4)]);
        exemplars.offer(0.5, &reordered, &span(6, TraceFlags::SAMPLED), at(6));
        assert_eq!(values(&exemplars, &attributes), [(0.5, 6), (1.5, 3), (9.0, 4)]);
    }

    #[test]
    fn series_beyond_the_limit_keep_none() {
        let exemplars = Exemplars::of("exemplars.limit".into(), &[1.0], 2);
        let series: Vec<[KeyValue; 1]> = (0..5).map(|n| [KeyValue::new("n", n)]).collect();
        for attributes in &series {
            exemplars.offer(0.5, attributes, &span(1, TraceFlags::SAMPLED), at(1));
        }
        let kept: Vec<usize> = series.iter().map(|attributes| values(&exemplars, attributes).len()).collect();
        assert_eq!(kept, [1, 1, 0, 0, 0]);
    }

    #[test]
    fn contended_offer_is_skipped() {
        let exemplars = Exemplars::of("exemplars.contended".into(), &[1.0], 2);
        let reservoir = exemplars.reservoir(&[]).unwrap();
        let held = reservoir.slots.lock().unwrap();
        exemplars.keep(&reservoir, 0.5, &span(1, TraceFlags::SAMPLED), at(1));
        drop(held);
        assert_eq!(values(&exemplars, &[]), []);
    }

    #[test]
    fn more_bounds_than_slots_share() {
        let bounds: Vec<f64> = (0..200).map(f64::from).collect();
        let exemplars = Exemplars::of("exemplars.many".into(), &bounds, 2);
        for n in 0..300 {
            exemplars.offer(f64::from(n), &[], &span(1, TraceFlags::SAMPLED), at(1));
        }
        assert_eq!(values(&exemplars, &[]).len(), MAX_SLOTS);
    }
}
