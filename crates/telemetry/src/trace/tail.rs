//! What a request that was not sampled did, kept until it is known how the request ended.

use std::sync::{Mutex, PoisonError};

use super::finished::{Finished, SpanSink};

/// Most spans kept for one request; further ones are lost if the request is kept.
const MAX_SPANS: usize = 128;

/// Why a request is exported although its trace was not sampled: the value of [`KEPT`].
pub(crate) const KEPT: &str = "app.sampling.kept";

/// The spans below one local root.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Open(Vec<Finished>),
    /// The root has ended, and is exported or not.
    Decided(bool),
}

impl Tail {
    /// Takes a span that ended below the root.
    pub(super) fn push(&self, span: Finished, sink: &dyn SpanSink) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Empty => *state = State::Open(vec![span]),
            State::Open(spans) if spans.len() < MAX_SPANS => spans.push(span),
            State::Open(_) | State::Decided(false) => {}
            State::Decided(true) => {
                drop(state);
                sink.push(span.sampled());
            }
        }
    }

    /// Ends the wait: hands everything over, or forgets it. Only the first decision counts.
    pub(crate) fn decide(&self, keep: bool, sink: &dyn SpanSink) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Decided(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, State::Decided(keep));
        drop(state);
        if let (State::Open(spans), true) = (before, keep) {
            spans.into_iter().for_each(|span| sink.push(span.sampled()));
        }
    }
}
