//! Credentials that are recognised by how they look.

use std::ops::Range;

use super::encoded::ends_escape;
use super::looked::Looked;

/// How far the first dot of a JWT is looked for, in bytes.
const MAX_JWT_HEADER: usize = 1024;

/// How far the colon between user and password is looked for, in characters of base64.
const MAX_BASIC_USER: usize = 512;

/// Three base64url parts, the first of which starts like a JSON object; `at` is the third letter.
pub(super) fn jwt(bytes: &[u8], at: usize, kept: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2).filter(|start| *start >= kept)?;
    if &bytes[start..=at] != b"eyJ" || !word_starts(bytes, start) {
        return None;
    }
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"-_=".contains(b);
    let header = bytes[start..].iter().looked().take(MAX_JWT_HEADER).take_while(|b| part(b)).count();
    // A cut-off token is as good as a whole one to whoever guesses the rest.
    if bytes.get(start + header) != Some(&b'.') {
        return None;
    }
    let len = header + bytes[start + header..].iter().looked().take_while(|b| part(b) || **b == b'.').count();
    (len >= 10).then(|| start..start + len)
}

/// `Bearer` or `Basic` and what follows it; the word itself stays.
pub(super) fn scheme(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    if !word_starts(bytes, at) {
        return None;
    }
    let is = |prefix: &[u8]| bytes[at..].get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let (word, bearer) = match () {
        () if is(b"bearer") => (6, true),
        () if is(b"basic") => (5, false),
        () => return None,
    };
    let mut start = at + word;
    let gap = bytes[start..].iter().looked().take_while(|b| **b == b' ').count();
    // `Bearer%20…` in a URL, `Bearer+…` in a form.
    start += match gap {
        0 if bytes[start..].starts_with(b"%20") => 3,
        0 if bytes[start..].starts_with(b"+") => 1,
        0 => return None,
        gap => gap,
    };
    // Judged by how it begins, because its end is far from each of `basic+basic+basic+…`.
    if !bearer && !is_basic(&bytes[start..]) {
        return None;
    }
    let len =
        bytes[start..].iter().looked().take_while(|b| b.is_ascii_alphanumeric() || b"-._~+/=%".contains(b)).count();
    (!bearer || is_opaque(&bytes[start..start + len])).then(|| start..start + len)
}

/// No word of prose: `bearer authentication` hides nothing.
fn is_opaque(token: &[u8]) -> bool {
    token.len() >= 8
        && (token.len() >= 20 || token.iter().looked().skip(1).any(|b| !b.is_ascii_lowercase() && !b".,".contains(b)))
}

/// Whether `rest` begins with base64 of `user:password`.
fn is_basic(rest: &[u8]) -> bool {
    let mut bits = 0u32;
    let mut held = 0;
    let mut len = 0;
    let mut colon = false;
    for byte in rest.iter().looked().take(MAX_BASIC_USER) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        len += 1;
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            let decoded = (bits >> held) as u8;
            colon |= decoded == b':';
            // What prose decodes to is not text.
            if decoded < b' ' || decoded == 0x7f {
                return false;
            }
        }
    }
    len >= 4 && colon
}

/// What stands between the armour of a private key, or all that follows when its end was cut off.
pub(super) fn private_key(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = bytes[at..].strip_prefix(b"-----BEGIN ")?;
    let name = rest.iter().looked().take(40).take_while(|b| b.is_ascii_uppercase() || **b == b' ').count();
    if !rest[..name].ends_with(b"PRIVATE KEY") || !rest[name..].starts_with(b"-----") {
        return None;
    }
    let start = bytes.len() - rest.len() + name + 5;
    let len =
        bytes[start..].windows(8).looked().position(|window| window == b"-----END").unwrap_or(bytes.len() - start);
    (len > 0).then(|| start..start + len)
}

fn word_starts(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric() || ends_escape(bytes, at)
}

#[cfg(test)]
mod tests {
    use crate::redact::Policy;

    #[test]
    fn credentials_go_and_prose_stays() {
        for (given, shown) in [
            ("sent Bearer abcdef123456 along", "sent Bearer [redacted] along"),
            ("BEARER AbCdEfGh", "BEARER [redacted]"),
            ("basic ZXZlOmh1bnRlcjI= used", "basic [redacted] used"),
            ("head=Basic%20ZXZlOmh1bnRlcjI%3D", "head=Basic%20[redacted]"),
            ("got eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJl!", "got [redacted]!"),
            (
                "key -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
                "key -----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----[redacted]"),
            ("-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"),
            ("the bearer of news", "the bearer of news"),
            ("bearer authentication is on", "bearer authentication is on"),
            ("a basic understanding of databases", "a basic understanding of databases"),
            ("keyJournal.open", "keyJournal.open"),
        ] {
            assert_eq!(Policy::new().text(given), shown);
        }
    }
}
