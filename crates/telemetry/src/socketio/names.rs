//! Names of events, of which there may be only so many.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Names that are told apart when no list was given.
const MAX_NAMES: usize = 64;

/// Longest name told apart, in bytes.
const MAX_LEN: usize = 64;

/// What stands for every other name.
pub(super) const OTHER: &str = "_OTHER";

/// The names of one namespace.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: RwLock<BTreeSet<Arc<str>>>,
    /// Only those that are known; otherwise the first that come.
    closed: bool,
}

impl Names {
    pub(super) fn only(names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self { known: RwLock::new(names.into_iter().map(Into::into).collect()), closed: true }
    }

    /// `name`, or [`OTHER`] in its place.
    pub(super) fn bounded(&self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        if self.closed || name.is_empty() || name.len() > MAX_LEN {
            return OTHER.into();
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NAMES && !known.contains(name) {
            return OTHER.into();
        }
        let name: Arc<str> = name.into();
        known.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_make_names() {
        let open = Names::default();
        for number in 0..1000 {
            open.bounded(&format!("event-{number}"));
        }
        assert_eq!(&*open.bounded("event-3"), "event-3");
        assert_eq!(&*open.bounded("event-999"), OTHER);
        assert_eq!(&*open.bounded(&"x".repeat(65)), OTHER);
        let closed = Names::only(["message"]);
        assert_eq!([&*closed.bounded("message"), &*closed.bounded("other")], ["message", OTHER]);
    }
}
