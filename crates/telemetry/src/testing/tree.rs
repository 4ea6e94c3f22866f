//! Spans as text, for comparison and for reading.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::Span;

/// Deepest level that is indented further: a cycle of parents must not hang a test.
const MAX_DEPTH: usize = 128;

/// Children below their parents, roots and siblings by start, with the values of `attributes` where they are present.
pub(super) fn render(spans: &[Span], attributes: &[&str]) -> String {
    let mut sorted: Vec<&Span> = spans.iter().collect();
    sorted.sort_by_key(|span| span.start);
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let names = spans.iter().map(|span| (span.span_id.as_str(), span.name.as_str())).collect();
    let mut children: HashMap<Option<&str>, Vec<&Span>> = HashMap::new();
    for span in sorted {
        let parent = span.parent_id.as_deref().filter(|parent| known.contains(parent));
        children.entry(parent).or_default().push(span);
    }
    let tree = Tree { children, names, attributes };
    let mut out = String::new();
    tree.below(None, 0, &mut out);
    out
}

struct Tree<'a> {
    children: HashMap<Option<&'a str>, Vec<&'a Span>>,
    names: HashMap<&'a str, &'a str>,
    attributes: &'a [&'a str],
}

impl Tree<'_> {
    fn below(&self, parent: Option<&str>, depth: usize, out: &mut String) {
        if depth > MAX_DEPTH {
            return;
        }
        for span in self.children.get(&parent).into_iter().flatten() {
            self.line(span, depth, out);
            self.below(Some(&span.span_id), depth + 1, out);
        }
    }

    fn line(&self, span: &Span, depth: usize, out: &mut String) {
        let _ = write!(out, "{}{} {}", "  ".repeat(depth), span.kind, span.name);
        if span.failed {
            let _ = write!(out, " !{}", span.attribute("error.type"));
        }
        let shown = self.attributes.iter().filter_map(|key| Some(format!("{key}={}", span.attributes.get(*key)?)));
        let shown: Vec<String> = shown.collect();
        if !shown.is_empty() {
            let _ = write!(out, " {{{}}}", shown.join(", "));
        }
        for (_, linked) in &span.links {
            let _ = write!(out, " ~> {}", self.names.get(linked.as_str()).unwrap_or(&"outside"));
        }
        out.push('\n');
    }
}
