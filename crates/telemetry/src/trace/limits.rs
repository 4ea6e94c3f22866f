//! How long what a span records may be: a queue of spans is bounded in their number, so each must be bounded, too.

use std::borrow::Cow;
use std::sync::OnceLock;

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Characters of one text; nobody reads more of it.
const LONGEST: usize = 16 << 10;

/// Texts in one array.
const MOST_TEXTS: usize = 128;

/// As the environment has it, from [`crate::init`] on.
static GIVEN: OnceLock<usize> = OnceLock::new();

/// Characters of one attribute's value. The first call of a process counts.
pub(crate) fn set_longest_value(characters: Option<usize>) {
    if let Some(characters) = characters {
        let _ = GIVEN.set(characters.min(LONGEST));
    }
}

fn longest_value() -> usize {
    GIVEN.get().copied().unwrap_or(LONGEST)
}

pub(crate) fn attribute(attribute: &mut KeyValue) {
    value(&mut attribute.value, longest_value());
}

pub(super) fn status(status: &mut Status) {
    if let Status::Error { description } = status {
        text(description);
    }
}

pub(super) fn text(text: &mut Cow<'static, str>) {
    if let Some(end) = end(text, LONGEST) {
        *text = Cow::Owned(text[..end].to_owned());
    }
}

pub(super) fn event(event: &mut Event) {
    text(&mut event.name);
    event.attributes.iter_mut().for_each(attribute);
}

pub(super) fn link(link: &mut Link) {
    link.attributes.iter_mut().for_each(attribute);
}

/// Everything of a span that somebody else has made.
pub(super) fn span(data: &mut SpanData) {
    text(&mut data.name);
    status(&mut data.status);
    data.attributes.iter_mut().for_each(attribute);
    data.events.events.iter_mut().for_each(event);
    data.links.links.iter_mut().for_each(link);
}

fn value(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => cut(text, longest),
        Value::Array(Array::String(texts)) => {
            texts.truncate(MOST_TEXTS);
            texts.iter_mut().for_each(|text| cut(text, longest));
        }
        _ => {}
    }
}

fn cut(text: &mut StringValue, longest: usize) {
    if let Some(end) = end(text.as_str(), longest) {
        *text = text.as_str()[..end].to_owned().into();
    }
}

/// Where to cut; `None` when all of it may stay.
fn end(text: &str, longest: usize) -> Option<usize> {
    // No text has more characters than bytes.
    if text.len() <= longest {
        return None;
    }
    text.char_indices().nth(longest).map(|(end, _)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut long = KeyValue::new("k", "ä".repeat(LONGEST + 1));
        attribute(&mut long);
        assert_eq!(long.value.as_str(), "ä".repeat(LONGEST));
        let mut failed = Status::error("x".repeat(1 << 20));
        status(&mut failed);
        assert_eq!(failed, Status::error("x".repeat(LONGEST)));
        let texts: Vec<StringValue> = vec!["abcd".into(); 1000];
        let mut many = Value::Array(Array::String(texts));
        value(&mut many, 3);
        assert_eq!(many, Value::Array(Array::String(vec!["abc".into(); MOST_TEXTS])));
        let mut short = Value::from("abc");
        value(&mut short, 3);
        assert_eq!(short, Value::from("abc"));
    }
}
