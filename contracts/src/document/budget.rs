//! What looking at one schema may cost, and what was found out of its alternatives meanwhile.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use super::types::Types;

/// Most steps of one look at a schema: alternatives within alternatives multiply.
pub(super) const MAX_STEPS: usize = 400_000;
/// Longest pattern that is tried, in bytes.
const MAX_PATTERN: usize = 1_000;
/// Largest that a pattern may become, in bytes: `(a{1000}){1000}` is short.
const MAX_COMPILED: usize = 1 << 20;
/// Steps that a pattern counts as.
const PATTERN: usize = 200;

/// A schema: where its parts stand, and how many alternatives it is inside of.
pub(super) type Key = (Vec<usize>, usize);

/// Carried by a schema and by all that is reached from it.
#[derive(Debug, Default)]
pub(super) struct Budget {
    spent: AtomicUsize,
    pub(super) types: Memory<Key, Types>,
    pub(super) open: Memory<Key, bool>,
    pub(super) known: Memory<(Key, String), bool>,
    patterns: Memory<String, Option<Regex>>,
}

impl Budget {
    /// Counts steps.
    pub(super) fn spend(&self, steps: usize) {
        self.spent.fetch_add(steps, Ordering::Relaxed);
    }

    /// Whether no more may be done.
    pub(super) fn is_spent(&self) -> bool {
        self.spent() > MAX_STEPS
    }

    pub(super) fn spent(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }

    /// A pattern, made ready once; none when it is longer than any that people write, or one of JavaScript that this
    /// engine does not know.
    pub(super) fn pattern(&self, pattern: &str) -> Option<Regex> {
        if pattern.len() > MAX_PATTERN || self.is_spent() {
            return None;
        }
        if let Some(known) = self.patterns.get(&pattern.to_owned()) {
            return known;
        }
        self.spend(PATTERN);
        let compiled = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().ok();
        self.patterns.keep(pattern.to_owned(), compiled)
    }
}

/// Answers that were found already.
#[derive(Debug)]
pub(super) struct Memory<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keeps an answer, and gives it back.
    pub(super) fn keep(&self, key: K, value: V) -> V {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value.clone());
        value
    }
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
