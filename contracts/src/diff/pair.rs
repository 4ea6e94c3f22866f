//! What rules are given: the same thing before and after, with those who use it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::part::Part;
use super::usage::{Reader, Use};
use crate::canonical::member;
use crate::document::{Event, Model, Operation, Response, Schema};

/// Two versions of a document, put beside each other.
#[derive(Default)]
pub(crate) struct Versions<'p> {
    /// Operations that both have: the same method and path, whatever the names of the path's parameters.
    pub(crate) operations: Vec<OperationPair<'p>>,
    /// Operations that only the first has, with their users.
    pub(crate) gone_operations: Vec<(&'p Operation<'p>, Vec<&'p Use>)>,
    /// Events that both have, by name.
    pub(crate) events: Vec<EventPair<'p>>,
    /// Events that only the first has, with their users.
    pub(crate) gone_events: Vec<(&'p Event<'p>, Vec<&'p Use>)>,
    /// Events that only the second has.
    pub(crate) new_events: Vec<&'p Event<'p>>,
    /// Events of the second.
    pub(crate) events_after: &'p [Event<'p>],
}

/// An operation that both versions have.
pub(crate) struct OperationPair<'p> {
    pub(crate) before: &'p Operation<'p>,
    pub(crate) after: &'p Operation<'p>,
    pub(crate) uses: Vec<&'p Use>,
}

/// An event that both versions have.
pub(crate) struct EventPair<'p> {
    pub(crate) before: &'p Event<'p>,
    pub(crate) after: &'p Event<'p>,
    pub(crate) uses: Vec<&'p Use>,
}

/// A schema that both versions have at one place.
pub(crate) struct SchemaPair<'p> {
    pub(crate) before: &'p Schema<'p>,
    pub(crate) after: &'p Schema<'p>,
    /// Name of the operation or event.
    pub(crate) owner: &'p str,
    pub(crate) part: Part<'p>,
    pub(crate) steps: &'p [Step<'p>],
    pub(crate) readers: &'p [Reader<'p>],
}

/// A step from a value to one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'p> {
    /// To a member.
    Member(&'p str),
    /// To each item of a list.
    Items,
    /// To each value of a map.
    Values,
}

impl<'p> Versions<'p> {
    /// Puts them beside each other; `callers` and `listeners` are the users of operations and events, by their place in
    /// the first.
    pub(crate) fn new(
        before: &'p Model<'p>,
        after: &'p Model<'p>,
        callers: Vec<Vec<&'p Use>>,
        listeners: Vec<Vec<&'p Use>>,
    ) -> Self {
        let mut versions = Self { events_after: &after.events, ..Self::default() };
        let exact: BTreeMap<_, _> = after.operations.iter().map(|each| ((&each.method, each.path), each)).collect();
        let alike: BTreeMap<_, _> =
            after.operations.iter().map(|each| ((&each.method, shape(each.path)), each)).collect();
        for (operation, uses) in before.operations.iter().zip(callers) {
            let now = exact.get(&(&operation.method, operation.path));
            match now.or_else(|| alike.get(&(&operation.method, shape(operation.path)))) {
                Some(after) => versions.operations.push(OperationPair { before: operation, after, uses }),
                None => versions.gone_operations.push((operation, uses)),
            }
        }
        let now: BTreeMap<_, _> = after.events.iter().map(|event| (event.name, event)).collect();
        for (event, uses) in before.events.iter().zip(listeners) {
            match now.get(event.name) {
                Some(after) => versions.events.push(EventPair { before: event, after, uses }),
                None => versions.gone_events.push((event, uses)),
            }
        }
        let then: BTreeSet<_> = before.events.iter().map(|event| event.name).collect();
        versions.new_events.extend(after.events.iter().filter(|event| !then.contains(event.name)));
        versions
    }
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, name)) = rest.split_once('{') {
        let after = name.split_once('}').map_or("", |(_, after)| after);
        shape.push_str(before);
        shape.push_str("{}");
        rest = after;
    }
    shape + rest
}

impl<'p> OperationPair<'p> {
    /// Responses that both have: the same status, else the range or default that stands for it now.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (&'p Response<'p>, &'p Response<'p>)> {
        let (before, after) = (self.before, self.after);
        before.responses.iter().filter_map(|response| Some((response, now(after, response.status)?)))
    }

    /// Users that expect a status.
    pub(crate) fn expecting(&self, status: &str) -> Vec<&'p Use> {
        let expected = |used: &&Use| match &used.talk {
            crate::coverage::Talk::Http(exchange) => {
                self.before.response(exchange.status).is_some_and(|response| response.status == status)
            }
            crate::coverage::Talk::Message(_) => false,
        };
        self.uses.iter().copied().filter(expected).collect()
    }
}

/// The response that a status has now.
pub(crate) fn now<'p>(operation: &'p Operation<'p>, status: &str) -> Option<&'p Response<'p>> {
    let exact = operation.responses.iter().find(|response| response.status.eq_ignore_ascii_case(status));
    exact.or_else(|| operation.response(status.parse().ok()?))
}

impl<'p> SchemaPair<'p> {
    /// The path in the part, `$.orders[*].id`.
    pub(crate) fn path(&self) -> String {
        let mut path = "$".to_owned();
        for step in self.steps {
            match step {
                Step::Member(name) => path.push_str(&member(name)),
                Step::Items => path.push_str("[*]"),
                Step::Values => path.push_str(".*"),
            }
        }
        path
    }

    /// Operation or event, part, and path in it.
    pub(crate) fn place(&self) -> String {
        self.place_of(None)
    }

    /// The place of a member of it.
    pub(crate) fn place_of(&self, name: Option<&str>) -> String {
        let path = self.path() + &name.map(member).unwrap_or_default();
        match path.as_str() {
            "$" => format!("{}: {}", self.owner, self.part),
            path => format!("{}: {} `{path}`", self.owner, self.part),
        }
    }

    /// Users in whose pact a value at this place is so.
    pub(crate) fn users_where(&self, is: impl Fn(&Use, &Value) -> bool) -> Vec<&'p Use> {
        let mut users: Vec<&Use> = Vec::new();
        for Reader { used, value } in self.readers {
            let known = users.iter().any(|other| std::ptr::eq(*other, *used));
            if !known && values_at(value, self.steps).into_iter().any(|value| is(used, value)) {
                users.push(used);
            }
        }
        users
    }

    /// Users that send or read the value at this place.
    pub(crate) fn users(&self) -> Vec<&'p Use> {
        self.users_where(|_, _| true)
    }

    /// Users that send or read a member of it.
    pub(crate) fn users_of(&self, name: &str) -> Vec<&'p Use> {
        self.users_where(|_, value| value.get(name).is_some())
    }

    /// Users that send the value at this place without a member.
    pub(crate) fn users_without(&self, name: &str) -> Vec<&'p Use> {
        self.users_where(|_, value| value.is_object() && value.get(name).is_none())
    }
}

fn values_at<'v>(value: &'v Value, steps: &[Step<'_>]) -> Vec<&'v Value> {
    let Some((step, rest)) = steps.split_first() else { return vec![value] };
    let below: Vec<&Value> = match (step, value) {
        (Step::Member(name), Value::Object(members)) => members.get(*name).into_iter().collect(),
        (Step::Items, Value::Array(items)) => items.iter().collect(),
        (Step::Values, Value::Object(members)) => members.values().collect(),
        _ => Vec::new(),
    };
    below.into_iter().flat_map(|value| values_at(value, rest)).collect()
}
