//! What rules are given: the same thing before and after, with those who use it.

use serde_json::Value;

use super::part::Part;
use super::usage::{Reader, Use};
use crate::canonical::member;
use crate::document::{Event, Model, Operation, Response, Schema};

/// Two versions of a document.
pub(crate) struct Versions<'p> {
    pub(crate) before: &'p Model<'p>,
    pub(crate) after: &'p Model<'p>,
    /// Users of each operation before, in the order of the operations.
    pub(crate) callers: &'p [Vec<&'p Use>],
    /// Users of each event before, in the order of the events.
    pub(crate) listeners: &'p [Vec<&'p Use>],
}

/// An operation that both versions have.
pub(crate) struct OperationPair<'p> {
    pub(crate) before: &'p Operation<'p>,
    pub(crate) after: &'p Operation<'p>,
    pub(crate) uses: &'p [&'p Use],
}

/// An event that both versions have.
pub(crate) struct EventPair<'p> {
    pub(crate) before: &'p Event<'p>,
    pub(crate) after: &'p Event<'p>,
    pub(crate) uses: &'p [&'p Use],
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
    /// Operations that both have: the same method and path, whatever the names of the path's parameters.
    pub(crate) fn operations(&self) -> impl Iterator<Item = OperationPair<'p>> {
        let pairs = self.before.operations.iter().zip(self.callers);
        let after = self.after;
        pairs.filter_map(|(before, uses)| Some(OperationPair { before, after: same_operation(after, before)?, uses }))
    }

    /// Events that both have.
    pub(crate) fn events(&self) -> impl Iterator<Item = EventPair<'p>> {
        let pairs = self.before.events.iter().zip(self.listeners);
        let after = self.after;
        pairs.filter_map(|(before, uses)| Some(EventPair { before, after: same_event(after, before)?, uses }))
    }
}

/// The operation with the same method and path, whatever the names of the path's parameters.
pub(crate) fn same_operation<'p>(model: &'p Model<'p>, operation: &Operation<'_>) -> Option<&'p Operation<'p>> {
    let shape = |path: &str| -> String {
        let segments = path.split('/').map(|segment| match (segment.find('{'), segment.rfind('}')) {
            (Some(start), Some(end)) if start < end => format!("{}{{}}{}", &segment[..start], &segment[end + 1..]),
            _ => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    };
    let wanted = shape(operation.path);
    let exact = |other: &&Operation<'_>| other.method == operation.method && other.path == operation.path;
    let alike = |other: &&Operation<'_>| other.method == operation.method && shape(other.path) == wanted;
    model.operations.iter().find(exact).or_else(|| model.operations.iter().find(alike))
}

/// The event with the same name.
pub(crate) fn same_event<'p>(model: &'p Model<'p>, event: &Event<'_>) -> Option<&'p Event<'p>> {
    model.events.iter().find(|other| other.name == event.name)
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
