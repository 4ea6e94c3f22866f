//! The value of a secret key, inside a text: `key=value`, `key: value`, JSON (also JSON inside a JSON string), `Debug` output,
//! forms, headers.

use std::ops::Range;

use super::Policy;
use super::keys::{Secrecy, is_second_word};
use super::looked::Looked;

/// Longest key that is looked at, in bytes.
pub(super) const MAX_KEY: usize = 80;

/// What stands for a missing value: it tells nothing.
const EMPTY: [&[u8]; 8] = [b"None", b"null", b"nil", b"undefined", b"true", b"false", b"Some", b"Ok"];

/// The value after the `=`, `:` or `,` at `at` when the key before it names a secret.
pub(super) fn value(policy: &Policy, text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let (key, quoted) = key(bytes, at, kept)?;
    let separator = bytes[at];
    let beside = bytes.get(at + 1).copied().unwrap_or(b' ');
    if separator == b':' && (beside == b':' || (!quoted && bytes[..at].ends_with(b":"))) {
        return None;
    }
    let start = value_start(bytes, at, key.end);
    // Between quoted strings a comma separates the parts of a pair, too: `("password", "hunter2")`.
    if separator == b',' && !(quoted && opening(&bytes[start..]).is_some()) {
        return None;
    }
    let name = &text[key.clone()];
    let secrecy = policy.secrecy(name).or_else(|| two_words(policy, text, &key, kept)).or_else(|| {
        let in_query = separator == b'=' && key.start > 0 && matches!(bytes[key.start - 1], b'?' | b'&');
        (in_query && policy.is_secret_parameter_of_query(name)).then_some(Secrecy::Certain)
    })?;
    let found = extent(bytes, start, separator)?;
    let value = &bytes[found.clone()];
    if value.is_empty() || EMPTY.contains(&value) {
        return None;
    }
    let is_bare = found.start == start && !value.starts_with(b"[") && !value.starts_with(b"{");
    if separator == b':' && secrecy == Secrecy::Likely && !quoted && is_bare && is_prose(value) {
        return None;
    }
    if is_bare && opening(&bytes[start..]).is_none() {
        return Some(header(bytes, name, separator, found));
    }
    Some(found)
}

/// Where the key before `at` stands, and whether in quotes.
fn key(bytes: &[u8], at: usize, kept: usize) -> Option<(Range<usize>, bool)> {
    let floor = kept.max(at.saturating_sub(MAX_KEY));
    let mut end = at;
    while end > floor && matches!(bytes[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    let is_quote = |b: u8| matches!(b, b'"' | b'\'' | b'`');
    let quoted = end > floor && is_quote(bytes[end - 1]);
    if quoted {
        end -= 1;
        while end > floor && bytes[end - 1] == b'\\' {
            end -= 1;
        }
    }
    let part = |b: u8| match quoted {
        true => !is_quote(b) && b != b'\\' && b >= b' ' && b.is_ascii(),
        false => b.is_ascii_alphanumeric() || b"_-.[]%".contains(&b),
    };
    let len = bytes[floor..end].iter().looked().rev().take_while(|b| part(**b)).count();
    (len > 0).then_some((end - len..end, quoted))
}

/// `API key: …`: two words that name a secret only together.
fn two_words(policy: &Policy, text: &str, key: &Range<usize>, kept: usize) -> Option<Secrecy> {
    let bytes = text.as_bytes();
    if key.start <= kept || bytes[key.start - 1] != b' ' || !is_second_word(&bytes[key.clone()]) {
        return None;
    }
    let floor = kept.max(key.start.saturating_sub(MAX_KEY));
    let first = bytes[floor..key.start - 1].iter().looked().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
    policy.secrecy(&text[key.start - 1 - first..key.end]).filter(|_| first > 0)
}

fn value_start(bytes: &[u8], at: usize, key_end: usize) -> usize {
    // `==`, `=>`, `:=`
    let start = at + 1 + bytes[at + 1..].iter().looked().take_while(|b| matches!(b, b'=' | b'>')).count();
    // The parts of a tuple may stand on lines of their own.
    let blank = |b: &u8| matches!(b, b' ' | b'\t') || (bytes[at] == b',' && b.is_ascii_whitespace());
    let blanks = bytes[start..].iter().looked().take_while(|b| blank(b)).count();
    // In `a= b=c` the first value is empty.
    let spaced = bytes[at] != b'=' || key_end < at || start > at + 1;
    if spaced || opening(&bytes[start + blanks..]).is_some() { start + blanks } else { start }
}

/// An opening quote: its length (with the backslashes before it, when the text is itself inside a string), and the quote.
fn opening(bytes: &[u8]) -> Option<(usize, u8)> {
    // `b"…"` and `r"…"`
    let prefix = usize::from(matches!(bytes, [b'b' | b'r', b'"', ..]));
    let slashes = bytes[prefix..].iter().looked().take_while(|b| **b == b'\\').count();
    let quote = *bytes.get(prefix + slashes)?;
    matches!(quote, b'"' | b'\'' | b'`').then_some((prefix + slashes + 1, quote))
}

/// Where the value that starts at `start` stands, without its quotes.
fn extent(bytes: &[u8], start: usize, separator: u8) -> Option<Range<usize>> {
    let rest = bytes.get(start..)?;
    if let Some((len, quote)) = opening(rest) {
        let slashes = rest[..len].iter().looked().filter(|b| **b == b'\\').count();
        return Some(start + len..start + len + string_len(&rest[len..], quote, slashes));
    }
    // `Some(…)`, `Credentials { … }`, `[…]`
    let name =
        rest.iter().looked().take(MAX_KEY).take_while(|b| b.is_ascii_alphanumeric() || b"_:".contains(b)).count();
    let gap = usize::from(name > 0 && rest[name..].starts_with(b" {"));
    let mut len = 0;
    if matches!(rest.get(name + gap), Some(b'(' | b'[' | b'{')) {
        len = name + gap + group_len(&rest[name + gap..]);
    }
    len +=
        rest[len..].iter().looked().enumerate().take_while(|(at, b)| !ends(&rest[len + at..], **b, separator)).count();
    Some(start..start + len - unopened(&rest[..len]))
}

/// How many closing brackets at the end of `value` were opened before it.
fn unopened(value: &[u8]) -> usize {
    let opened = value.iter().looked().filter(|b| b"([{".contains(b)).count();
    let closed = value.iter().looked().filter(|b| b")]}".contains(b)).count();
    let at_end = value.iter().looked().rev().take_while(|b| b")]}".contains(b)).count();
    at_end.min(closed.saturating_sub(opened))
}

/// Whether an unquoted value ends before `byte`, the first of `rest`.
fn ends(rest: &[u8], byte: u8, separator: u8) -> bool {
    let next = rest.get(1).copied().unwrap_or(b' ');
    match byte {
        b'"' | b'\'' | b'`' => true,
        b'\\' => matches!(next, b'"' | b'\''),
        b'&' => separator == b'=',
        b',' | b';' => separator == b'=' || next.is_ascii_whitespace() || matches!(next, b'"' | b'\''),
        _ => byte.is_ascii_whitespace(),
    }
}

/// Length of a string up to its closing quote, which has `slashes` backslashes before it; all of it when that is missing.
fn string_len(bytes: &[u8], quote: u8, slashes: usize) -> usize {
    let mut run = 0;
    for (at, &byte) in bytes.iter().looked().enumerate() {
        if byte == b'\\' {
            run += 1;
            continue;
        }
        // More backslashes escape the quote, unless they are escaped backslashes; fewer end the string around this one.
        if byte == quote && (run < slashes || run % (2 * (slashes + 1)) == slashes) {
            return at - run.min(slashes);
        }
        run = 0;
    }
    bytes.len()
}

/// Length of a bracketed group, quoted strings in it being skipped; all of it when its end is missing.
fn group_len(bytes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at..).unwrap_or_default().iter().looked().next() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => at += 1 + string_len(&bytes[at + 1..], b'"', 0),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// No secret looks like a short word in small letters: `unexpected token: comma`.
fn is_prose(value: &[u8]) -> bool {
    let word = value.strip_suffix(b".").unwrap_or(value);
    word.len() < 20 && word.iter().looked().all(|b| b.is_ascii_lowercase() || b"'()/-".contains(b))
}

/// A header's value has several words: the scheme stays and the credentials go, of cookies all goes.
fn header(bytes: &[u8], name: &str, separator: u8, first: Range<usize>) -> Range<usize> {
    // Looked for only where all up to it goes: a text may hold many pairs, and one line.
    let line_end = |start: usize| {
        bytes[start..].iter().looked().position(|b| b"\r\n\"".contains(b)).map_or(bytes.len(), |length| start + length)
    };
    let is =
        |schemes: &[&str]| schemes.iter().any(|scheme| bytes[first.clone()].eq_ignore_ascii_case(scheme.as_bytes()));
    let gap = bytes[first.end..].iter().looked().take_while(|b| **b == b' ').count();
    let credentials = first.end + gap;
    if gap > 0 && is(&["bearer", "basic", "token", "apikey", "negotiate", "dpop"]) {
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'\'' | b'"');
        let len = bytes[credentials..].iter().looked().take_while(|b| !ends(b)).count();
        return if len > 0 { credentials..credentials + len } else { first };
    }
    if gap > 0 && is(&["digest", "aws4-hmac-sha256", "hoba", "scram-sha-256"]) {
        return credentials..line_end(credentials);
    }
    // What follows a scheme that nobody knows is no less secret.
    if ends_with_word(name, "cookie") || (gap > 0 && separator == b':' && ends_with_word(name, "authorization")) {
        return first.start..line_end(first.end);
    }
    first
}

fn ends_with_word(name: &str, word: &str) -> bool {
    let start = name.len().checked_sub(word.len());
    start.is_some_and(|start| name.as_bytes()[start..].eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::redact::Policy;

    #[test]
    fn values_of_secret_keys_go_in_every_notation() {
        for (given, shown) in [
            ("GET /a?token=abc&page=2", "GET /a?token=[redacted]&page=2"),
            ("password=a&user=eve", "password=[redacted]&user=eve"),
            ("user[password]=x&a=b", "user[password]=[redacted]&a=b"),
            ("user%5Btoken%5D=x&a=b", "user%5Btoken%5D=[redacted]&a=b"),
            ("password: hunter2, then", "password: [redacted], then"),
            ("Password = hunter2", "Password = [redacted]"),
            ("API key: abc", "API key: [redacted]"),
            ("card number: 12", "card number: [redacted]"),
            (r#"{"password":"a\"b","n":1}"#, r#"{"password":"[redacted]","n":1}"#),
            (r#"{"pin": 1234, "n": 1}"#, r#"{"pin": [redacted], "n": 1}"#),
            (r#"{\"password\":\"a\\\"b\",\"n\":1}"#, r#"{\"password\":\"[redacted]\",\"n\":1}"#),
            (r#"{"card number": "12"}"#, r#"{"card number": "[redacted]"}"#),
            (r#"{"pin":1234}"#, r#"{"pin":[redacted]}"#),
            ("f(password=abc)", "f(password=[redacted])"),
            (r#"{"password": null}"#, r#"{"password": null}"#),
            (r#"{"passwords":["a","b"],"n":1}"#, r#"{"passwords":[redacted],"n":1}"#),
            (r#"User { password: Some("x y"), id: 7 }"#, r"User { password: [redacted], id: 7 }"),
            (r#"User { credentials: Login { a: "x" }, id: 7 }"#, r"User { credentials: [redacted], id: 7 }"),
            (r#"User { password: b"x", id: 7 }"#, r#"User { password: b"[redacted]", id: 7 }"#),
            (r#"[("password", "x"), ("a", "b")]"#, r#"[("password", "[redacted]"), ("a", "b")]"#),
            (r#"{"authorization": "Digest a=b, c=d"}"#, r#"{"authorization": "[redacted]"}"#),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted]"),
            ("Authorization: Basic abc\nHost: x", "Authorization: Basic [redacted]\nHost: x"),
            ("Authorization: Digest a=b, c=d\nHost: x", "Authorization: Digest [redacted]\nHost: x"),
            ("Authorization: SSWS 00abc\nHost: x", "Authorization: [redacted]\nHost: x"),
            ("proxy-authorization: Own 00abc def", "proxy-authorization: [redacted]"),
            ("/cb?code=abc&sig=x&page=2", "/cb?code=[redacted]&sig=[redacted]&page=2"),
            ("exit code=1, sig=9", "exit code=1, sig=9"),
            ("db_pass=abc sid=abc", "db_pass=[redacted] sid=[redacted]"),
            ("pass: ok, auth: required", "pass: ok, auth: required"),
            ("Set-Cookie: a=b; Path=/\nHost: x", "Set-Cookie: [redacted]\nHost: x"),
            ("password:\nnext line", "password:\nnext line"),
            ("a\npassword: x\nb", "a\npassword: [redacted]\nb"),
            ("password= user=eve", "password= user=eve"),
            ("password=[redacted]!", "password=[redacted]"),
            ("secret => 'x'", "secret => '[redacted]'"),
            ("unexpected token: comma", "unexpected token: comma"),
            ("token expired: yes", "token expired: yes"),
            ("secret::read failed", "secret::read failed"),
            ("password:", "password:"),
            ("a=b, c: d", "a=b, c: d"),
        ] {
            assert_eq!(Policy::new().text(given), shown, "{given}");
        }
    }
}
