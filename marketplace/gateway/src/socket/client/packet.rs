//! Packets of Engine.IO 4 and, within its messages, Socket.IO 5, as text.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A packet that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packet `{start}` cannot be read: expected {expected}")]
pub struct Malformed {
    /// How it begins.
    start: String,
    /// What would have been right.
    expected: &'static str,
}

/// One packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// The connection is open.
    Open(Open),
    /// The connection ends.
    Close,
    /// Are you there?
    Ping,
    /// Yes.
    Pong,
    /// Nothing.
    Noop,
    /// Somebody connects to a namespace, or has.
    Connect {
        /// The namespace.
        namespace: String,
        /// From a client who it is, from a server the session's id; null when there is none.
        data: Value,
    },
    /// Somebody leaves a namespace, or must.
    Disconnect {
        /// The namespace.
        namespace: String,
    },
    /// Something happened.
    Event {
        /// The namespace.
        namespace: String,
        /// The number of its answer, when there is to be one.
        id: Option<u64>,
        /// What happened.
        name: String,
        /// What belongs to it.
        arguments: Vec<Value>,
    },
    /// The answer to an event.
    Ack {
        /// The namespace.
        namespace: String,
        /// The number in the event.
        id: u64,
        /// What belongs to it.
        arguments: Vec<Value>,
    },
    /// A namespace lets nobody in.
    Refused {
        /// The namespace.
        namespace: String,
        /// Why, under `message`.
        data: Value,
    },
}

/// What the server says when the connection opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// The session.
    pub sid: String,
    /// Milliseconds between two heartbeats.
    pub ping_interval: u64,
    /// Milliseconds within which a heartbeat must be answered.
    pub ping_timeout: u64,
}

impl Packet {
    /// Reads a packet.
    ///
    /// # Errors
    /// When it is none, or one with binary attachments.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = |expected| Malformed { start: text.chars().take(32).collect(), expected };
        let mut characters = text.chars();
        let kind = characters.next();
        let rest = characters.as_str();
        match kind {
            Some('0') => match serde_json::from_str(rest) {
                Ok(open) => Ok(Self::Open(open)),
                Err(_) => Err(malformed("the session as a JSON object after `0`")),
            },
            Some('1') => Ok(Self::Close),
            Some('2') => Ok(Self::Ping),
            Some('3') => Ok(Self::Pong),
            Some('4') => Self::message(rest).map_err(malformed),
            Some('6') => Ok(Self::Noop),
            _ => Err(malformed("an Engine.IO packet, `0` to `4` or `6`")),
        }
    }

    fn message(text: &str) -> Result<Self, &'static str> {
        let mut characters = text.chars();
        let kind = characters.next();
        let (namespace, rest) = namespace(characters.as_str());
        let namespace = namespace.to_owned();
        let data = |text: &str, or: Value| {
            if text.is_empty() { Ok(or) } else { serde_json::from_str(text).map_err(|_| "JSON after the namespace") }
        };
        match kind {
            Some('0') => Ok(Self::Connect { namespace, data: data(rest, Value::Null)? }),
            Some('1') => Ok(Self::Disconnect { namespace }),
            Some('2') => {
                let (id, rest) = number(rest)?;
                let mut arguments = list(rest)?;
                let name = match arguments.first_mut() {
                    Some(Value::String(name)) => std::mem::take(name),
                    _ => return Err("the name of the event as the first element"),
                };
                arguments.remove(0);
                Ok(Self::Event { namespace, id, name, arguments })
            }
            Some('3') => {
                let (id, rest) = number(rest)?;
                Ok(Self::Ack { namespace, id: id.ok_or("the number of an answer")?, arguments: list(rest)? })
            }
            Some('4') => Ok(Self::Refused { namespace, data: data(rest, Value::Null)? }),
            _ => Err("a Socket.IO packet without attachments, `40` to `44`"),
        }
    }

    /// What it is, for error messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Noop => "noop",
            Self::Connect { .. } => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::Event { .. } => "event",
            Self::Ack { .. } => "ack",
            Self::Refused { .. } => "connect_error",
        }
    }
}

/// The namespace at the beginning of `text`, `/` when there is none, and what follows.
fn namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// The number at the beginning of `text`, and what follows.
fn number(text: &str) -> Result<(Option<u64>, &str), &'static str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    digits.parse().map(|number| (Some(number), rest)).map_err(|_| "a number of at most 64 bits")
}

fn list(text: &str) -> Result<Vec<Value>, &'static str> {
    serde_json::from_str(text).map_err(|_| "a JSON array")
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |namespace: &str| if namespace == "/" { String::new() } else { format!("{namespace},") };
        match self {
            Self::Open(open) => write!(f, "0{}", serde_json::to_string(open).map_err(|_| fmt::Error)?),
            Self::Close => f.write_str("1"),
            Self::Ping => f.write_str("2"),
            Self::Pong => f.write_str("3"),
            Self::Noop => f.write_str("6"),
            Self::Connect { namespace, data } if data.is_null() => write!(f, "40{}", place(namespace)),
            Self::Connect { namespace, data } => write!(f, "40{}{data}", place(namespace)),
            Self::Disconnect { namespace } => write!(f, "41{}", place(namespace)),
            Self::Event { namespace, id, name, arguments } => {
                write!(f, "42{}", place(namespace))?;
                if let Some(id) = id {
                    write!(f, "{id}")?;
                }
                let all: Vec<_> =
                    std::iter::once(Value::from(name.as_str())).chain(arguments.iter().cloned()).collect();
                write!(f, "{}", Value::Array(all))
            }
            Self::Ack { namespace, id, arguments } => {
                write!(f, "43{}{id}{}", place(namespace), Value::from(arguments.clone()))
            }
            Self::Refused { namespace, data } => write!(f, "44{}{data}", place(namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn packets_of_the_specification_are_read() {
        let event = |namespace: &str, id, name: &str, arguments| Packet::Event {
            namespace: namespace.into(),
            id,
            name: name.into(),
            arguments,
        };
        let open = r#"0{"sid":"lv_VI97HAXpY6yYWAAAB","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let sid = "lv_VI97HAXpY6yYWAAAB".to_owned();
        for (text, packet) in [
            (open, Packet::Open(Open { sid, ping_interval: 25_000, ping_timeout: 20_000 })),
            ("40", Packet::Connect { namespace: "/".into(), data: Value::Null }),
            (r#"40/admin,{"sid":"x"}"#, Packet::Connect { namespace: "/admin".into(), data: json!({ "sid": "x" }) }),
            ("41/admin,", Packet::Disconnect { namespace: "/admin".into() }),
            (r#"42["foo"]"#, event("/", None, "foo", vec![])),
            (r#"42/admin,12["bar",1]"#, event("/admin", Some(12), "bar", vec![json!(1)])),
            ("43/admin,13[]", Packet::Ack { namespace: "/admin".into(), id: 13, arguments: vec![] }),
            (
                r#"44{"message":"Not authorized"}"#,
                Packet::Refused { namespace: "/".into(), data: json!({ "message": "Not authorized" }) },
            ),
        ] {
            assert_eq!(Packet::parse(text), Ok(packet));
        }
    }

    #[test]
    fn what_is_no_packet_is_told_with_what_would_be() {
        for text in
            ["", "5", "x", "0", "4", "49", "42", "42[]", "42[1]", "43[]", "42{}", "4599999999999999999999[]", "451-[]"]
        {
            let error = Packet::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("packet `") && error.contains("expected"), "{error}");
        }
    }

    fn place() -> impl Strategy<Value = String> {
        prop_oneof![Just("/".to_owned()), "/[a-z0-9]{1,8}"]
    }

    fn arguments() -> impl Strategy<Value = Vec<Value>> {
        proptest::collection::vec("\\PC{0,20}".prop_map(Value::from), 0..4)
    }

    proptest! {
        #[test]
        fn written_packets_read_back(
            namespace in place(),
            id in proptest::option::of(any::<u64>()),
            name in "\\PC{0,20}",
            arguments in arguments(),
        ) {
            let event = Packet::Event { namespace: namespace.clone(), id, name, arguments: arguments.clone() };
            prop_assert_eq!(Packet::parse(&event.to_string()), Ok(event));
            let ack = Packet::Ack { namespace: namespace.clone(), id: id.unwrap_or(0), arguments };
            prop_assert_eq!(Packet::parse(&ack.to_string()), Ok(ack));
            let connect = Packet::Connect { namespace, data: json!({ "token": "t" }) };
            prop_assert_eq!(Packet::parse(&connect.to_string()), Ok(connect));
        }

        #[test]
        fn no_text_panics(text in "[0-6]{0,3}\\PC{0,40}") {
            let _ = Packet::parse(&text);
        }
    }
}
