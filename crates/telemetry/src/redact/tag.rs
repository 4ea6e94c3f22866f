//! The content of an XML element: `<password>x</password>`.

use std::ops::Range;

use super::looked::Looked;
use super::{Policy, pair};

/// Longest opening tag, in bytes.
const MAX_TAG: usize = 256;

/// What stands between the opening tag at `at` and its closing tag when its name is a secret's. An opening tag alone is none:
/// `usage: sign <token>`.
pub(super) fn content(policy: &Policy, text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let rest = &bytes[at + 1..];
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"_-.:".contains(b);
    let name = rest.iter().looked().take(pair::MAX_KEY).take_while(|b| part(b)).count();
    if !policy.is_secret_key(&text[at + 1..at + 1 + name]) {
        return None;
    }
    let tag = rest.iter().looked().take(MAX_TAG).position(|b| b"<>".contains(b)).filter(|tag| rest[*tag] == b'>')?;
    let start = at + 1 + tag + 1;
    let end = start + bytes[start..].iter().looked().position(|b| *b == b'<')?;
    let closing = bytes[end..].strip_prefix(b"</")?.strip_prefix(&rest[..name])?;
    (end > start && closing.starts_with(b">")).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use crate::redact::Policy;

    #[test]
    fn content_of_secret_elements_goes() {
        for (given, shown) in [
            ("<a><password>x y</password><b>1</b></a>", "<a><password>[redacted]</password><b>1</b></a>"),
            ("<s:Token id=\"1\">abc</s:Token>", "<s:Token id=\"1\">[redacted]</s:Token>"),
            ("<email>to eve@example.org now</email>", "<email>[redacted]</email>"),
            ("usage: sign <token> <file>", "usage: sign <token> <file>"),
            ("<password></password>", "<password></password>"),
        ] {
            let shown_twice = Policy::new().text(shown).into_owned();
            assert_eq!((&*Policy::new().text(given), &*shown_twice), (shown, shown), "{given}");
        }
    }
}
