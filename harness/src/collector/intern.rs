//! Shared strings: attribute keys and span names repeat by the million and are kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Most strings kept. A system that invents keys or span names without end gets unshared copies beyond that.
const CAPACITY: usize = 8_192;
/// Longest string worth sharing, in bytes.
const LONGEST: usize = 256;

/// A bounded set of shared strings.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    strings: HashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of a text.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.strings.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = text.into();
        if self.strings.len() < CAPACITY && text.len() <= LONGEST {
            self.strings.insert(Arc::clone(&shared));
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interner_shares_equal_strings_and_stays_bounded() {
        let mut interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.get("http.route"), &interner.get("http.route")));
        for number in 0..2 * CAPACITY {
            interner.get(&number.to_string());
        }
        assert_eq!(interner.strings.len(), CAPACITY);
    }
}
