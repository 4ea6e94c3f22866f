//! The connection to the chat service: one for each gateway, made again whenever it breaks.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::token::{InternalTokens, TokenError};
use platform::{Backoff, Caller, new_id};
use serde::Serialize;
use serde_json::Value;
use telemetry::http::Client as Http;
use telemetry::socketio::Namespace;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::{Client, ClientError, Handshake, Incoming};
use super::hub::Hub;
use super::registry::Changes;
use super::seen::Seen;
use super::wire::{LINK, Presence, Push, Sync, Synced};

/// Bounds of the pauses before connecting again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long the chat service may take to answer `sync`.
const SYNC: Duration = Duration::from_secs(10);
/// How long it may take to let us go.
const LEAVE: Duration = Duration::from_millis(500);

/// Why a link ends.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("token: {0}")]
    Token(#[from] TokenError),
    #[error("event `{event}` cannot be read: {source}")]
    Unreadable { event: String, source: serde_json::Error },
    #[error("no answer to `sync` within 10 s")]
    Silent,
}

/// The link of this gateway.
pub(super) struct Link {
    hub: Arc<Hub>,
    http: Http,
    tokens: InternalTokens,
    url: String,
    namespace: Namespace,
    /// Names this process to the chat service, over all its connections.
    instance: String,
    /// Since when something may have been missed, in milliseconds since 1970 as the chat service counts them.
    since: i64,
    seen: Seen,
}

impl Link {
    /// A link to the chat service at `url`.
    pub(super) fn new(hub: Arc<Hub>, http: Http, tokens: InternalTokens, url: &str) -> Self {
        let events = ["message received", "message updated", "presence", "sync", "leave"];
        Self {
            hub,
            http,
            tokens,
            url: url.to_owned(),
            namespace: Namespace::new(LINK).events(events),
            instance: new_id(),
            since: now_ms(),
            seen: Seen::default(),
        }
    }

    /// Runs until `stopping`, and then tells the chat service that this gateway goes.
    pub(super) async fn run(mut self, stopping: CancellationToken) {
        let mut backoff = Backoff::new(PAUSE.0, PAUSE.1);
        while !stopping.is_cancelled() {
            let session = self.session(&stopping, &mut backoff).await;
            self.hub.degraded();
            let Err(error) = session else { return };
            let wait = backoff.next_wait();
            if backoff.attempt() == 1 {
                tracing::warn!(error = %error, "the chat service cannot be heard, will try again until it is");
            } else {
                tracing::debug!(error = %error, attempt = backoff.attempt(), "the chat service cannot be heard yet");
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// One connection's life; `Ok` when the gateway stops.
    async fn session(&mut self, stopping: &CancellationToken, backoff: &mut Backoff) -> Result<(), LinkError> {
        // A token of its own for each connection: they are short-lived, connections are not.
        let token = self.tokens.sign("chat", &Caller::anonymous())?;
        let handshake = Handshake::new(&self.url).namespace(LINK).bearer(&token);
        let mut client = tokio::select! {
            client = Client::connect(&self.http, &handshake) => client?,
            () = stopping.cancelled() => return Ok(()),
        };
        let _connected = self.namespace.connected();
        let complete = timeout(SYNC, self.sync(&mut client)).await.map_err(|_| LinkError::Silent)??;
        backoff.reset();
        tracing::info!(complete, "linked to the chat service");
        self.hub.restored(complete);
        let registry = Arc::clone(&self.hub.registry);
        loop {
            tokio::select! {
                incoming = client.next() => self.hear(incoming?).await?,
                () = registry.changed.notified() => {
                    let Changes { online, offline } = registry.changes();
                    if !online.is_empty() || !offline.is_empty() {
                        let sent = self.namespace.emitted("presence").run(|context| {
                            let change = Presence { snapshot: false, online, offline, context };
                            client.emit("presence", json(&change))
                        });
                        sent.await?;
                    }
                }
                () = stopping.cancelled() => {
                    _ = timeout(LEAVE, leave(&mut client)).await;
                    return Ok(());
                }
            }
        }
    }

    /// Says who is here and since when something may have been missed; whether all of that follows.
    async fn sync(&mut self, client: &mut Client) -> Result<bool, LinkError> {
        let usernames = self.hub.registry.everybody();
        let sent = self.namespace.emitted("sync").run(|context| {
            let sync = Sync { instance: &self.instance, since: self.since, usernames, context };
            client.ask("sync", json(&sync))
        });
        let asked = sent.await?;
        loop {
            match client.next().await? {
                Incoming::Answer { id, arguments } if id == asked => {
                    let synced: Synced = read("sync", arguments)?;
                    return Ok(synced.complete);
                }
                other => self.hear(other).await?,
            }
        }
    }

    async fn hear(&mut self, incoming: Incoming) -> Result<(), LinkError> {
        let Incoming::Event { name, arguments } = incoming else { return Ok(()) };
        match name.as_str() {
            "message received" | "message updated" => {
                let push: Push = read(&name, arguments)?;
                self.since = self.since.max(push.at);
                if self.seen.note(&push.id) {
                    self.namespace.received(&name, &push.context).run(self.hub.message(&name, &push)).await;
                }
            }
            "presence" => {
                let change: Presence = read(&name, arguments)?;
                let context = change.context.clone();
                self.namespace.received(&name, &context).run(self.hub.presence(change)).await;
            }
            _ => tracing::debug!(event = name, "the chat service tells what this gateway does not know"),
        }
        Ok(())
    }
}

/// Says that this gateway goes, and waits until that is known.
async fn leave(client: &mut Client) -> Result<(), ClientError> {
    let asked = client.ask("leave", Value::Null).await?;
    while !matches!(client.next().await?, Incoming::Answer { id, .. } if id == asked) {}
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(event: &str, arguments: Vec<Value>) -> Result<T, LinkError> {
    let argument = arguments.into_iter().next().unwrap_or(Value::Null);
    serde_json::from_value(argument).map_err(|source| LinkError::Unreadable { event: event.to_owned(), source })
}

/// What we send has texts as keys, so it can always be written.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
