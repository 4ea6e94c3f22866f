//! How deep a document in XML is nested, told before the engine compares it level by level: its paths grow with the depth,
//! and what it keeps of them with its square.

use bytes::Bytes;

use super::mismatch::{Mismatch, Part};

/// Deepest nesting that is compared; JSON is read to the same depth.
const MAX: usize = 128;

/// Of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why a body cannot be compared, if it is XML, or looks so, and nested too deep.
pub(super) fn refused(expected: Option<&Bytes>, actual: &Bytes) -> Option<Mismatch> {
    let sentence = |what: &str| {
        let sentence = format!("{what} is nested deeper than {MAX} elements, expected a document that can be compared");
        Mismatch::new(Part::Body, "", sentence)
    };
    if expected.is_some_and(|body| is_too_deep(body)) {
        return Some(sentence("the body in the pact"));
    }
    is_too_deep(actual).then(|| sentence("the answer's body"))
}

fn is_too_deep(body: &[u8]) -> bool {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut rest = body;
    let mut depth = 0_usize;
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'<') {
        return false;
    }
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[start + 1..];
        let end = match rest {
            [b'!', b'-', b'-', ..] => after(rest, b"-->"),
            [b'!', b'[', ..] => after(rest, b"]]>"),
            [b'?', ..] => after(rest, b"?>"),
            [b'!', ..] => after(rest, b">"),
            [b'/', ..] => {
                depth = depth.saturating_sub(1);
                after(rest, b">")
            }
            _ => {
                let end = tag(rest);
                depth += usize::from(end.checked_sub(2).and_then(|at| rest.get(at)) != Some(&b'/'));
                end
            }
        };
        if depth > MAX {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// Length up to and with `mark`, or of everything.
fn after(text: &[u8], mark: &[u8]) -> usize {
    text.windows(mark.len()).position(|found| found == mark).map_or(text.len(), |start| start + mark.len())
}

/// Length of what is left of an opening tag; its attributes may have a `>` in quotes.
fn tag(text: &[u8]) -> usize {
    let mut quote = None;
    for (index, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'>') => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize, opening: &str) -> bool {
        is_too_deep(format!("<?xml version='1.0'?>{}{}", opening.repeat(depth), "</a>".repeat(depth)).as_bytes())
    }

    #[test]
    fn elements_within_elements_are_counted() {
        assert!(!nested(128, "<a>"));
        assert!(nested(129, "<a>"));
        assert!(!nested(128, "<a b='>'><c d=\"/>\"/><!-- <a><a> --><![CDATA[<a><a>]]>"));
        assert!(nested(129, "<a b='>'>"));
        assert!(nested(129, "<a><?p ></a></a>?>"));
        assert!(is_too_deep(["\u{feff}", &"<a>".repeat(129)].concat().as_bytes()));
    }

    #[test]
    fn many_elements_side_by_side_and_other_texts_are_not_deep() {
        assert!(!is_too_deep(format!("<a>{}</a>", "<b></b><c/>".repeat(1000)).as_bytes()));
        assert!(!is_too_deep("{ \"a\": \"<\" }".repeat(1000).as_bytes()));
        assert!(!is_too_deep(b"<"));
        assert!(!is_too_deep(b""));
    }
}
