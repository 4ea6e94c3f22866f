//! A bounded cache for what is derived from texts: names of destinations, summaries of statements.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Longest key kept, all parts together, in bytes; what is longer is derived anew each time.
const MAX_KEY: usize = 8192;

/// Derived values by the texts they come from. Two generations: when the younger is full, it becomes the older and what
/// was not asked for since then is forgotten.
pub(crate) struct Cache<V> {
    inner: LazyLock<(RandomState, RwLock<Generations<V>>)>,
    capacity: usize,
}

struct Generations<V> {
    young: HashMap<u64, Entry<V>>,
    old: HashMap<u64, Entry<V>>,
}

/// The texts are kept, so that two with the same hash are never taken for each other.
type Entry<V> = (Box<[Box<str>]>, Arc<V>);

impl<V> Cache<V> {
    /// A cache of at most `capacity` entries.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { inner: LazyLock::new(Default::default), capacity }
    }

    /// The value for `key`, derived by `derive` unless it is known.
    pub(crate) fn get(&self, key: &[&str], derive: impl FnOnce() -> V) -> Arc<V> {
        let (hasher, generations) = &*self.inner;
        let hash = hasher.hash_one(key);
        {
            let known = generations.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = find(&known.young, hash, key) {
                return value;
            }
        }
        let derived = Arc::new(derive());
        if key.iter().map(|part| part.len()).sum::<usize>() > MAX_KEY {
            return derived;
        }
        let mut known = generations.write().unwrap_or_else(PoisonError::into_inner);
        let value = find(&known.old, hash, key).unwrap_or(derived);
        if known.young.len() >= self.capacity.div_ceil(2) {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(hash, (key.iter().map(|part| Box::from(*part)).collect(), Arc::clone(&value)));
        value
    }
}

impl<V> Default for Generations<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

fn find<V>(entries: &HashMap<u64, Entry<V>>, hash: u64, key: &[&str]) -> Option<Arc<V>> {
    let (texts, value) = entries.get(&hash)?;
    let same = texts.len() == key.len() && texts.iter().zip(key).all(|(text, part)| **text == **part);
    same.then(|| Arc::clone(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_are_not_derived_again() {
        let cache = Cache::new(8);
        assert_eq!(*cache.get(&["a", "bc"], || 1), 1);
        assert_eq!(*cache.get(&["a", "bc"], || 2), 1);
        assert_eq!(*cache.get(&["ab", "c"], || 3), 3, "the parts count, not only what they spell");
    }

    #[test]
    fn size_is_bounded_and_what_is_in_use_survives() {
        let cache = Cache::new(10);
        let hot = cache.get(&["hot"], || 0);
        for number in 1..1000 {
            let text = number.to_string();
            cache.get(&[&text], || number);
            assert!(Arc::ptr_eq(&hot, &cache.get(&["hot"], || -1)), "lost after {number}");
        }
        let known = cache.inner.1.read().unwrap();
        assert!(known.young.len() + known.old.len() <= 10);
    }

    #[test]
    fn huge_keys_are_not_kept() {
        let cache = Cache::new(8);
        let text = "x".repeat(MAX_KEY + 1);
        cache.get(&[&text], || 1);
        assert_eq!(*cache.get(&[&text], || 2), 2);
    }
}
