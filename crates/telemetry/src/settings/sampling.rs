//! Which traces are recorded.

/// Which traces are recorded, decided when they start. Ids travel in any case, and what fails is kept when
/// [`crate::Config::keep_failed`] says so.
///
/// A share outside of 0 to 1 counts as the nearer of the two.
///
/// ```
/// use telemetry::{Config, Sampling};
///
/// // A tenth of the traces that start here, and whatever a caller has sampled.
/// let config = Config::new("order").sampling(Sampling::ParentOrRatio(0.1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Sampling {
    /// Every trace.
    Always,
    /// None; ids still travel.
    Never,
    /// A share of traces, from 0 to 1, chosen by trace id.
    Ratio(f64),
    /// As the caller decided; without a caller, every trace.
    ParentOrAlways,
    /// As the caller decided; without a caller, none.
    ParentOrNever,
    /// As the caller decided; without a caller, a share from 0 to 1.
    ParentOrRatio(f64),
}

impl Sampling {
    /// `OTEL_TRACES_SAMPLER` and its argument, the share (1 when absent).
    pub(super) fn parse(name: &str, share: f64) -> Option<Self> {
        Some(match name {
            "always_on" => Self::Always,
            "always_off" => Self::Never,
            "traceidratio" => Self::Ratio(share),
            "parentbased_always_on" => Self::ParentOrAlways,
            "parentbased_always_off" => Self::ParentOrNever,
            "parentbased_traceidratio" => Self::ParentOrRatio(share),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Sampler;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    #[test]
    fn cap_counts_what_is_decided_here() {
        let trace = TraceId::from(1);
        let caller = SpanContext::new(trace, SpanId::from(1), TraceFlags::SAMPLED, true, TraceState::NONE);
        // Whether a cap that is used up stops a trace that begins here, and one that its caller has sampled.
        for (sampling, begins, continues) in [
            (Sampling::Always, false, false),
            (Sampling::Ratio(1.0), false, false),
            (Sampling::ParentOrAlways, false, true),
            (Sampling::ParentOrRatio(1.0), false, true),
            (Sampling::ParentOrNever, false, true),
        ] {
            let full = Sampler::new(sampling, Some(0));
            assert_eq!(full.samples(None, trace), begins, "{sampling:?}");
            assert_eq!(full.samples(Some(&caller), trace), continues, "{sampling:?}");
        }
        // Those that a caller decided take nothing from the others.
        let one = Sampler::new(Sampling::ParentOrAlways, Some(1));
        assert!((0..100).all(|_| one.samples(Some(&caller), trace)));
        assert!(one.samples(None, trace));
    }
}
