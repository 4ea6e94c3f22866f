//! The content of an XML element: `<password>x</password>`.

use std::ops::Range;

use super::{Policy, pair};

/// What stands before the closing tag at `at` when its name is a secret's. An opening tag alone is none: `usage: sign <token>`.
pub(super) fn content(policy: &Policy, text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let rest = bytes[at..].strip_prefix(b"</")?;
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"_-.:".contains(b);
    let name = rest.iter().take(pair::MAX_KEY).take_while(|b| part(b)).count();
    if !rest[name..].starts_with(b">") || !policy.is_secret_key(&text[at + 2..at + 2 + name]) {
        return None;
    }
    let content = bytes[kept..at].iter().rev().take_while(|b| **b != b'>').count();
    (content > 0).then(|| at - content..at)
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
