//! The request that opens a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper_util::rt::TokioIo;
use platform::ApiError;
use socketioxide::SocketIo;
use socketioxide::service::SocketIoService;
use telemetry::task;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tower::Service as _;

use super::connection::{Connection, Patience};
use super::origin::Origins;
use super::stream::Cuttable;
use crate::clients::GatewayError;

/// How long hyper may take to hand the connection over.
const HANDOVER: Duration = Duration::from_secs(5);
/// Longest key of a WebSocket handshake that is answered, in bytes; a real one has 24.
const MAX_KEY: usize = 64;

/// The Socket.IO server; it gets connections, not requests, so there is nothing to hand other requests to.
type Server = SocketIoService<()>;

/// What opens sockets.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) server: Server,
    pub(super) io: SocketIo,
    pub(super) origins: Origins,
    /// One permit for each connection there may be.
    pub(super) places: Arc<Semaphore>,
}

impl Door {
    pub(super) fn router(self) -> Router {
        Router::new().route("/socket.io/", get(open)).with_state(self)
    }
}

async fn open(State(door): State<Door>, mut request: Request) -> Result<Response, GatewayError> {
    if !door.origins.allow(request.headers()) {
        return Err(ApiError::forbidden("foreign_origin", "this site may not open sockets here").into());
    }
    let accept = accept(request.uri(), request.headers())?;
    let place = Arc::clone(&door.places).try_acquire_owned();
    let place =
        place.map_err(|_| ApiError::unavailable("too_many_sockets", "too many sockets are open: try again later"))?;
    let upgraded = hyper::upgrade::on(&mut request);
    let connection = Connection::new();
    // The parts live as long as the socket: only those that it needs.
    let mut opening = axum::http::Request::new(());
    *opening.uri_mut() = request.uri().clone();
    *opening.headers_mut() = request.headers().clone();
    opening.extensions_mut().insert(connection.clone());
    let serve = async move {
        let Ok(Ok(upgraded)) = tokio::time::timeout(HANDOVER, upgraded).await else {
            tracing::debug!("a socket was given up while it was opened");
            return;
        };
        let stream = Cuttable::new(TokioIo::new(upgraded), connection.clone(), place);
        let Door { mut server, io, .. } = door;
        if let Err(error) = server.call((stream, opening)).await {
            tracing::debug!(error = %error, "a socket could not be opened");
            return;
        }
        connection.supervise(io, Patience::default()).await;
    };
    drop(task::Task::new("socket").spawn(serve));
    let headers = [(CONNECTION, "Upgrade"), (UPGRADE, "websocket"), (SEC_WEBSOCKET_ACCEPT, &accept)];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response())
}

/// What proves to the client that its handshake was read.
fn accept(uri: &Uri, headers: &HeaderMap) -> Result<String, ApiError> {
    let query = uri.query().unwrap_or_default();
    let has = |pair: &str| query.split('&').any(|found| found == pair);
    if !has("EIO=4") || !has("transport=websocket") || query.split('&').any(|pair| pair.starts_with("sid=")) {
        return Err(ApiError::bad_request(
            "unsupported_transport",
            "only WebSockets of Engine.IO 4 are served: set `transports` of the client to `[\"websocket\"]`",
        ));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let lists = |name, word: &str| text(name).split(',').any(|found| found.trim().eq_ignore_ascii_case(word));
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| (1..=MAX_KEY).contains(&key.len()));
    match key {
        Some(key)
            if lists(CONNECTION, "upgrade") && lists(UPGRADE, "websocket") && text(SEC_WEBSOCKET_VERSION) == "13" =>
        {
            Ok(derive_accept_key(key.as_bytes()))
        }
        _ => Err(ApiError::bad_request("websocket_expected", "this is no handshake of a WebSocket, version 13")),
    }
}
