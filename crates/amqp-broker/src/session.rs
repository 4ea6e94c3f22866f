//! One client's side of the protocol: the handshake, its channels, and how both end. Nothing here waits.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::sync::CancellationToken;

use crate::{
    content::LocalChannel,
    error::{Code, Failure},
    frame::{self, Frame, Kind, PROTOCOL_HEADER},
    method::Method,
    outbox::Outbox,
    registry::ConnectionInfo,
    server::Shared,
    value::{FieldTable, ShortStr, Value},
    vhost::Vhost,
    wire::WireError,
};

/// Largest frame before the peers have agreed on one; RabbitMQ's, which leaves room for long tokens.
const HANDSHAKE_FRAME_MAX: usize = 8192;

/// How long a client may take to answer `connection.close`.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// How far the conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Header,
    StartOk,
    TuneOk,
    Open,
    Running,
    /// `connection.close` has been sent; everything but its answer is ignored.
    Closing,
    Done,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: u64,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) stage: Stage,
    pub(crate) channels: HashMap<u16, LocalChannel>,
    /// Channels with confirms not sent yet.
    pub(crate) confirming: Vec<u16>,
    /// Octets of bodies that are not complete.
    pub(crate) partial_octets: u64,
    /// Whether it has published since its reader last looked.
    pub(crate) published: bool,
    pub(crate) heartbeat: u16,
    pub(crate) close_deadline: Instant,
    pub(crate) force_close: CancellationToken,
    pub(crate) user: String,
    pub(crate) knows_blocked: bool,
    peer: SocketAddr,
    local: SocketAddr,
    frame_max: usize,
    channel_max: u16,
    properties: FieldTable,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, id: u64, outbox: Arc<Outbox>, peer: SocketAddr, local: SocketAddr) -> Self {
        let force_close = shared.stopping.child_token();
        Self {
            shared,
            id,
            outbox,
            stage: Stage::Header,
            channels: HashMap::new(),
            confirming: Vec::new(),
            partial_octets: 0,
            published: false,
            heartbeat: 0,
            close_deadline: Instant::now(),
            force_close,
            user: String::new(),
            knows_blocked: false,
            peer,
            local,
            frame_max: HANDSHAKE_FRAME_MAX,
            channel_max: 0,
            properties: FieldTable::default(),
        }
    }

    /// Acts upon every whole frame of the buffer and leaves the rest in it.
    pub(crate) fn consume(&mut self, vhost: &mut Vhost, buffer: &mut BytesMut) {
        while self.stage != Stage::Done {
            if self.stage == Stage::Header {
                let Some(header) = buffer.first_chunk::<8>() else {
                    break;
                };
                if header == PROTOCOL_HEADER {
                    buffer.advance(8);
                    self.start();
                } else {
                    // The specification's answer to an unknown protocol or version: the one that is spoken here.
                    self.outbox.push_bytes(PROTOCOL_HEADER);
                    self.stage = Stage::Done;
                }
                continue;
            }
            match frame::parse(buffer, self.frame_max) {
                Ok(None) => break,
                Ok(Some((frame, length))) => {
                    self.on_frame(vhost, frame);
                    buffer.advance(length);
                }
                Err(error) => {
                    if self.stage == Stage::Closing {
                        self.stage = Stage::Done;
                    } else {
                        self.fail(vhost, error.into(), (0, 0));
                    }
                    // There is no telling where the next frame would start.
                    buffer.clear();
                }
            }
        }
        vhost.run();
        self.send_confirms();
    }

    fn on_frame(&mut self, vhost: &mut Vhost, frame: Frame<'_>) {
        if self.stage == Stage::Closing {
            self.on_frame_while_closing(frame);
            return;
        }
        let result = match frame.kind {
            Kind::Heartbeat if frame.channel == 0 => Ok(()),
            Kind::Heartbeat => Err((Failure::new(Code::FrameError, "heartbeat on a channel other than 0"), (0, 0))),
            Kind::Method => match Method::decode(frame.payload, self.shared.config.limits.table_depth) {
                Ok(method) => {
                    let id = method.id();
                    self.on_method(vhost, frame.channel, method).map_err(|failure| (failure, id))
                }
                Err(error) => Err((error.into(), method_id(frame.payload))),
            },
            Kind::Header => self.on_header(vhost, frame.channel, frame.payload).map_err(|failure| (failure, (60, 40))),
            Kind::Body => self.on_body(vhost, frame.channel, frame.payload).map_err(|failure| (failure, (60, 40))),
        };
        if let Err((failure, id)) = result {
            if failure.hard || frame.channel == 0 {
                self.fail(vhost, failure, id);
            } else {
                self.fail_channel(vhost, frame.channel, &failure, id);
            }
        }
    }

    fn on_method(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        match (self.stage, channel) {
            (Stage::Running, 0) => self.on_connection_method(method),
            (Stage::Running, _) => self.on_channel_method(vhost, channel, method),
            (_, 0) => self.on_handshake(vhost, method),
            _ => Err(Failure::new(Code::ChannelError, format!("channel {channel} used before the connection is open"))),
        }
    }

    fn on_frame_while_closing(&mut self, frame: Frame<'_>) {
        if frame.kind != Kind::Method || frame.channel != 0 {
            return;
        }
        match Method::decode(frame.payload, self.shared.config.limits.table_depth) {
            Ok(Method::ConnectionCloseOk {}) => self.stage = Stage::Done,
            Ok(Method::ConnectionClose { .. }) => {
                self.outbox.push_method(0, &Method::ConnectionCloseOk {});
                self.stage = Stage::Done;
            }
            _ => {}
        }
    }

    fn start(&mut self) {
        let start = Method::ConnectionStart {
            major: 0,
            minor: 9,
            properties: server_properties(),
            mechanisms: Bytes::from_static(b"PLAIN"),
            locales: Bytes::from_static(b"en_US"),
        };
        self.outbox.push_method(0, &start);
        self.stage = Stage::StartOk;
    }

    fn on_handshake(&mut self, vhost: &mut Vhost, method: Method) -> Result<(), Failure> {
        match (self.stage, method) {
            (Stage::StartOk, Method::ConnectionStartOk { properties, mechanism, response, .. }) => {
                self.properties = properties;
                self.knows_blocked = self.is_capable("connection.blocked");
                self.authenticate(&mechanism, &response)
            }
            (Stage::TuneOk, Method::ConnectionTuneOk { channel_max, frame_max, heartbeat }) => {
                self.tune(channel_max, frame_max, heartbeat)
            }
            (Stage::Open, Method::ConnectionOpen { vhost: name, .. }) => self.open(vhost, &name),
            (_, Method::ConnectionClose { .. }) => {
                self.outbox.push_method(0, &Method::ConnectionCloseOk {});
                self.stage = Stage::Done;
                Ok(())
            }
            (stage, method) => {
                let (class, id) = method.id();
                Err(Failure::new(
                    Code::CommandInvalid,
                    format!("method {class}.{id} is out of turn, expected {stage:?}"),
                ))
            }
        }
    }

    fn authenticate(&mut self, mechanism: &str, response: &[u8]) -> Result<(), Failure> {
        if mechanism != "PLAIN" {
            let text = format!("authentication mechanism '{mechanism}' unavailable, expected 'PLAIN'");
            return Err(Failure::new(Code::CommandInvalid, text));
        }
        // Authorization id (ignored), user and password, each after the other with a zero octet between.
        let mut parts = response.splitn(3, |octet| *octet == 0);
        let (_, user, password) = (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !self.shared.knows(user, password) {
            let refused = "Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";
            if self.is_capable("authentication_failure_close") {
                return Err(Failure::hard(Code::AccessRefused, refused));
            }
            // An old client would not understand a close at this point.
            self.stage = Stage::Done;
            return Ok(());
        }
        self.user = String::from_utf8_lossy(user).into_owned();
        let limits = &self.shared.config.limits;
        let tune = Method::ConnectionTune {
            channel_max: limits.channels,
            frame_max: limits.frame_max,
            heartbeat: limits.heartbeat_seconds(),
        };
        self.outbox.push_method(0, &tune);
        self.stage = Stage::TuneOk;
        Ok(())
    }

    fn tune(&mut self, channel_max: u16, frame_max: u32, heartbeat: u16) -> Result<(), Failure> {
        let limits = &self.shared.config.limits;
        let refused = |name: &str, value: u64, why: &str, bound: u64| {
            let text = format!("negotiated {name} = {value} is {why} value ({bound})");
            Err(Failure::new(Code::NotAllowed, text))
        };
        // Zero asks for no limit, which is more than any.
        if frame_max == 0 || frame_max > limits.frame_max {
            return refused("frame_max", frame_max.into(), "higher than the maximum allowed", limits.frame_max.into());
        }
        if frame_max < frame::MIN_MAX {
            return refused("frame_max", frame_max.into(), "lower than the minimum allowed", frame::MIN_MAX.into());
        }
        if channel_max == 0 || channel_max > limits.channels {
            return refused(
                "channel_max",
                channel_max.into(),
                "higher than the maximum allowed",
                limits.channels.into(),
            );
        }
        self.frame_max = frame_max as usize;
        self.channel_max = channel_max;
        self.heartbeat = heartbeat;
        self.outbox.tune(frame_max, heartbeat);
        self.stage = Stage::Open;
        Ok(())
    }

    fn open(&mut self, vhost: &mut Vhost, name: &str) -> Result<(), Failure> {
        // Clients that take the vhost from a URL ending in `/` send an empty name; they mean the default one.
        if !name.is_empty() && name != &*vhost.name {
            return Err(Failure::new(Code::NotAllowed, format!("vhost {name} not found")));
        }
        let info = ConnectionInfo {
            peer: self.peer,
            local: self.local,
            user: self.user.clone(),
            properties: std::mem::take(&mut self.properties),
            channel_max: self.channel_max,
            frame_max: u32::try_from(self.frame_max).unwrap_or(u32::MAX),
            heartbeat: self.heartbeat,
            connected_at: crate::server::epoch_millis(),
            cancel_notify: false,
            blocked: false,
            outbox: Arc::clone(&self.outbox),
            force_close: self.force_close.clone(),
        };
        let cancel_notify = is_capable(&info.properties, "consumer_cancel_notify");
        vhost.connections.insert(self.id, ConnectionInfo { cancel_notify, ..info });
        self.outbox.push_method(0, &Method::ConnectionOpenOk { known_hosts: ShortStr::empty() });
        self.stage = Stage::Running;
        Ok(())
    }

    /// How long the peer may be silent.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.heartbeat) * 2)
    }

    fn is_capable(&self, name: &str) -> bool {
        is_capable(&self.properties, name)
    }

    fn on_connection_method(&mut self, method: Method) -> Result<(), Failure> {
        match method {
            Method::ConnectionClose { .. } => {
                self.outbox.push_method(0, &Method::ConnectionCloseOk {});
                self.stage = Stage::Done;
                Ok(())
            }
            Method::ConnectionUpdateSecret { .. } => {
                // Only tokens expire; the password stays as it was checked.
                self.outbox.push_method(0, &Method::ConnectionUpdateSecretOk {});
                Ok(())
            }
            method => {
                let (class, id) = method.id();
                Err(Failure::new(Code::CommandInvalid, format!("method {class}.{id} is not expected on channel 0")))
            }
        }
    }

    /// Whether that number may be a channel of this connection.
    pub(crate) fn check_channel_number(&self, channel: u16) -> Result<(), Failure> {
        if channel > self.channel_max {
            let text = format!("channel {channel} is above the negotiated channel_max ({})", self.channel_max);
            return Err(Failure::new(Code::ChannelError, text));
        }
        Ok(())
    }

    /// Ends the connection with an error and lets go at once of all that it held.
    fn fail(&mut self, vhost: &mut Vhost, failure: Failure, (class, method): (u16, u16)) {
        self.send_confirms();
        let text = ShortStr::truncated(&failure.to_string());
        self.outbox.push_method(0, &Method::ConnectionClose { code: failure.code as u16, text, class, method });
        self.channels.clear();
        self.stage = Stage::Closing;
        self.close_deadline = Instant::now() + CLOSE_PATIENCE;
        vhost.close_connection(self.id);
    }

    /// The broker wants the connection to end.
    pub(crate) fn force(&mut self, vhost: &mut Vhost) {
        if self.stage == Stage::Running {
            let text = "broker forced connection closure with reason 'shutdown'";
            self.fail(vhost, Failure::new(Code::ConnectionForced, text), (0, 0));
        } else if self.stage != Stage::Closing {
            self.stage = Stage::Done;
        }
    }
}

fn method_id(payload: &[u8]) -> (u16, u16) {
    let mut from = crate::wire::Decoder::new(payload, 0);
    let id = (|| Ok::<_, WireError>((from.u16()?, from.u16()?)))();
    id.unwrap_or_default()
}

fn is_capable(properties: &FieldTable, name: &str) -> bool {
    match properties.get("capabilities") {
        Some(Value::Table(capabilities)) => capabilities.get(name).and_then(Value::as_bool).unwrap_or(false),
        _ => false,
    }
}

fn server_properties() -> FieldTable {
    let mut capabilities = FieldTable::default();
    for name in [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
        "per_consumer_qos",
    ] {
        capabilities.set(name, Value::Bool(true));
    }
    let mut properties = FieldTable::default();
    properties.set("capabilities", Value::Table(capabilities));
    properties.set("product", Value::text(crate::PRODUCT));
    properties.set("version", Value::text(crate::VERSION));
    properties.set("platform", Value::text("Rust"));
    properties
}
