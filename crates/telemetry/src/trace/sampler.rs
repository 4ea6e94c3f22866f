//! Which traces are recorded: as the caller decided, else a share of them, at most so many per second.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use opentelemetry::trace::{SpanContext, TraceId};

use crate::settings::Sampling;

/// Seconds are counted from here, by a clock that nobody sets.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Decides about each trace where it enters this process.
#[derive(Debug)]
pub(crate) struct Sampler {
    follows_parent: bool,
    share: Share,
    cap: Option<Cap>,
}

#[derive(Debug, Clone, Copy)]
enum Share {
    All,
    None,
    /// Traces whose id, as the specification reads it, is below this.
    Below(u64),
}

/// At most `limit` new traces in each second.
#[derive(Debug)]
struct Cap {
    limit: u32,
    /// The second (upper half) and what was taken in it (lower half).
    taken: AtomicU64,
}

// === impl Sampler ===

impl Sampler {
    pub(crate) fn new(sampling: Sampling, cap: Option<u32>) -> Self {
        let (follows_parent, share) = match sampling {
            Sampling::Always => (false, Share::All),
            Sampling::Never => (false, Share::None),
            Sampling::Ratio(share) => (false, Share::of(share)),
            Sampling::ParentOrAlways => (true, Share::All),
            Sampling::ParentOrNever => (true, Share::None),
            Sampling::ParentOrRatio(share) => (true, Share::of(share)),
        };
        Self { follows_parent, share, cap: cap.map(|limit| Cap { limit, taken: AtomicU64::new(0) }) }
    }

    /// Whether to record the trace that enters here; `parent` is the caller's span.
    pub(crate) fn samples(&self, parent: Option<&SpanContext>, trace: TraceId) -> bool {
        match parent {
            // Cutting a trace that others record would only leave holes in it.
            Some(parent) if self.follows_parent => parent.is_sampled(),
            _ => self.share.holds(trace) && self.cap.as_ref().is_none_or(Cap::takes),
        }
    }
}

// === impl Share ===

impl Share {
    fn of(share: f64) -> Self {
        if share >= 1.0 {
            Self::All
        } else if share > 0.0 {
            Self::Below((share * (1u64 << 63) as f64) as u64)
        } else {
            Self::None
        }
    }

    /// Reads the id as other OpenTelemetry SDKs do (`TraceIdRatioBased`), so that all processes choose the same traces.
    fn holds(self, trace: TraceId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Below(bound) => {
                let bytes = trace.to_bytes();
                let low = bytes[8..].iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
                low >> 1 < bound
            }
        }
    }
}

// === impl Cap ===

impl Cap {
    fn takes(&self) -> bool {
        self.takes_in(START.elapsed().as_secs() & 0xffff_ffff)
    }

    fn takes_in(&self, second: u64) -> bool {
        let take = |state: u64| {
            let (known, taken) = (state >> 32, state & 0xffff_ffff);
            // Whoever is late, by a thread switch, counts in the second that has begun.
            let (second, taken) = if second > known { (second, 0) } else { (known, taken) };
            (taken < u64::from(self.limit)).then_some(second << 32 | (taken + 1))
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceState};

    fn parent(sampled: bool) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(sampled);
        SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, TraceState::NONE)
    }

    #[test]
    fn parent_decides_when_there_is_one() {
        let sampler = Sampler::new(Sampling::ParentOrRatio(0.0), None);
        assert!(sampler.samples(Some(&parent(true)), TraceId::from(1)));
        assert!(!sampler.samples(Some(&parent(false)), TraceId::from(1)));
        assert!(!sampler.samples(None, TraceId::from(1)));
        assert!(Sampler::new(Sampling::Always, None).samples(Some(&parent(false)), TraceId::from(1)));
    }

    #[test]
    fn share_of_traces_is_as_asked_and_agrees_with_the_sdk() {
        use opentelemetry_sdk::trace::{Sampler as Sdk, SamplingDecision, ShouldSample};
        let (ours, theirs) = (Sampler::new(Sampling::Ratio(0.25), None), Sdk::TraceIdRatioBased(0.25));
        let mut taken = 0;
        for _ in 0..10_000 {
            let (trace, _) = super::super::ids::span(None);
            let sampled = ours.samples(None, trace);
            let decision =
                theirs.should_sample(None, trace, "x", &opentelemetry::trace::SpanKind::Internal, &[], &[]).decision;
            assert_eq!(sampled, decision == SamplingDecision::RecordAndSample);
            taken += u32::from(sampled);
        }
        assert!((2200..2800).contains(&taken), "{taken}");
    }

    #[test]
    fn cap_holds_within_each_second() {
        let cap = Cap { limit: 3, taken: AtomicU64::new(0) };
        let taken = |second| (0..10).filter(|_| cap.takes_in(second)).count();
        assert_eq!((taken(100), taken(100), taken(101)), (3, 0, 3));
        assert_eq!((taken(100), taken(101)), (0, 0), "who is late starts nothing anew");
    }

    #[test]
    fn cap_holds_when_many_ask_at_once() {
        let cap = Cap { limit: 100, taken: AtomicU64::new(0) };
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..1000).filter(|_| cap.takes_in(7)).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }
}
