//! Secrets go wherever they stand, and what only resembles them stays.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;

use super::looked::counted;
use super::{Policy, look, query, span};

/// A text that must never leave, whatever stands around it; of `Bearer` and its token, only the token.
pub(crate) fn secret() -> impl Strategy<Value = String> {
    let email = "[a-z][a-z0-9.+_-]{0,10}@[a-z]{1,8}\\.(com|org|example)";
    let bearer = "Bearer [A-Za-z]{8}[0-9][A-Za-z0-9._~-]{4,30}";
    let jwt = "eyJ[A-Za-z0-9_-]{6,20}\\.eyJ[A-Za-z0-9_-]{6,20}\\.[A-Za-z0-9_-]{10,20}";
    let cards = ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011111111111117"];
    let ibans = ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"];
    prop_oneof![
        email.prop_map(|email: String| email),
        bearer.prop_map(|bearer: String| bearer),
        jwt.prop_map(|jwt: String| jwt),
        prop::sample::select(cards.to_vec()).prop_map(str::to_owned),
        prop::sample::select(ibans.to_vec()).prop_map(str::to_owned),
    ]
}

/// What is left of a span that tells `secret` wherever it can.
fn span_with(secret: &str) -> String {
    let text = || secret.to_owned();
    let mut events = SpanEvents::default();
    events.events.push(Event::new(text(), SystemTime::UNIX_EPOCH, vec![KeyValue::new("a", text())], 0));
    let mut links = SpanLinks::default();
    links.links.push(Link::new(SpanContext::NONE, vec![KeyValue::new("b", format!("<{secret}>"))], 0));
    let array = Value::Array(Array::String(vec!["x".into(), text().into()]));
    let mut data = SpanData {
        span_context: SpanContext::new(1.into(), 1.into(), TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Owned(format!("call {secret}")),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: vec![
            KeyValue::new("c", text()),
            KeyValue::new("d", array),
            KeyValue::new("e", format!("one\n{secret}\nthree")),
            KeyValue::new("number", 4_111_111_111_111_111),
        ],
        dropped_attributes_count: 0,
        events,
        links,
        status: Status::error(format!("failed: {secret}")),
        instrumentation_scope: InstrumentationScope::default(),
    };
    span(&mut data);
    format!("{data:?}")
}

#[test]
fn what_follows_the_beginning_is_never_shown() {
    let policy = Policy::new();
    let text =
        format!("{} to eve@example.org and 411111111111", "mail bob.the.builder.of.things@example.org ".repeat(4));
    for length in 0..text.len() {
        let shown = policy.beginning(&text, length).into_owned();
        assert!(!shown.contains("eve") && !shown.contains("bob"), "{shown}");
        assert!(shown.contains("4111") == (length > text.len() - 9), "{length}: {shown}");
    }
}

#[test]
fn work_grows_with_the_length_whatever_the_text() {
    for part in [
        "%40",
        "@",
        "a@",
        "@a",
        "password=a,",
        "password: a ",
        "authorization: a,",
        "cookie=a;",
        "basic+",
        "basic%20",
        "bearer+",
        "eyJ-",
        "://",
        "a://b:",
        "token=(",
        "token=)",
        "token=\"",
        "-----BEGIN ",
        "1-",
        "AB12 ",
        "token%3D",
        "%3A",
        "<token>",
        "<token>a</x>",
        "\"a\",",
        "token=\\",
        "token=(\"",
        "=",
        ":",
        "b ",
        "é@",
        "code=1&",
        "token%3Da%26",
    ] {
        let work = |length: usize| {
            let text = part.repeat(length / part.len());
            counted(|| Policy::new().closer(&text).len()) as f64
        };
        // The first is longer than all that is looked for at most.
        let growth = work(16_384) / work(4096).max(4096.0);
        assert!(growth < 4.5, "four times `{part}` has {growth:.1} times as many bytes looked at");
    }
}

proptest! {
    #[test]
    fn no_secret_survives_in_a_span(secret in secret()) {
        let left = span_with(&secret);
        let hidden = secret.strip_prefix("Bearer ").unwrap_or(&secret);
        prop_assert!(!left.contains(hidden) && !left.contains("4111111111111111"), "{} in {}", hidden, left);
    }

    #[test]
    fn no_secret_survives_in_a_text(
        before in "([\\PC&&[^0-9@]]{0,20}[ \n\"'=,;(<])?",
        secret in secret(),
        after in "([ \n\"',;)>][\\PC&&[^0-9@]]{0,20})?",
    ) {
        let given = format!("{before}{secret}{after}");
        let shown = Policy::new().text(&given).into_owned();
        let hidden = secret.strip_prefix("Bearer ").unwrap_or(&secret);
        prop_assert!(!shown.contains(hidden), "{} in {}", hidden, shown);
    }

    #[test]
    fn no_secret_survives_behind_an_escape(
        before in "[a-z]{0,8}(%20|%3D|%3d|%26|%2F|%3A|%22)",
        secret in secret(),
        after in "((%20|%26|%22|&)[a-z]{0,8})?",
    ) {
        let given = format!("q={before}{secret}{after}");
        let hidden = secret.strip_prefix("Bearer ").unwrap_or(&secret);
        for given in [given.clone(), given.replace("Bearer ", "Bearer%20")] {
            let shown = Policy::new().text(&given).into_owned();
            prop_assert!(!shown.contains(hidden), "{} in {}", hidden, shown);
        }
    }

    #[test]
    fn no_value_of_a_secret_key_survives(
        key in prop::sample::select(&["password", "accessToken", "api_key", "client_secret", "user.passwd", "X-Api-Key"][..]),
        value in "[A-Za-z0-9!*~^$./+-]{4,24}x7",
    ) {
        let other = "beside_it";
        let inner = serde_json::json!({ key: value, "other": other }).to_string();
        let twice = serde_json::json!({ "body": inner }).to_string();
        for given in [
            format!("{key}={value}"),
            format!("{key}={value}&{other}=1"),
            format!("{key}: {value}"),
            format!("{other}=%2Fcb%3F{key}%3D{value}%26page%3D2"),
            format!("{other}=a%26{key}%3d{value}"),
            format!("{other}=%7B%22{key}%22%3A%22{value}%22%7D"),
            format!("{other}=a%20{key}%3A%20{value}"),
            format!("<{other}><{key}>{value}</{key}></{other}>"),
            format!("{other}\n{key}: {value}\n{other}"),
            format!("{key} = '{value}', {other}"),
            format!("{other} {{ {key}: \"{value}\", {other}: 1 }}"),
            format!("{other} {{ {key}: Some(\"{value}\") }}"),
            format!("{:?}", [(key, &value)]),
            format!("{:#?}", [(key, &value)]),
            format!("{:?}", std::collections::BTreeMap::from([(key, &value)])),
            serde_json::json!({ "body": twice }).to_string(),
            format!("{twice:?}"),
            inner,
            twice,
        ] {
            let shown = Policy::new().text(&given).into_owned();
            prop_assert!(!shown.contains(&value), "{} of {}", shown, given);
            prop_assert!(shown.contains(other) || !given.contains(other), "{} of {}", shown, given);
        }
        let shown = query(&format!("a={other}&{key}={value}")).into_owned();
        prop_assert!(!shown.contains(&value) && shown.contains(other), "{}", shown);
    }

    #[test]
    fn what_services_write_all_day_stays(
        uuid in "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        trace in "[0-9a-f]{32}",
        span in "[0-9a-f]{16}",
        order in "(ORD|inv)-[0-9]{4,12}",
        micros in 1_600_000_000_000_000_u64..2_000_000_000_000_000,
        // Beyond these a float is shown with as many digits as a card number has.
        fraction in -1e11..1e11,
        words in "([a-z]{1,9} ){0,6}",
        (hour, minute) in (0..24, 0..60),
        port in 1024..65535,
    ) {
        // A few words of three letters are keys of secrets: `sid: ...`.
        prop_assume!(!words.split(' ').any(super::is_secret_key));
        for given in [
            format!("{words}order {order} ({uuid})"),
            format!("trace_id={trace} span_id={span}"),
            format!("00-{trace}-{span}-01"),
            format!("at {micros}, {}ms, {}s", micros / 1000, micros / 1_000_000),
            format!("2026-11-21T{hour:02}:{minute:02}:00.123456Z in {fraction}"),
            format!("2026-11-21 {hour:02}:{minute:02}:00 to 2026-11-22 {hour:02}:{minute:02}:00"),
            format!("GET http://shop:{port}/orders/{uuid}?page=2&sort=price"),
            format!("std::io::Error at src/main.rs:{minute}:{hour}, listening on 127.0.0.1:{port}"),
            format!("{words}: {words}"),
        ] {
            let shown = Policy::new().text(&given).into_owned();
            // Sixteen digits of a span id may happen to be a card number; nobody can tell.
            let ambiguous = span.bytes().all(|b| b.is_ascii_digit());
            prop_assert!(ambiguous || shown == given, "{} became {}", given, shown);
        }
    }

    #[test]
    fn redacting_twice_changes_nothing(given in "[ -~é]{0,120}") {
        let once = Policy::new().text(&given).into_owned();
        prop_assert_eq!(Policy::new().text(&once).into_owned(), once);
    }

    #[test]
    fn no_text_panics(given in "\\PC{0,200}", wild in "[ a-z=:,@%&\"'\\\\{}()\\[\\]0-9/\n-]{0,200}") {
        for text in [&given, &wild] {
            let shown = Policy::new().closer(text);
            prop_assert!(look(text.as_bytes()).suspicious || shown == *text, "the first look missed something in {}", text);
        }
    }
}
