//! W3C baggage with an allow-list: what a stranger sends is not carried on unless its key was allowed.

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};

use crate::core::core;
use crate::correlation::{BAGGAGE_KEY, CorrelationId};
use crate::redact;

/// Longest header read or written, as the specification demands.
const MAX_LEN: usize = 8192;

/// Most entries read or written.
const MAX_ENTRIES: usize = 64;

/// The allowed entries of `context` and the correlation id, or nothing when there is neither.
pub(super) fn encode(context: &Context, correlation: Option<&CorrelationId>) -> Option<String> {
    encode_if(context, correlation, |key| core().allows_baggage(key))
}

fn encode_if(context: &Context, correlation: Option<&CorrelationId>, allows: impl Fn(&str) -> bool) -> Option<String> {
    let baggage = context.baggage();
    if baggage.is_empty() && correlation.is_none() {
        return None;
    }
    let mut out = String::new();
    if let Some(id) = correlation {
        out.push_str(BAGGAGE_KEY);
        out.push('=');
        out.push_str(id.as_str());
    }
    for (key, (value, _)) in baggage.iter().take(MAX_ENTRIES) {
        let key = key.as_str();
        // What was allowed by mistake stays here all the same.
        if key == BAGGAGE_KEY || !allows(key) || redact::is_secret_key(key) {
            continue;
        }
        let before = out.len();
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(key);
        out.push('=');
        percent_encode(&redact::text(value.as_str()), &mut out);
        if out.len() > MAX_LEN {
            out.truncate(before);
            break;
        }
    }
    Some(out).filter(|out| !out.is_empty())
}

/// The allowed entries of a header; malformed entries are skipped. Properties after `;` are dropped.
pub(super) fn decode(header: &str) -> Baggage {
    decode_if(header, |key| core().allows_baggage(key))
}

fn decode_if(header: &str, allows: impl Fn(&str) -> bool) -> Baggage {
    let mut baggage = Baggage::new();
    for (key, value) in entries(header) {
        if key != BAGGAGE_KEY && allows(key) {
            baggage.insert(key.to_owned(), percent_decode(value));
        }
    }
    baggage
}

/// The correlation id among the entries of a header, when it is a valid one.
pub(super) fn correlation_id(header: &str) -> Option<CorrelationId> {
    let (_, value) = entries(header).find(|(key, _)| *key == BAGGAGE_KEY)?;
    CorrelationId::parse(&percent_decode(value)).ok()
}

fn entries(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let header = if header.len() <= MAX_LEN { header } else { "" };
    header.split(',').take(MAX_ENTRIES).filter_map(|entry| {
        let (key, value) = entry.split(';').next()?.split_once('=')?;
        Some((key.trim(), value.trim()))
    })
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        // baggage-octet without `%`: printable ASCII but space, `"`, `,`, `;` and `\`.
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%') {
            out.push(char::from(byte));
        } else {
            let mut pair = [0; 2];
            super::traceparent::hex(&[byte], &mut pair);
            out.push('%');
            out.extend(pair.map(char::from));
        }
    }
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| tail.get(..2).and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()))
            .flatten();
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_allowed_keys_travel_either_way() {
        let allows = |key: &str| key == "tenant";
        let decoded = decode_if("tenant=a%20b;ttl=1, user = eve ,correlation_id=c-1,=x,,", allows);
        assert_eq!(decoded.len(), 1);
        assert_eq!(decoded.get("tenant").map(opentelemetry::StringValue::as_str), Some("a b"));
        let mut baggage = decoded;
        baggage.insert("user", "eve");
        let context = Context::new().with_baggage(baggage);
        let id = CorrelationId::parse("c-1").unwrap();
        assert_eq!(encode_if(&context, Some(&id), allows).as_deref(), Some("correlation_id=c-1,tenant=a%20b"));
        assert_eq!(encode_if(&context, None, |_| false), None);
    }

    #[test]
    fn secrets_do_not_travel_even_when_allowed() {
        let mut baggage = Baggage::new();
        baggage.insert("tenant", "eve@example.org");
        baggage.insert("access_token", "abc");
        let context = Context::new().with_baggage(baggage);
        assert_eq!(encode_if(&context, None, |_| true).as_deref(), Some("tenant=[redacted]"));
    }

    proptest! {
        #[test]
        fn no_secret_travels(secret in redact::tests::secret()) {
            let mut baggage = Baggage::new();
            baggage.insert("tenant", secret.clone());
            let header = encode_if(&Context::new().with_baggage(baggage), None, |_| true).unwrap_or_default();
            let hidden = secret.strip_prefix("Bearer ").unwrap_or(&secret);
            prop_assert!(!header.contains(hidden) && !percent_decode(&header).contains(hidden), "{}", header);
        }

        #[test]
        fn any_value_survives_encoding(value in "\\PC{0,60}") {
            let mut encoded = String::new();
            percent_encode(&value, &mut encoded);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b)));
            prop_assert_eq!(percent_decode(&encoded), value);
        }

        #[test]
        fn no_header_panics(header in "\\PC{0,200}") {
            let _ = (decode(&header), correlation_id(&header));
        }
    }
}
