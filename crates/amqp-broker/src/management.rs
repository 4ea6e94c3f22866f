//! The management API, in the shape of RabbitMQ's, and the faults, which are ours.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use base64::Engine;
use serde::de::DeserializeOwned;
use serde_json::{Value as JsonValue, json};
use tokio::net::TcpListener;

use crate::{
    exchange::Destination,
    faults::DuplicateFault,
    peek::{PeekRequest, table_json},
    queue::{Counts, Queue, QueueId},
    server::Shared,
    vhost::Vhost,
};

type App = State<Arc<Shared>>;

/// Most bytes of a request body that are read.
const BODY_MAX: usize = 64 * 1024;

/// Serves until the broker stops.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let app = Router::new()
        .route("/api/overview", get(overview))
        .route("/api/queues", get(queues))
        .route("/api/queues/{vhost}", get(queues_of_vhost))
        .route("/api/queues/{vhost}/{name}", get(queue))
        .route("/api/queues/{vhost}/{name}/contents", delete(purge))
        .route("/api/queues/{vhost}/{name}/get", post(peek))
        .route("/api/exchanges", get(exchanges))
        .route("/api/bindings", get(bindings))
        .route("/api/connections", get(connections))
        .route("/api/connections/{name}", delete(close_connection))
        .route("/api/faults", get(faults))
        .route("/api/faults/duplicate", put(set_duplicate).delete(clear_duplicate).get(faults))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "Object Not Found", "no such resource") })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), authorize))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .with_state(Arc::clone(&shared));
    let stopping = shared.stopping.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move { stopping.cancelled().await });
    tokio::select! {
        // A failed accept is retried by axum; there is nobody else to tell.
        _ = serving.into_future() => {}
        () = shared.stopped.cancelled() => {}
    }
}

/// HTTP basic authentication with the broker's one user, as RabbitMQ's management demands.
async fn authorize(State(shared): App, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let encoded = given.and_then(|value| value.strip_prefix("Basic "));
    let decoded = encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok());
    let known = decoded.is_some_and(|pair| {
        let mut parts = pair.splitn(2, |octet| *octet == b':');
        shared.knows(parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    });
    if known {
        return next.run(request).await;
    }
    let mut response = refuse(StatusCode::UNAUTHORIZED, "not_authorized", "Not_Authorized");
    let challenge = header::HeaderValue::from_static("Basic realm=\"RabbitMQ Management\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn refuse(status: StatusCode, error: &str, reason: &str) -> Response {
    (status, Json(json!({ "error": error, "reason": reason }))).into_response()
}

fn no_queue() -> Response {
    refuse(StatusCode::NOT_FOUND, "Object Not Found", "Not Found")
}

/// A body of JSON, whatever content type it claims, as RabbitMQ takes it.
#[expect(clippy::result_large_err, reason = "the error is the response itself, made once per refused request")]
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| refuse(StatusCode::BAD_REQUEST, "bad_request", &error.to_string()))
}

fn find(vhost: &Vhost, of: &str, name: &str) -> Option<QueueId> {
    (of == &*vhost.name).then(|| vhost.queue_names.get(name).copied()).flatten()
}

fn stats_json(counts: &Counts) -> JsonValue {
    json!({
        "publish": counts.publish,
        "deliver": counts.deliver,
        "get": counts.get,
        "deliver_get": counts.deliver + counts.get,
        "ack": counts.ack,
        "redeliver": counts.redeliver,
    })
}

fn queue_json(vhost: &Vhost, queue: &Queue) -> JsonValue {
    json!({
        "name": &*queue.name,
        "vhost": &*vhost.name,
        "type": "classic",
        "durable": queue.durable,
        "exclusive": queue.owner.is_some(),
        "auto_delete": queue.auto_delete,
        "arguments": table_json(&queue.table),
        "messages": queue.ready.len() + queue.unacked,
        "messages_ready": queue.ready.len(),
        "messages_unacknowledged": queue.unacked,
        "message_bytes_ready": queue.ready_bytes,
        "consumers": queue.consumers.len(),
        "state": "running",
        "message_stats": stats_json(&queue.counts),
    })
}

async fn overview(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let ready: usize = vhost.queues.values().map(|queue| queue.ready.len()).sum();
    let unacked: usize = vhost.queues.values().map(|queue| queue.unacked).sum();
    let consumers: usize = vhost.queues.values().map(|queue| queue.consumers.len()).sum();
    Json(json!({
        "product_name": crate::PRODUCT,
        "product_version": crate::VERSION,
        "product": crate::PRODUCT,
        "version": crate::VERSION,
        "management_version": crate::VERSION,
        "message_stats": stats_json(&vhost.books.counts),
        "queue_totals": { "messages": ready + unacked, "messages_ready": ready, "messages_unacknowledged": unacked },
        "object_totals": {
            "channels": vhost.channels.len(),
            "connections": vhost.connections.len(),
            "consumers": consumers,
            "exchanges": vhost.exchanges.len(),
            "queues": vhost.queues.len(),
        },
        "memory": { "used": vhost.books.bytes, "limit": vhost.limits.queue_memory, "alarm": vhost.is_alarmed() },
        "journal_failed": shared.journal.as_ref().is_some_and(|journal| journal.has_failed()),
    }))
}

async fn queues(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let by_name: BTreeMap<&str, &Queue> = vhost.queues.values().map(|queue| (&*queue.name, queue)).collect();
    Json(by_name.into_values().map(|queue| queue_json(&vhost, queue)).collect())
}

async fn queues_of_vhost(State(shared): App, Path(name): Path<String>) -> Response {
    let known = name == *shared.vhost().name;
    if known { queues(State(shared)).await.into_response() } else { no_queue() }
}

async fn queue(State(shared): App, Path((of, name)): Path<(String, String)>) -> Response {
    let vhost = shared.vhost();
    match find(&vhost, &of, &name).and_then(|id| vhost.queues.get(&id)) {
        Some(queue) => Json(queue_json(&vhost, queue)).into_response(),
        None => no_queue(),
    }
}

async fn purge(State(shared): App, Path((of, name)): Path<(String, String)>) -> Response {
    let found = {
        let mut vhost = shared.vhost();
        find(&vhost, &of, &name).map(|id| {
            vhost.purge(id);
            vhost.run();
        })
    };
    settled(&shared, found.map(|()| StatusCode::NO_CONTENT.into_response()))
}

async fn peek(State(shared): App, Path((of, name)): Path<(String, String)>, body: Bytes) -> Response {
    let request: PeekRequest = match parse(&body) {
        Ok(request) => request,
        Err(response) => return response,
    };
    let messages = {
        let mut vhost = shared.vhost();
        find(&vhost, &of, &name).map(|id| vhost.peek(id, &request))
    };
    settled(&shared, messages.map(|messages| Json(messages).into_response()))
}

/// An answer to a change, once the change is in the journal.
fn settled(shared: &Shared, answer: Option<Response>) -> Response {
    match (answer, shared.flush()) {
        (None, _) => no_queue(),
        (Some(answer), Ok(())) => answer,
        (_, Err(error)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "journal", &error.to_string()),
    }
}

async fn exchanges(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let by_name: BTreeMap<_, _> = vhost.exchanges.iter().collect();
    let exchanges = by_name.into_iter().map(|(name, exchange)| {
        json!({
            "name": &**name,
            "vhost": &*vhost.name,
            "type": exchange.kind.name(),
            "durable": exchange.durable,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": table_json(&exchange.arguments),
            "message_stats": { "publish_in": exchange.published_in },
        })
    });
    Json(exchanges.collect())
}

async fn bindings(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let binding = |source: &str, destination: &str, kind: &str, key: &str, arguments: JsonValue| {
        json!({
            "source": source,
            "vhost": &*vhost.name,
            "destination": destination,
            "destination_type": kind,
            "routing_key": key,
            "arguments": arguments,
            "properties_key": if key.is_empty() { "~" } else { key },
        })
    };
    let names: std::collections::BTreeSet<_> = vhost.queue_names.keys().collect();
    // Every queue is bound to the default exchange by its name.
    let mut all: Vec<_> = names.into_iter().map(|name| binding("", name, "queue", name, json!({}))).collect();
    let by_name: BTreeMap<_, _> = vhost.exchanges.iter().collect();
    for (source, exchange) in by_name {
        for ((destination, key), alternatives) in exchange.bindings() {
            let (kind, name) = match destination {
                Destination::Queue(name) => ("queue", name),
                Destination::Exchange(name) => ("exchange", name),
            };
            all.extend(alternatives.iter().map(|arguments| binding(source, name, kind, key, table_json(arguments))));
        }
    }
    Json(JsonValue::Array(all))
}

async fn connections(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let by_id: BTreeMap<_, _> = vhost.connections.iter().collect();
    let connections = by_id.into_iter().map(|(id, info)| {
        json!({
            "name": info.name(),
            "vhost": &*vhost.name,
            "user": info.user,
            "protocol": "AMQP 0-9-1",
            "peer_host": info.peer.ip(),
            "peer_port": info.peer.port(),
            "host": info.local.ip(),
            "port": info.local.port(),
            "channels": vhost.channels.keys().filter(|(owner, _)| owner == id).count(),
            "channel_max": info.channel_max,
            "frame_max": info.frame_max,
            "timeout": info.heartbeat,
            "connected_at": info.connected_at,
            "state": if info.blocked { "blocked" } else { "running" },
            "send_pend": info.outbox.queued(),
            "client_properties": table_json(&info.properties),
        })
    });
    Json(connections.collect())
}

async fn close_connection(State(shared): App, Path(name): Path<String>) -> Response {
    let vhost = shared.vhost();
    match vhost.connections.values().find(|info| info.name() == name) {
        Some(info) => {
            info.force_close.cancel();
            StatusCode::NO_CONTENT.into_response()
        }
        None => no_queue(),
    }
}

async fn faults(State(shared): App) -> Json<JsonValue> {
    let vhost = shared.vhost();
    let faults = &vhost.books.faults;
    Json(json!({
        "duplicate": faults.duplicate(),
        "delivered": faults.delivered,
    }))
}

async fn set_duplicate(State(shared): App, body: Bytes) -> Response {
    let fault: DuplicateFault = match parse(&body) {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    match shared.vhost().books.faults.set_duplicate(fault) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => refuse(StatusCode::BAD_REQUEST, "bad_request", &reason),
    }
}

async fn clear_duplicate(State(shared): App) -> StatusCode {
    shared.vhost().books.faults.clear_duplicate();
    StatusCode::NO_CONTENT
}
