//! `$ref`: looked at once for the whole document, then followed where it is met.

use serde_json::Value;

use super::error::Cause;

/// Longest chain of references to references.
const MAX_HOPS: usize = 32;

/// Keywords whose values are data, in which a member called `$ref` refers to nothing.
const DATA: [&str; 5] = ["example", "examples", "default", "const", "enum"];

/// Keywords whose values are objects with names of their own, which are no keywords.
const NAMED: [&str; 8] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas", "headers", "parameters"];

/// Finds the first reference of a document that leads out of it, or nowhere, with the JSON pointer to it.
pub(super) fn check(root: &Value) -> Result<(), (String, Cause)> {
    /// `named` says that the keys of the value are names.
    fn walk(root: &Value, value: &Value, named: bool, pointer: &mut String) -> Result<(), (String, Cause)> {
        let length = pointer.len();
        let member = |key: &str, value: &Value, pointer: &mut String| {
            push(pointer, key);
            let result = walk(root, value, !named && NAMED.contains(&key), pointer);
            pointer.truncate(length);
            result
        };
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let at = |cause| (format!("{pointer}/$ref"), cause);
                    target(root, reference).map_err(at)?;
                    // Where a later one of a chain is broken, it is named by its own place.
                    if let Err(cause @ Cause::CircularReference { .. }) = follow(root, value) {
                        return Err(at(cause));
                    }
                }
                members
                    .iter()
                    .filter(|(key, _)| named || !DATA.contains(&key.as_str()))
                    .try_for_each(|(key, value)| member(key, value, pointer))
            }
            Value::Array(items) => {
                items.iter().enumerate().try_for_each(|(at, item)| member(&at.to_string(), item, pointer))
            }
            _ => Ok(()),
        }
    }
    walk(root, root, false, &mut String::new())
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
