//! What inside a text looks like personal data or a secret.

use std::borrow::Cow;
use std::ops::Range;

use super::looked::Looked;
use super::{MASK, Policy, encoded, look, number, pair, tag, token, url};

/// Longest local part that is looked for, in bytes: no address is longer.
const MAX_LOCAL: usize = 320;

/// Bytes at which a closer look may find something.
const TRIGGERS: [bool; 256] = {
    let mut triggers = [false; 256];
    let bytes = b"@=:,%-<JjBb0123456789";
    let mut at = 0;
    while at < bytes.len() {
        triggers[bytes[at] as usize] = true;
        at += 1;
    }
    triggers
};

impl Policy {
    /// Replaces whatever looks like an e-mail address, credentials (`Bearer`, `Basic`, a JWT, a private key, those in a URL),
    /// a card number (Luhn), an IBAN, or the value of a secret key in `key=value`, `key: value`, JSON, XML or
    /// `Debug` output, also where a URL has encoded them.
    ///
    /// Borrows the input when there is nothing to hide, which is the usual case. Takes time in proportion to the length of
    /// the text.
    ///
    /// ```
    /// use telemetry::redact::Policy;
    ///
    /// let policy = Policy::new();
    /// assert_eq!(policy.text(r#"User { name: "eve", password: "hunter2" }"#), r#"User { name: "eve", password: "[redacted]" }"#);
    /// assert_eq!(policy.text("amqp://guest:guest@rabbit:5672/"), "amqp://[redacted]@rabbit:5672/");
    /// ```
    #[must_use]
    #[inline]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if look::look(text.as_bytes()).suspicious { self.closer(text) } else { Cow::Borrowed(text) }
    }

    /// [`Policy::text`] after the first look.
    pub(crate) fn closer<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.beginning(text, text.len())
    }

    /// The first `length` bytes of `text` as they may be shown. What follows helps to recognise a secret that begins in them;
    /// it is not shown even where redaction made room for it, because its own end may be cut off.
    pub(crate) fn beginning<'a>(&self, text: &'a str, length: usize) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let end = text.floor_char_boundary(length);
        let mut out = String::new();
        let mut kept = 0;
        let mut at = 0;
        while at < bytes.len() {
            if !TRIGGERS[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            match self.secret_at(text, at, kept) {
                Some(found) if found.start >= end => break,
                Some(found) => {
                    out.push_str(&text[kept..found.start]);
                    // What follows a secret at once is part of it.
                    if found.start > kept || !out.ends_with(MASK) {
                        out.push_str(MASK);
                    }
                    kept = found.end;
                    at = found.end.max(at + 1);
                }
                None => at += 1,
            }
        }
        if kept == 0 && out.is_empty() {
            return Cow::Borrowed(&text[..end]);
        }
        out.push_str(text.get(kept..end).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The secret that is recognised at `at`; it starts no earlier than `kept`. Ranges end on character boundaries, because
    /// they end at ASCII or at the end of the text.
    fn secret_at(&self, text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        match bytes[at] {
            b'@' => email(bytes, at, 1, kept),
            b'%' if bytes[at..].starts_with(b"%40") => email(bytes, at, 3, kept),
            b':' if bytes[at..].starts_with(b"://") => url::credentials(bytes, at),
            b'=' | b':' | b',' => pair::value(self, text, at, kept),
            b'%' => encoded::value(self, text, at, kept),
            b'<' => tag::content(self, text, at),
            b'J' | b'j' => token::jwt(bytes, at, kept),
            b'b' | b'B' => token::scheme(bytes, at),
            b'-' => token::private_key(bytes, at),
            b'0'..=b'9' => number::card(bytes, at).or_else(|| number::iban(bytes, at, kept)),
            _ => None,
        }
    }
}

/// [`Policy::text`] of the policy in force.
///
/// ```
/// use telemetry::redact::text;
///
/// assert_eq!(text("mail for eve@example.org"), "mail for [redacted]");
/// assert_eq!(text("order 42"), "order 42");
/// ```
#[must_use]
#[inline]
pub fn text(text: &str) -> Cow<'_, str> {
    super::policy().text(text)
}

/// `local@domain`, around the sign, which takes `sign` bytes; letters beyond ASCII count on both sides. A domain without a dot
/// counts too. Characters that separate parts of a URL end the local part, although an address might hold them.
fn email(bytes: &[u8], at: usize, sign: usize, kept: usize) -> Option<Range<usize>> {
    let local = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%'*+-^_`|~.".contains(b) || *b >= 0x80;
    let domain = |b: &u8| b.is_ascii_alphanumeric() || b"-.".contains(b) || *b >= 0x80;
    let mut after = bytes[at + sign..].iter().looked().take_while(|b| domain(b)).count();
    while after > 0 && bytes[at + sign + after - 1] == b'.' {
        after -= 1;
    }
    if after == 0 {
        return None;
    }
    let floor = kept.max(at.saturating_sub(MAX_LOCAL));
    let before = bytes[floor..at].iter().looked().rev().take_while(|b| local(b)).count();
    let start = at - before;
    // Where the look back ended inside of a character, the range begins with the next one.
    let start = start + bytes[start..at].iter().looked().take_while(|b| **b & 0xc0 == 0x80).count();
    (start < at).then_some(start..at + sign + after)
}
