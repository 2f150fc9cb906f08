//! A map that is bounded by forgetting what nobody has asked for in the longest time.

use std::collections::HashMap;
use std::hash::Hash;

/// A map of two generations: where the younger one is full, the older one is forgotten.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation_max: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Makes a map of `max` entries at most.
    pub(super) fn new(max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation_max: max / 2 }
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.young.contains_key(key) || self.old.contains_key(key)
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Returns the value of a key; a new one if it has none.
    pub(super) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let known = self.old.remove(&key);
        if self.young.len() >= self.generation_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert_with(|| known.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_lately_is_known_and_the_rest_is_bounded() {
        let mut recent = Recent::new(8);
        for key in 0..1_000 {
            *recent.entry(key) = key;
            *recent.entry(0) += 0;
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert!(recent.contains(&999) && recent.contains(&997) && !recent.contains(&900));
        assert_eq!(recent.get(&0), Some(&0), "it was asked for all the time");
        recent.remove(&999);
        assert!(!recent.contains(&999));
    }
}
