//! `$ref`: looked at once for the whole document, then followed where it is met.

use std::collections::HashSet;

use serde_json::Value;

use super::error::Cause;

/// Longest chain of references to references.
const MAX_HOPS: usize = 32;

/// Keywords of schemas, parameters, headers, forms of bodies and messages whose values are data, in which a member
/// called `$ref` refers to nothing. Anywhere else these are names like others: `default` is a response.
const DATA: [&str; 5] = ["example", "examples", "default", "const", "enum"];

/// What an object is, as far as that decides which of its members are keywords.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Schema,
    /// A parameter, a header or the form of a body: it has a schema, and examples.
    Described,
    /// A message of AsyncAPI.
    Message,
    /// An example with a name.
    Example,
    Other,
}

impl Role {
    /// What a member is, and whether its own keys are names; none where it is data.
    fn member(self, key: &str, events: bool) -> Option<(Role, bool)> {
        let data = match self {
            Self::Schema | Self::Described => DATA.contains(&key),
            Self::Message => key == "examples",
            Self::Example => key == "value",
            Self::Other => false,
        };
        if data {
            return None;
        }
        Some(match (self, key) {
            (
                Self::Schema,
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
            ) => (Self::Schema, true),
            (Self::Schema, _) | (_, "schema" | "payload") => (Self::Schema, false),
            (_, "headers") if events => (Self::Schema, false),
            (_, "schemas") => (Self::Schema, true),
            (_, "parameters" | "headers" | "content") => (Self::Described, true),
            (_, "message") | (Self::Message, "oneOf" | "traits") => (Self::Message, false),
            (_, "messages" | "messageTraits") => (Self::Message, true),
            (_, "examples") => (Self::Example, true),
            (
                _,
                "paths" | "pathItems" | "webhooks" | "callbacks" | "responses" | "requestBodies" | "links" | "encoding"
                | "servers" | "variables" | "serverVariables" | "securitySchemes" | "channels" | "operations"
                | "operationTraits" | "replies" | "replyAddresses" | "correlationIds",
            ) => (Self::Other, true),
            _ => (Self::Other, false),
        })
    }
}

/// Finds the first reference of a document that leads out of it, or nowhere, with the JSON pointer to it.
pub(super) fn check(root: &Value) -> Result<(), (String, Cause)> {
    let mut check = Check { root, events: root.get("asyncapi").is_some(), seen: HashSet::new(), led: Vec::new() };
    check.walk(root, Role::Other, false, &mut String::new())?;
    // What is data where it stands may be a schema where it is referred to.
    while let Some((value, role, mut pointer)) = check.led.pop() {
        check.walk(value, role, false, &mut pointer)?;
    }
    Ok(())
}

struct Check<'a> {
    root: &'a Value,
    events: bool,
    /// Objects that were walked, and as what.
    seen: HashSet<(*const Value, Role, bool)>,
    /// Where references led, with the pointers.
    led: Vec<(&'a Value, Role, String)>,
}

impl<'a> Check<'a> {
    /// `named` says that the keys of the value are names.
    fn walk(&mut self, value: &'a Value, role: Role, named: bool, pointer: &mut String) -> Result<(), (String, Cause)> {
        let length = pointer.len();
        match value {
            Value::Object(members) => {
                if !self.seen.insert((std::ptr::from_ref(value), role, named)) {
                    return Ok(());
                }
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let at = |cause| (format!("{pointer}/$ref"), cause);
                    let target = target(self.root, reference).map_err(at)?;
                    // Where a later one of a chain is broken, it is named by its own place.
                    if let Err(cause @ Cause::CircularReference { .. }) = follow(self.root, value) {
                        return Err(at(cause));
                    }
                    if !self.seen.contains(&(std::ptr::from_ref(target), role, false)) {
                        self.led.push((target, role, reference.trim_start_matches('#').to_owned()));
                    }
                }
                for (key, value) in members {
                    let below = if named { Some((role, false)) } else { role.member(key, self.events) };
                    if let Some((role, named)) = below {
                        push(pointer, key);
                        self.walk(value, role, named, pointer)?;
                        pointer.truncate(length);
                    }
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    push(pointer, &at.to_string());
                    self.walk(item, role, false, pointer)?;
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a value refers to in the end, or the value itself.
pub(super) fn follow<'a>(root: &'a Value, value: &'a Value) -> Result<&'a Value, Cause> {
    let mut current = value;
    for _ in 0..MAX_HOPS {
        match current.get("$ref").and_then(Value::as_str) {
            Some(reference) => current = target(root, reference)?,
            None => return Ok(current),
        }
    }
    let reference = value.get("$ref").and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(Cause::CircularReference { reference })
}

/// What one reference points to, which may be a reference again.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, Cause> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(Cause::RemoteReference { reference: reference.to_owned() });
    };
    let found = root.pointer(fragment).or_else(|| root.pointer(&decoded(fragment)));
    found.ok_or_else(|| Cause::DanglingReference { reference: reference.to_owned() })
}

/// Adds a member to a JSON pointer.
pub(super) fn push(pointer: &mut String, member: &str) {
    pointer.push('/');
    pointer.push_str(&member.replace('~', "~0").replace('/', "~1"));
}

/// A URI fragment without its percent signs, `%7Bid%7D` as `{id}`.
fn decoded(fragment: &str) -> String {
    let bytes = fragment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| fragment.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
