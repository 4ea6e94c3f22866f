//! Exchanges: their bindings, and where a message goes.

use std::collections::{BTreeMap, HashMap};

use crate::{
    topic::TopicTree,
    value::{FieldTable, ShortStr, Value},
};

/// How an exchange chooses among its bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Direct,
    Fanout,
    Topic,
    Headers,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "direct" => Self::Direct,
            "fanout" => Self::Fanout,
            "topic" => Self::Topic,
            "headers" => Self::Headers,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        }
    }
}

/// The far end of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Destination {
    Queue(ShortStr),
    Exchange(ShortStr),
}

/// What makes a binding the same binding: its ends, its key, its arguments.
pub(crate) type Bindings = BTreeMap<(Destination, ShortStr), Vec<FieldTable>>;

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) kind: Kind,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    pub(crate) arguments: FieldTable,
    pub(crate) published_in: u64,
    bindings: Bindings,
    by_key: HashMap<ShortStr, Vec<Destination>>,
    by_pattern: TopicTree<Destination>,
}

impl Exchange {
    pub(crate) fn new(kind: Kind, durable: bool, auto_delete: bool, internal: bool, arguments: FieldTable) -> Self {
        Self {
            kind,
            durable,
            auto_delete,
            internal,
            arguments,
            published_in: 0,
            bindings: Bindings::new(),
            by_key: HashMap::new(),
            by_pattern: TopicTree::default(),
        }
    }

    pub(crate) fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Adds a binding; false when it was there already.
    pub(crate) fn bind(&mut self, destination: Destination, key: ShortStr, arguments: FieldTable) -> bool {
        let same_ends = self.bindings.entry((destination.clone(), key.clone())).or_default();
        if same_ends.contains(&arguments) {
            return false;
        }
        same_ends.push(arguments);
        if same_ends.len() == 1 {
            match self.kind {
                Kind::Direct => self.by_key.entry(key).or_default().push(destination),
                Kind::Topic => self.by_pattern.insert(&key, destination),
                Kind::Fanout | Kind::Headers => {}
            }
        }
        true
    }

    /// Removes a binding; false when there was none.
    pub(crate) fn unbind(&mut self, destination: &Destination, key: &ShortStr, arguments: &FieldTable) -> bool {
        let ends = (destination.clone(), key.clone());
        let Some(same_ends) = self.bindings.get_mut(&ends) else {
            return false;
        };
        let before = same_ends.len();
        same_ends.retain(|other| other != arguments);
        let removed = same_ends.len() < before;
        if same_ends.is_empty() {
            self.bindings.remove(&ends);
            self.index();
        }
        removed
    }

    /// Removes every binding to that destination and says how many there were.
    pub(crate) fn unbind_all(&mut self, destination: &Destination) -> usize {
        let mut removed = 0;
        self.bindings.retain(|(other, _), arguments| {
            let keep = other != destination;
            removed += if keep { 0 } else { arguments.len() };
            keep
        });
        if removed > 0 {
            self.index();
        }
        removed
    }

    fn index(&mut self) {
        self.by_key.clear();
        self.by_pattern = TopicTree::default();
        for (destination, key) in self.bindings.keys() {
            match self.kind {
                Kind::Direct => self.by_key.entry(key.clone()).or_default().push(destination.clone()),
                Kind::Topic => self.by_pattern.insert(key, destination.clone()),
                Kind::Fanout | Kind::Headers => {}
            }
        }
    }

    /// Calls `found` for the destinations of a message; one may come more than once.
    pub(crate) fn route(&self, key: &str, headers: &dyn Fn() -> FieldTable, mut found: impl FnMut(&Destination)) {
        match self.kind {
            Kind::Direct => self.by_key.get(key).into_iter().flatten().for_each(found),
            Kind::Fanout => self.bindings.keys().for_each(|(destination, _)| found(destination)),
            Kind::Topic => self.by_pattern.matches(key).iter().for_each(found),
            Kind::Headers => {
                let headers = headers();
                for ((destination, _), alternatives) in &self.bindings {
                    if alternatives.iter().any(|arguments| headers_match(arguments, &headers)) {
                        found(destination);
                    }
                }
            }
        }
    }
}

/// `x-match`: `all` (the default) or `any`; with `-with-x`, names that start with `x-` count too.
fn headers_match(arguments: &FieldTable, headers: &FieldTable) -> bool {
    let mode = arguments.get("x-match").and_then(Value::as_text).unwrap_or("all");
    let with_x = mode.ends_with("-with-x");
    let mut wanted = arguments.0.iter().filter(|(name, _)| &**name != "x-match" && (with_x || !name.starts_with("x-")));
    let holds = |(name, value): &(ShortStr, Value)| match headers.get(name) {
        Some(actual) => matches!(value, Value::Void) || value.equivalent(actual),
        None => false,
    };
    if mode.starts_with("any") { wanted.any(holds) } else { wanted.all(holds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, &str)]) -> FieldTable {
        FieldTable(entries.iter().map(|(name, value)| (ShortStr::truncated(name), Value::text(value))).collect())
    }

    #[test]
    fn headers_match_all_or_any() {
        let headers = table(&[("type", "report"), ("format", "pdf"), ("x-other", "1")]);
        for (arguments, expected) in [
            (table(&[("x-match", "all"), ("type", "report"), ("format", "pdf")]), true),
            (table(&[("type", "report"), ("format", "zip")]), false),
            (table(&[("x-match", "any"), ("type", "report"), ("format", "zip")]), true),
            (table(&[("x-match", "any"), ("x-other", "1")]), false),
            (table(&[("x-match", "any-with-x"), ("x-other", "1")]), true),
            (table(&[("x-match", "all")]), true),
        ] {
            assert_eq!(headers_match(&arguments, &headers), expected, "{arguments:?}");
        }
    }

    #[test]
    fn binding_twice_is_one_binding() {
        let mut exchange = Exchange::new(Kind::Direct, false, false, false, FieldTable::default());
        let queue = Destination::Queue(ShortStr::truncated("q"));
        let key = ShortStr::truncated("k");
        assert!(exchange.bind(queue.clone(), key.clone(), FieldTable::default()));
        assert!(!exchange.bind(queue.clone(), key.clone(), FieldTable::default()));
        let mut found = 0;
        exchange.route("k", &FieldTable::default, |_| found += 1);
        assert_eq!(found, 1);
        assert!(exchange.unbind(&queue, &key, &FieldTable::default()));
        exchange.route("k", &FieldTable::default, |_| found += 1);
        assert_eq!(found, 1);
    }
}
