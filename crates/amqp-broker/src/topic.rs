//! Topic patterns: words between dots, `*` for one word, `#` for any number of them.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Patterns and what they lead to, in a tree of words.
///
/// Matching walks the key once with the set of nodes reached so far, so its time is bounded by the number of words
/// times the number of nodes, whatever the patterns are.
#[derive(Debug)]
pub(crate) struct TopicTree<T> {
    nodes: Vec<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    children: HashMap<Box<str>, usize>,
    is_hash: bool,
    targets: Vec<T>,
}

impl<T> Node<T> {
    fn new(is_hash: bool) -> Self {
        Self { children: HashMap::new(), is_hash, targets: Vec::new() }
    }
}

impl<T> Default for TopicTree<T> {
    fn default() -> Self {
        Self { nodes: vec![Node::new(false)] }
    }
}

impl<T: Clone + Eq + Hash> TopicTree<T> {
    pub(crate) fn insert(&mut self, pattern: &str, target: T) {
        let mut at = 0;
        for word in pattern.split('.') {
            at = match self.nodes[at].children.get(word) {
                Some(&child) => child,
                None => {
                    self.nodes.push(Node::new(word == "#"));
                    let child = self.nodes.len() - 1;
                    self.nodes[at].children.insert(word.into(), child);
                    child
                }
            };
        }
        self.nodes[at].targets.push(target);
    }

    /// Every target with a pattern that matches the key, once.
    pub(crate) fn matches(&self, key: &str) -> Vec<T> {
        let mut reached = vec![0];
        self.add_hashes(&mut reached);
        for word in key.split('.') {
            let mut next = Vec::new();
            for &at in &reached {
                let node = &self.nodes[at];
                if node.is_hash {
                    next.push(at);
                }
                // A word that looks like a wildcard is one in patterns only.
                if word != "*" && word != "#" {
                    next.extend(node.children.get(word));
                }
                next.extend(node.children.get("*"));
            }
            self.add_hashes(&mut next);
            reached = next;
        }
        let mut seen = HashSet::new();
        let targets = reached.iter().flat_map(|&at| &self.nodes[at].targets);
        targets.filter(|target| seen.insert(*target)).cloned().collect()
    }

    /// `#` matches no word at all, so its node is reached together with its parent.
    fn add_hashes(&self, reached: &mut Vec<usize>) {
        let mut seen = HashSet::new();
        reached.retain(|&at| seen.insert(at));
        let mut i = 0;
        while i < reached.len() {
            if let Some(&hash) = self.nodes[reached[i]].children.get("#")
                && seen.insert(hash)
            {
                reached.push(hash);
            }
            i += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree<'a, T: Clone + Eq + Hash>(patterns: impl IntoIterator<Item = (&'a str, T)>) -> TopicTree<T> {
        let mut tree = TopicTree::default();
        for (pattern, target) in patterns {
            tree.insert(pattern, target);
        }
        tree
    }

    fn matches(pattern: &str, key: &str) -> bool {
        !tree([(pattern, ())]).matches(key).is_empty()
    }

    /// The definition, word by word, with no care for time.
    fn by_definition(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), None) => by_definition(rest, key),
            (Some((&"#", rest)), Some((_, tail))) => by_definition(rest, key) || by_definition(pattern, tail),
            (Some((&"*", rest)), Some((_, tail))) => by_definition(rest, tail),
            (Some((word, rest)), Some((head, tail))) => word == head && by_definition(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn wildcards_match_as_in_rabbitmq_tutorials() {
        for (pattern, key, expected) in [
            ("*.orange.*", "quick.orange.rabbit", true),
            ("*.orange.*", "orange", false),
            ("*.*.rabbit", "lazy.orange.rabbit", true),
            ("lazy.#", "lazy", true),
            ("lazy.#", "lazy.orange.new.rabbit", true),
            ("lazy.#", "quick.lazy", false),
            ("#", "", true),
            ("#", "anything.at.all", true),
            ("*", "", true),
            ("*", "a.b", false),
            ("#.#.a", "a", true),
            ("a.#.b", "a.b", true),
            ("order.*.v1", "order.placed.v1", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn target_bound_twice_is_reached_once() {
        assert_eq!(tree([("a.#", 1), ("a.*", 1), ("#", 2)]).matches("a.b").len(), 2);
    }

    #[test]
    fn many_hashes_do_not_explode() {
        let pattern = ["#"; 100].join(".x.");
        let key = ["x"; 120].join(".");
        assert!(matches(&pattern, &key));
    }

    proptest! {
        #[test]
        fn tree_agrees_with_the_definition(
            patterns in proptest::collection::vec(proptest::collection::vec(prop::sample::select(vec!["a", "b", "*", "#"]), 1..5), 1..8),
            key in proptest::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..6),
        ) {
            let joined: Vec<String> = patterns.iter().map(|words| words.join(".")).collect();
            let tree = tree(joined.iter().map(String::as_str).zip(0..));
            let mut found = tree.matches(&key.join("."));
            found.sort_unstable();
            let expected: Vec<usize> = (0..patterns.len()).filter(|&i| by_definition(&patterns[i], &key)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
