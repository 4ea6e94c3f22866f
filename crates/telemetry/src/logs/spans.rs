//! What a tracing span contributes to the lines inside it: encoded when it is made, copied into each line.

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::fields::{Encoded, Entry};
use super::ids::Ids;
use super::keys::Keys;
use super::record;

/// Stored with the span. `text` holds exactly the fields of `entries`, in their order.
#[derive(Debug)]
pub(super) struct SpanFields {
    text: String,
    entries: Vec<Entry>,
    bits: u64,
    attributes: Vec<KeyValue>,
    /// The operation the span was made in.
    pub(super) ids: Ids,
}

impl SpanFields {
    pub(super) fn new(fields: &mut Encoded, ids: Ids) -> Self {
        Self {
            text: fields.text.clone(),
            entries: fields.entries.clone(),
            bits: fields.bits,
            attributes: std::mem::take(&mut fields.attributes),
            ids,
        }
    }

    /// Takes fields that were recorded later; they replace those of the same name.
    pub(super) fn add(&mut self, fields: &mut Encoded, keys: &mut Keys) {
        if self.bits & fields.bits != 0 {
            let old = std::mem::take(&mut self.text);
            let kept = std::mem::take(&mut self.entries);
            for entry in kept.iter().filter(|entry| !fields.names(entry.name)) {
                self.push(entry, &old);
            }
            for entry in &fields.entries {
                let name = record::name(keys.get(entry.name));
                self.attributes.retain(|attribute| attribute.key != name);
            }
        }
        for entry in &fields.entries {
            self.push(entry, &fields.text);
        }
        self.bits |= fields.bits;
        self.attributes.append(&mut fields.attributes);
    }

    fn push(&mut self, entry: &Entry, text: &str) {
        let start = self.text.len();
        self.text.push_str(&text[entry.start..entry.end]);
        self.entries.push(Entry { name: entry.name, start, end: self.text.len() });
    }

    /// Appends the fields that `seen` does not name, and adds their names to it: the innermost value of a key is the one that
    /// is true here.
    #[inline]
    pub(super) fn write(&self, seen: &mut Seen, line: &mut String) {
        if seen.bits & self.bits == 0 {
            line.push_str(&self.text);
            seen.names.extend(self.entries.iter().map(|entry| entry.name));
        } else {
            for entry in &self.entries {
                if !seen.names.contains(&entry.name) {
                    line.push_str(&self.text[entry.start..entry.end]);
                    seen.names.push(entry.name);
                }
            }
        }
        seen.bits |= self.bits;
    }

    /// Adds the attributes that are not there yet.
    pub(super) fn export(&self, attributes: &mut Vec<KeyValue>) {
        for attribute in &self.attributes {
            if !attributes.iter().any(|known| known.key == attribute.key) {
                attributes.push(attribute.clone());
            }
        }
    }
}

/// The names a line has already.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: Vec<&'static str>,
    bits: u64,
}

impl Seen {
    /// Starts with the event's own fields.
    #[inline]
    pub(super) fn start(&mut self, event: &Encoded) {
        self.names.clear();
        self.names.extend(event.entries.iter().map(|entry| entry.name));
        self.bits = event.bits;
    }
}
