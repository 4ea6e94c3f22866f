//! What gateways and this service say to each other.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use telemetry::context::MessageContext;

/// The namespace of gateways.
pub(super) const NAMESPACE: &str = "/gateway";
/// Most people that one gateway may hold.
pub(super) const MAX_USERNAMES: usize = 50_000;
/// Longest id of a gateway, and longest username, in bytes.
const MAX_NAME: usize = 128;

/// `sync`, the first event of a link: who has sockets on this gateway, and since when it may have missed something.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sync {
    /// The gateway, for the life of its process.
    pub(super) instance: String,
    /// Milliseconds since 1970: when the last push that it has seen was stored, or when it started.
    pub(super) since: i64,
    pub(super) usernames: Vec<String>,
    #[serde(default)]
    pub(super) context: MessageContext,
}

/// The answer to `sync`.
#[derive(Debug, Serialize)]
pub(super) struct Synced {
    /// Whether everything since then follows; otherwise some has been removed.
    pub(super) complete: bool,
}

/// `presence`: who came and who went, on this gateway or, the other way, anywhere.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Presence {
    /// Whether `online` is everybody who is online; only ever from this service.
    #[serde(default)]
    pub(super) snapshot: bool,
    pub(super) online: Vec<String>,
    pub(super) offline: Vec<String>,
    #[serde(default)]
    pub(super) context: MessageContext,
}

/// `message received` and `message updated`.
#[derive(Debug, Serialize)]
pub(super) struct Push<'a> {
    /// Its id: told again after a break, it is still one.
    pub(super) id: &'a str,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// Whose sockets it is for.
    pub(super) usernames: &'a RawValue,
    pub(super) message: &'a RawValue,
    pub(super) context: MessageContext,
}

impl Sync {
    /// Whether everything in it is of a sensible size.
    pub(super) fn is_sound(&self) -> bool {
        named(&self.instance) && self.usernames.len() <= MAX_USERNAMES && self.usernames.iter().all(|name| named(name))
    }
}

impl Presence {
    /// Whether everything in it is of a sensible size.
    pub(super) fn is_sound(&self) -> bool {
        let names = || self.online.iter().chain(&self.offline);
        names().count() <= MAX_USERNAMES && names().all(|name| named(name))
    }
}

fn named(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
}
