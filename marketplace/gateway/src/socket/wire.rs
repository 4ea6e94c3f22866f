//! What the gateway and the chat service, and the gateway and browsers, say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use telemetry::context::MessageContext;

/// The namespace of the chat service for gateways.
pub(super) const LINK: &str = "/gateway";
/// The namespace for browsers.
pub(super) const BROWSERS: &str = "/";

/// Something that has happened to a message, as the chat service tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Push {
    /// Its id: told again after a break, it is still one.
    pub(super) id: String,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// Whose sockets it is for.
    pub(super) usernames: Vec<String>,
    pub(super) message: Value,
    #[serde(default)]
    pub(super) context: MessageContext,
}

/// Who came and who went: here, or as the chat service tells it, anywhere.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Presence {
    /// Whether `online` is everybody who is online.
    #[serde(default, skip_serializing)]
    pub(super) snapshot: bool,
    pub(super) online: Vec<String>,
    pub(super) offline: Vec<String>,
    #[serde(default)]
    pub(super) context: MessageContext,
}

/// The first event of a link.
#[derive(Debug, Serialize)]
pub(super) struct Sync<'a> {
    pub(super) instance: &'a str,
    /// Milliseconds since 1970: since when something may have been missed.
    pub(super) since: i64,
    pub(super) usernames: Vec<String>,
    pub(super) context: MessageContext,
}

/// Its answer.
#[derive(Debug, Deserialize)]
pub(super) struct Synced {
    /// Whether everything since then follows.
    pub(super) complete: bool,
}

/// Goes to browsers beside a message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    /// The id under which what happened can be found in logs and traces.
    pub(super) correlation_id: Option<String>,
}

/// Goes to browsers when the chat service is there again.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Restored {
    /// Whether everything that was missed follows; otherwise it must be asked for over HTTP.
    pub(super) complete: bool,
}
