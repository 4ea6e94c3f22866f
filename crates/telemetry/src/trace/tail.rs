//! What a request that was not sampled did, kept until it is known how the request ended.

use std::sync::{Mutex, PoisonError};

use super::finished::{Finished, SpanSink};

/// Most spans kept for one request; further ones are lost if the request is kept.
const MAX_SPANS: usize = 128;

/// Why a request is exported although its trace was not sampled: the value of [`KEPT`].
pub(crate) const KEPT: &str = "app.sampling.kept";

/// How many spans below such a request were lost for want of room.
pub(crate) const LOST_SPANS: &str = "app.sampling.lost_spans";

/// The spans below one local root.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Open {
        spans: Vec<Finished>,
        lost: u32,
    },
    /// The root has ended, and is exported or not.
    Decided(bool),
}

impl Tail {
    /// Takes a span that ended below the root.
    pub(super) fn push(&self, span: Finished, sink: &dyn SpanSink) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Empty => *state = State::Open { spans: vec![span], lost: 0 },
            State::Open { spans, .. } if spans.len() < MAX_SPANS => spans.push(span),
            State::Open { lost, .. } => *lost = lost.saturating_add(1),
            State::Decided(false) => {}
            State::Decided(true) => {
                drop(state);
                sink.push(span.sampled());
            }
        }
    }

    /// Hands over what waits, and all that comes later. Returns how many spans are lost.
    pub(crate) fn keep(&self, sink: &dyn SpanSink) -> u32 {
        let (spans, lost) = self.decide(true);
        spans.into_iter().for_each(|span| sink.push(span.sampled()));
        lost
    }

    /// Forgets what waits, and all that comes later.
    pub(super) fn forget(&self) {
        drop(self.decide(false));
    }

    /// Only the first decision counts.
    fn decide(&self, keep: bool) -> (Vec<Finished>, u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Decided(_) => (Vec::new(), 0),
            waiting => match std::mem::replace(waiting, State::Decided(keep)) {
                State::Open { spans, lost } => (spans, lost),
                _ => (Vec::new(), 0),
            },
        }
    }
}
