//! Spans of the operations this crate observes.
//!
//! A span is an [`Operation`]: it carries the correlation id, costs next to nothing when its trace is not sampled, and hands
//! what it recorded to a [`SpanSink`] unconverted, so that attributes are built where nobody waits for them.

mod adopted;
mod clock;
mod finished;
mod ids;
mod limits;
mod operation;
mod sampler;
mod tail;
mod third_party;
mod tracer;

pub(crate) use clock::Moment;
pub(crate) use finished::{Finished, Parent, SpanSink};
pub(crate) use ids::uuid_v7;
pub(crate) use limits::{attribute as limit, set_longest_value};
pub(crate) use operation::{correlation_of, remember, request_of, tail_of};
pub(crate) use sampler::Sampler;
pub(crate) use tail::{KEPT, LOST_SPANS};
pub(crate) use third_party::{ThirdPartySampler, ThirdPartySpans};
pub(crate) use tracer::{OperationTracer, Recorded};
