//! Walking a document: where one is, what is expected there, and how much of it there may be.

use serde_json::{Map, Value};

use super::error::Cause;
use super::reference;

/// Most operations, parameters, responses, headers, bodies and messages, counted where they are used: references make
/// little text into many of them.
const MAX_ENTRIES: u64 = 200_000;

/// A place and what is wrong there.
pub(super) type Failure = (String, Cause);

/// What has been walked of one document.
pub(super) struct Walk<'a> {
    pub(super) root: &'a Value,
    entries: u64,
}

/// A value and where it was met, before its references are followed.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, entries: 0 }
    }

    /// The whole document.
    pub(super) fn root(&self) -> At<'a> {
        At { value: self.root, pointer: String::new() }
    }

    /// What stands there in the end, once all references are followed.
    pub(super) fn resolve(&self, at: &At<'a>) -> Result<At<'a>, Failure> {
        let value = reference::follow(self.root, at.value).map_err(|cause| (at.pointer.clone(), cause))?;
        Ok(At { value, pointer: at.pointer.clone() })
    }

    /// Members of the object that is a member of `parent`, none when it is not there; each counts.
    pub(super) fn members(
        &mut self,
        parent: &At<'a>,
        key: &str,
        expected: &'static str,
    ) -> Result<Vec<(&'a str, At<'a>)>, Failure> {
        let Some(child) = parent.get(key) else { return Ok(Vec::new()) };
        let child = self.resolve(&child)?;
        let members: &Map<String, Value> =
            child.value.as_object().ok_or_else(|| (child.pointer.clone(), Cause::Shape { expected }))?;
        self.count(members.len(), &child.pointer)?;
        Ok(members.iter().map(|(name, value)| (name.as_str(), child.below(name, value))).collect())
    }

    /// Items of the list that is a member of `parent`, none when it is not there; each counts.
    pub(super) fn items(&mut self, parent: &At<'a>, key: &str, expected: &'static str) -> Result<Vec<At<'a>>, Failure> {
        let Some(child) = parent.get(key) else { return Ok(Vec::new()) };
        let items = child.value.as_array().ok_or_else(|| (child.pointer.clone(), Cause::Shape { expected }))?;
        self.count(items.len(), &child.pointer)?;
        Ok(items.iter().enumerate().map(|(at, value)| child.below(&at.to_string(), value)).collect())
    }

    fn count(&mut self, more: usize, pointer: &str) -> Result<(), Failure> {
        self.entries += more as u64;
        if self.entries <= MAX_ENTRIES {
            return Ok(());
        }
        let cause = Cause::TooLarge {
            what: "entries once its references are followed",
            found: self.entries,
            limit: MAX_ENTRIES,
        };
        Err((pointer.to_owned(), cause))
    }
}

impl<'a> At<'a> {
    /// A member, when it is there.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        self.value.get(key).map(|value| self.below(key, value))
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str, expected: &'static str) -> Result<&'a str, Failure> {
        let found = self.value.get(key).and_then(Value::as_str);
        found.ok_or_else(|| (self.pointer.clone(), Cause::Shape { expected }))
    }

    /// A text that may be there.
    pub(super) fn said(&self, key: &str) -> Option<&'a str> {
        self.value.get(key).and_then(Value::as_str)
    }

    /// Whether a member is `true`.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    fn below(&self, key: &str, value: &'a Value) -> At<'a> {
        let mut pointer = self.pointer.clone();
        reference::push(&mut pointer, key);
        At { value, pointer }
    }
}
