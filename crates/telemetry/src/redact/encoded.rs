//! What a URL has encoded: `?next=%2Fcb%3Ftoken%3Dabc`.

use std::ops::Range;

use super::looked::Looked;
use super::{Policy, pair};

/// Whether an escape (`%20`) ends at `end`: its digits are no part of the word that follows.
pub(super) fn ends_escape(bytes: &[u8], end: usize) -> bool {
    end >= 3 && bytes[end - 3] == b'%' && bytes[end - 2..end].iter().looked().all(u8::is_ascii_hexdigit)
}

/// The value after the `%3D` or `%3A` at `at` when the key before it names a secret.
pub(super) fn value(policy: &Policy, text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    if !matches!(bytes.get(at..at + 3)?, b"%3D" | b"%3d" | b"%3A" | b"%3a") {
        return None;
    }
    let floor = kept.max(at.saturating_sub(pair::MAX_KEY));
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"_-.%+".contains(b);
    let key = &text[at - bytes[floor..at].iter().looked().rev().take_while(|b| part(b)).count()..at];
    let (before, name) = key.split_at(key.len() - last(key).len());
    let in_query = ["%3F", "%3f", "%26"].iter().any(|mark| before.ends_with(mark));
    if !(policy.is_secret_key(unquoted(name)) || in_query && policy.is_secret_parameter_of_query(name)) {
        return None;
    }
    let mut start = at + 3;
    while let Some(blank) = blank(&bytes[start..]) {
        start += blank;
    }
    let quote = bytes.get(start..start + 3).filter(|escape| [b"%22", b"%27"].iter().any(|quote| escape == quote));
    start += quote.map_or(0, <[u8]>::len);
    let len = (start..bytes.len()).looked().take_while(|at| !ends(bytes, *at, quote)).count();
    (len > 0).then(|| start..start + len)
}

/// The key's last part: the parameter's own name.
fn last(key: &str) -> &str {
    let whole = unquoted(key);
    let marks = ["%3F", "%3f", "%26", "%22", "%27", "%2C", "%2c", "%7B", "%7b", "%20", "+"];
    let start = marks.iter().filter_map(|mark| Some(whole.rfind(mark)? + mark.len())).max();
    &key[start.unwrap_or(0)..]
}

/// Without the quote that closes it.
fn unquoted(key: &str) -> &str {
    key.strip_suffix("%22").or_else(|| key.strip_suffix("%27")).unwrap_or(key)
}

fn blank(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'+', ..] => Some(1),
        [b'%', b'2', b'0', ..] => Some(3),
        _ => None,
    }
}

/// Whether the value ends before `at`: with its quote, else with its parameter.
fn ends(bytes: &[u8], at: usize, quote: Option<&[u8]>) -> bool {
    match bytes[at] {
        b'&' | b'"' | b'\'' | b'<' | b'>' | b'#' => true,
        b'%' => match (bytes.get(at..at + 3), quote) {
            (Some(escape), Some(quote)) => escape == quote,
            (Some(escape), None) => matches!(escape, b"%26" | b"%20" | b"%22" | b"%27" | b"%0A" | b"%0D" | b"%23"),
            (None, _) => false,
        },
        byte => byte.is_ascii_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::Policy;

    #[test]
    fn encoded_pairs_are_pairs() {
        for (given, shown) in [
            ("/login?redirect=%2Fcb%3Ftoken%3Dabc", "/login?redirect=%2Fcb%3Ftoken%3D[redacted]"),
            ("next=%2Fcb%3Fpassword%3dabc%26page%3D2&a=b", "next=%2Fcb%3Fpassword%3d[redacted]%26page%3D2&a=b"),
            ("q=%7B%22token%22%3A%22a%20b%22%7D", "q=%7B%22token%22%3A%22[redacted]%22%7D"),
            ("q=token%3A%20abc%20and", "q=token%3A%20[redacted]%20and"),
            ("next=%3Fcode%3Dabc%26sig%3Dxyz", "next=%3Fcode%3D[redacted]%26sig%3D[redacted]"),
            ("q=code%3Dabc%26page%3D2", "q=code%3Dabc%26page%3D2"),
            ("a%3Db%3A%20c%3D", "a%3Db%3A%20c%3D"),
            ("token%3D", "token%3D"),
        ] {
            assert_eq!(Policy::new().text(given), shown, "{given}");
        }
    }

    #[test]
    fn word_begins_after_an_escape() {
        for (given, shown) in [
            ("q=a%20eyJhbGciOiJI.eyJzdWIi.c2ln", "q=a%20[redacted]"),
            ("q=%2FBearer%20abcdef123456", "q=%2FBearer%20[redacted]"),
            ("q=a%3D4111111111111111", "q=a%3D[redacted]"),
            ("q=a%204111111111111111&b", "q=a%20[redacted]&b"),
            ("q=a%2FDE89370400440532013000", "q=a%2F[redacted]"),
            ("q=100a4111111111111111", "q=100a4111111111111111"),
        ] {
            assert_eq!(Policy::new().text(given), shown, "{given}");
        }
    }
}
