//! Which pushes have been delivered: after a break the chat service tells some of them again.

use std::collections::{HashSet, VecDeque};

/// Ids that are remembered. The chat service repeats the last seconds before a break, not minutes.
const MOST: usize = 16_384;

/// The ids of the last pushes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Notes `id`; false when it was known.
    pub(super) fn note(&mut self, id: &str) -> bool {
        if !self.known.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once_and_memory_is_bounded() {
        let mut seen = Seen::default();
        for number in 0..MOST + 10 {
            assert!(seen.note(&number.to_string()));
            assert!(!seen.note(&number.to_string()));
        }
        assert_eq!((seen.known.len(), seen.order.len()), (MOST, MOST));
    }
}
