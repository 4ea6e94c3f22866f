//! A client of Socket.IO 5 over one WebSocket: what the gateway needs to listen to a service, and no more.
//!
//! The client crates there are bring OpenSSL along or are not kept any more (see docs/adr/0017); the framing of WebSockets
//! is tungstenite's, the connection is the HTTP client's, so that TLS, time limits and telemetry are those of any other
//! call. One namespace, no binary payloads, no HTTP polling; whoever uses it decides whether and when to connect again.

mod error;
pub mod packet;

use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub use error::ClientError;
use packet::{Open, Packet};

/// How long connecting, and writing one packet, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest packet that is read, in bytes.
const MAX_PACKET: usize = 4 * 1024 * 1024;
/// Longest interval of heartbeats that a server may ask for.
const MAX_HEARTBEAT: Duration = Duration::from_secs(300);

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub struct Handshake {
    url: String,
    namespace: String,
    headers: HeaderMap,
    auth: Value,
}

impl Handshake {
    /// The namespace `/` of the server at `base` (`http://host:port`).
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            url: format!("{}/socket.io/?EIO=4&transport=websocket", base.trim_end_matches('/')),
            namespace: "/".to_owned(),
            headers: HeaderMap::new(),
            auth: Value::Null,
        }
    }

    /// Another namespace, such as `/gateway`.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Adds a header to the request that opens the connection.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds `Authorization: Bearer`; a token with characters that no header may hold is left out, and so refused.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    /// What the namespace is told about who connects.
    #[must_use]
    pub fn auth(mut self, auth: Value) -> Self {
        self.auth = auth;
        self
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// What came with it.
        arguments: Vec<Value>,
    },
    /// The answer to [`Client::ask`].
    Answer {
        /// What `ask` returned.
        id: u64,
        /// What came with it.
        arguments: Vec<Value>,
    },
}

/// A connection to one namespace; it is closed when this is dropped.
#[derive(Debug)]
pub struct Client {
    stream: WebSocketStream<reqwest::Upgraded>,
    namespace: String,
    /// A server that says nothing for this long is gone.
    heartbeat: Duration,
    heard: Instant,
    asked: u64,
}

impl Client {
    /// Connects with `http`, whose limits and telemetry hold for the handshake.
    ///
    /// # Errors
    /// When the server cannot be reached within 5 s, speaks something else, or refuses: the request with a status, or the
    /// namespace with a reason.
    pub async fn connect(http: &telemetry::http::Client, handshake: &Handshake) -> Result<Self, ClientError> {
        timeout(PATIENCE, Self::open(http, handshake)).await.map_err(|_| ClientError::TimedOut)?
    }

    async fn open(http: &telemetry::http::Client, handshake: &Handshake) -> Result<Self, ClientError> {
        let key = generate_key();
        let response = http
            .get(&handshake.url)
            .route("/socket.io/")
            .headers(handshake.headers.clone())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .send()
            .await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ClientError::Status(response.status()));
        }
        let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).and_then(|value| value.to_str().ok());
        if accept != Some(&*derive_accept_key(key.as_bytes())) {
            return Err(ClientError::Protocol("the answer to the WebSocket handshake is not for this key".to_owned()));
        }
        let config = WebSocketConfig::default().max_message_size(Some(MAX_PACKET)).max_frame_size(Some(MAX_PACKET));
        let stream = WebSocketStream::from_raw_socket(response.upgrade().await?, Role::Client, Some(config)).await;
        let namespace = handshake.namespace.clone();
        let mut client = Self { stream, namespace, heartbeat: PATIENCE, heard: Instant::now(), asked: 0 };
        match client.packet().await? {
            Packet::Open(Open { ping_interval, ping_timeout, .. }) => {
                let silence = Duration::from_millis(ping_interval.saturating_add(ping_timeout));
                client.heartbeat = silence.min(MAX_HEARTBEAT);
            }
            other => return Err(unexpected(&other)),
        }
        let auth = handshake.auth.clone();
        client.write(&Packet::Connect { namespace: client.namespace.clone(), data: auth }).await?;
        loop {
            match client.packet().await? {
                Packet::Connect { namespace, .. } if namespace == client.namespace => return Ok(client),
                Packet::Refused { data, .. } => {
                    let reason = data["message"].as_str().unwrap_or_default().to_owned();
                    return Err(ClientError::Refused(reason));
                }
                Packet::Ping => client.write(&Packet::Pong).await?,
                Packet::Noop => {}
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// The next event or answer; heartbeats are answered meanwhile. May be dropped and called again: nothing is lost.
    ///
    /// # Errors
    /// When the connection ends, whoever ends it, or what comes is no Socket.IO. It is of no further use then.
    pub async fn next(&mut self) -> Result<Incoming, ClientError> {
        loop {
            match self.packet().await? {
                Packet::Event { name, arguments, .. } => return Ok(Incoming::Event { name, arguments }),
                Packet::Ack { id, arguments, .. } => return Ok(Incoming::Answer { id, arguments }),
                Packet::Ping => self.write(&Packet::Pong).await?,
                Packet::Disconnect { .. } | Packet::Close => return Err(ClientError::Closed),
                Packet::Noop => {}
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// When the connection has ended or the server reads nothing for 5 s.
    pub async fn emit(&mut self, name: &str, argument: Value) -> Result<(), ClientError> {
        self.event(name, argument, None).await
    }

    /// Sends an event that is to be answered; [`next`](Self::next) brings the answer with the number returned here.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub async fn ask(&mut self, name: &str, argument: Value) -> Result<u64, ClientError> {
        self.asked += 1;
        self.event(name, argument, Some(self.asked)).await?;
        Ok(self.asked)
    }

    async fn event(&mut self, name: &str, argument: Value, id: Option<u64>) -> Result<(), ClientError> {
        let (name, namespace) = (name.to_owned(), self.namespace.clone());
        self.write(&Packet::Event { namespace, id, name, arguments: vec![argument] }).await
    }

    async fn packet(&mut self) -> Result<Packet, ClientError> {
        loop {
            let message = timeout_at(self.heard + self.heartbeat, self.stream.next()).await;
            let message = message.map_err(|_| ClientError::TimedOut)?.ok_or(ClientError::Closed)??;
            self.heard = Instant::now();
            match message {
                Message::Text(text) => return Ok(Packet::parse(&text)?),
                Message::Close(_) => return Err(ClientError::Closed),
                Message::Binary(_) => {
                    return Err(ClientError::Protocol("a binary packet, which nobody asked for".to_owned()));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn write(&mut self, packet: &Packet) -> Result<(), ClientError> {
        let sent = self.stream.send(Message::text(packet.to_string()));
        Ok(timeout(PATIENCE, sent).await.map_err(|_| ClientError::TimedOut)??)
    }
}

fn unexpected(packet: &Packet) -> ClientError {
    ClientError::Protocol(format!("a `{}` packet where none can be", packet.kind()))
}
