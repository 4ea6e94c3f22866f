//! Tables from the broker: queues, and messages that lie in them.

use chaos::invariants::Row;
use serde_json::{Value, json};

use super::Reason;
use crate::supervisor::BrokerApi;

/// Messages that are read from one queue.
const MOST_MESSAGES: usize = 10_000;

/// One row for each queue.
pub(super) async fn states(
    broker: &BrokerApi,
    pending: bool,
    only: &[String],
    except: &[String],
) -> Result<Vec<Row>, Reason> {
    let queues = broker.queues().await?.into_iter();
    let queues = queues
        .filter(|queue| !pending || queue.ready + queue.unacked > 0)
        .filter(|queue| only.is_empty() || any(only, &queue.name))
        .filter(|queue| !any(except, &queue.name));
    let rows = queues.map(|queue| {
        row(json!({
            "queue": queue.name,
            "ready": queue.ready,
            "unacked": queue.unacked,
            "consumers": queue.consumers,
        }))
    });
    Ok(rows.collect())
}

/// One row for each message in the queues that match.
pub(super) async fn messages(broker: &BrokerApi, globs: &[String]) -> Result<Vec<Row>, Reason> {
    let mut rows = Vec::new();
    for queue in broker.queues().await?.into_iter().filter(|queue| any(globs, &queue.name) && queue.ready > 0) {
        for message in broker.peek(&queue.name, MOST_MESSAGES).await? {
            rows.push(row(json!({
                "queue": message.queue,
                "message_id": message.message_id,
                "routing_key": message.routing_key,
                "type": message.kind,
                "reason": message.reason,
                "body": message.body,
                "headers": message.headers,
            })));
        }
    }
    Ok(rows)
}

fn row(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

fn any(globs: &[String], name: &str) -> bool {
    globs.iter().any(|glob| matches(glob.as_bytes(), name.as_bytes()))
}

/// `*` stands for any characters, `?` for one. Linear in practice: only the last `*` is ever tried again.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                retry = Some((g, t));
                g += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    g = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_match_whole_names() {
        for (glob, name) in [("*.dead", "users.dead"), ("a?c", "abc"), ("*", ""), ("a*b*c", "axxbyyc"), ("", "")] {
            assert!(matches(glob.as_bytes(), name.as_bytes()), "{glob} {name}");
        }
        for (glob, name) in [("*.dead", "users.deadly"), ("a?c", "ac"), ("", "a"), ("a*b", "ba")] {
            assert!(!matches(glob.as_bytes(), name.as_bytes()), "{glob} {name}");
        }
    }

    proptest! {
        #[test]
        fn globs_agree_with_their_regular_expression(glob in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let expression = format!("^{}$", glob.replace('*', ".*").replace('?', "."));
            let regex = regex::Regex::new(&expression).expect("a regular expression");
            prop_assert_eq!(matches(glob.as_bytes(), name.as_bytes()), regex.is_match(&name));
        }
    }
}
