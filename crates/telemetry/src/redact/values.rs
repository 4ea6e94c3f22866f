//! What inside a text looks like personal data or a secret.

use std::borrow::Cow;
use std::ops::Range;

use super::{MASK, is_secret_key};

/// Replaces whatever looks like an e-mail address, a bearer token, a JWT, a card number (Luhn) or a secret parameter.
///
/// Borrows the input when there is nothing to hide, which is the usual case.
///
/// ```
/// use telemetry::redact::text;
///
/// assert_eq!(text("mail for eve@example.org"), "mail for [redacted]");
/// assert_eq!(text("order 42"), "order 42");
/// ```
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !suspicious(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        match secret_at(text, at, kept) {
            Some(found) => {
                out.push_str(&text[kept..found.start]);
                out.push_str(MASK);
                kept = found.end;
                at = found.end.max(at + 1);
            }
            None => at += 1,
        }
    }
    if kept == 0 && out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// A quick look that is right whenever it says no.
fn suspicious(bytes: &[u8]) -> bool {
    let mut digits = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'@' | b'=' => return true,
            b'0'..=b'9' => {
                digits += 1;
                if digits >= 13 {
                    return true;
                }
            }
            b' ' | b'-' => {}
            b'e' if bytes[at..].starts_with(b"eyJ") => return true,
            b'b' | b'B' if starts_with_ignore_case(&bytes[at..], b"bearer ") => return true,
            _ => digits = 0,
        }
    }
    false
}

/// The secret that is recognised at `at`; it starts no earlier than `kept`. Ranges end on character boundaries, because they
/// end at ASCII or at the end of the text.
fn secret_at(text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'@' => email(bytes, at, kept),
        b'=' => parameter(text, at, kept),
        b'e' if word_starts(bytes, at) => jwt(bytes, at),
        b'b' | b'B' if word_starts(bytes, at) => bearer(bytes, at),
        b'0'..=b'9' if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() => card(bytes, at),
        _ => None,
    }
}

fn word_starts(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric()
}

fn starts_with_ignore_case(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `local@domain`, around the `@`; letters beyond ASCII count on both sides. A domain without a dot counts too. Characters that
/// separate parts of a URL end the local part, although an address might hold them.
fn email(bytes: &[u8], at: usize, kept: usize) -> Option<Range<usize>> {
    let local = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%'*+-^_`|~.".contains(b) || *b >= 0x80;
    let domain = |b: &u8| b.is_ascii_alphanumeric() || b"-.".contains(b) || *b >= 0x80;
    let before = bytes[kept..at].iter().rev().take_while(|b| local(b)).count();
    let mut after = bytes[at + 1..].iter().take_while(|b| domain(b)).count();
    while after > 0 && bytes[at + after] == b'.' {
        after -= 1;
    }
    (before > 0 && after > 0).then(|| at - before..at + 1 + after)
}

/// The value after `=` when the word before it names a secret.
fn parameter(text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let key = bytes[kept..at].iter().rev().take_while(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b)).count();
    let value = bytes[at + 1..].iter().take_while(|b| !b"&;,\"' \t\r\n".contains(b)).count();
    (key > 0 && value > 0 && is_secret_key(&text[at - key..at])).then(|| at + 1..at + 1 + value)
}

/// Three base64url parts, the first of which starts like a JSON object.
fn jwt(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let token = &bytes[at..];
    if !token.starts_with(b"eyJ") {
        return None;
    }
    let len = token.iter().take_while(|b| b.is_ascii_alphanumeric() || b"-_.=".contains(b)).count();
    // A cut-off token is as good as a whole one to whoever guesses the rest.
    let dots = token[..len].iter().filter(|b| **b == b'.').count();
    (dots >= 1 && len >= 10).then(|| at..at + len)
}

/// `Bearer` and what follows it; the word itself stays.
fn bearer(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    if !starts_with_ignore_case(&bytes[at..], b"bearer ") {
        return None;
    }
    let start = at + 7 + bytes[at + 7..].iter().take_while(|b| **b == b' ').count();
    let len = bytes[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b)).count();
    (len >= 8).then(|| start..start + len)
}

/// 13 to 19 digits, perhaps grouped by single spaces or dashes, whose check digit is right.
fn card(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let mut digits = [0u8; 19];
    let mut count = 0;
    let mut end = at;
    for (offset, &byte) in bytes[at..].iter().enumerate() {
        match byte {
            b'0'..=b'9' if count == digits.len() => return None,
            b'0'..=b'9' => {
                digits[count] = byte - b'0';
                count += 1;
                end = at + offset + 1;
            }
            b' ' | b'-' if at + offset == end => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'_' if at + offset == end => return None,
            _ => break,
        }
    }
    (count >= 13 && luhn(&digits[..count])).then_some(at..end)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| match (at % 2, u32::from(digit) * 2) {
            (0, _) => u32::from(digit),
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_replaced_and_the_rest_kept() {
        for (given, shown) in [
            ("mail eve+x@mail.example.org, now", "mail [redacted], now"),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted]"),
            ("got eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJl!", "got [redacted]!"),
            ("card 4111 1111 1111 1111 used", "card [redacted] used"),
            ("card 4111-1111-1111-1111", "card [redacted]"),
            ("GET /a?token=abc&page=2", "GET /a?token=[redacted]&page=2"),
            ("order 42 of 2026-11-21 06:34:22", "order 42 of 2026-11-21 06:34:22"),
            ("id 019a1234-89ab-7def-8123-456789abcdef", "id 019a1234-89ab-7def-8123-456789abcdef"),
            ("4111111111111112 fails its check", "4111111111111112 fails its check"),
            ("the bearer of news", "the bearer of news"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    /// A card number with a right check digit.
    fn card_number(prefix: &[u8]) -> String {
        (0..10u8)
            .map(|check| [prefix, &[check]].concat())
            .find(|digits| luhn(digits))
            .map(|digits| digits.iter().map(|digit| char::from(digit + b'0')).collect())
            .unwrap()
    }

    proptest! {
        #[test]
        fn secrets_vanish_from_any_surroundings(
            before in "[\\PC&&[^0-9@]]{0,20}",
            after in "[\\PC&&[^0-9@]]{0,20}",
            name in "[a-z0-9]{1,10}",
            digits in prop::collection::vec(1u8..10, 12..18),
        ) {
            let email = format!("{name}@{name}.example");
            let card = card_number(&digits);
            let jwt = format!("eyJ{name}.eyJ{name}.{name}");
            for secret in [email, card, jwt] {
                let shown = format!("{before} {secret} {after}");
                let redacted = text(&shown);
                prop_assert!(!redacted.contains(&secret), "{} in {}", secret, redacted);
            }
            let shown = format!("{before} Bearer {name}{name}12345678 {after}");
            let secret = format!("{name}{name}12345678");
            prop_assert!(!text(&shown).contains(&secret));
        }

        #[test]
        fn redacting_twice_changes_nothing(given in "[ -~é]{0,120}") {
            let once = text(&given).into_owned();
            prop_assert_eq!(text(&once).into_owned(), once);
        }

        #[test]
        fn no_text_panics(given in "\\PC{0,200}") {
            let _ = text(&given);
        }
    }
}
