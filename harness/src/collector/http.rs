//! OTLP over HTTP: protobuf and JSON, gzip or not.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::decode::{self, Decoded};
use super::server::CollectorConfig;
use super::store::Store;

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, store: Arc<Store>, config: CollectorConfig, stop: CancellationToken) {
    let receiver = Receiver {
        store,
        max_bytes: config.max_request_bytes,
        permits: Arc::new(Semaphore::new(config.max_concurrent_requests.max(1))),
    };
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(logs))
        .route("/health", get(async || "ok"))
        .layer(DefaultBodyLimit::max(config.max_request_bytes))
        .with_state(receiver);
    // A failing accept is retried inside; there is nothing to report once the listener is gone.
    let _ = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
}

#[derive(Clone)]
struct Receiver {
    store: Arc<Store>,
    max_bytes: usize,
    permits: Arc<Semaphore>,
}

async fn traces(State(receiver): State<Receiver>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    receiver.receive(&headers, body, |store, request: ExportTraceServiceRequest| ExportTraceServiceResponse {
        partial_success: export_traces(store, request),
    })
}

async fn metrics(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    receiver.receive(&headers, body, |store, request: ExportMetricsServiceRequest| ExportMetricsServiceResponse {
        partial_success: export_metrics(store, request),
    })
}

async fn logs(State(receiver): State<Receiver>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    receiver.receive(&headers, body, |store, request: ExportLogsServiceRequest| ExportLogsServiceResponse {
        partial_success: export_logs(store, request),
    })
}

/// Stores the spans of a request; says what was refused.
pub(crate) fn export_traces(store: &Store, request: ExportTraceServiceRequest) -> Option<ExportTracePartialSuccess> {
    let decoded = decode::spans(request, &mut store.interner());
    let refused = refused(store, &decoded);
    store.ingest_spans(decoded.items);
    refused.map(|(rejected_spans, error_message)| ExportTracePartialSuccess { rejected_spans, error_message })
}

/// Stores the points of a request; says what was refused.
pub(crate) fn export_metrics(
    store: &Store,
    request: ExportMetricsServiceRequest,
) -> Option<ExportMetricsPartialSuccess> {
    let decoded = decode::metrics(request, &mut store.interner());
    let refused = refused(store, &decoded);
    store.ingest_samples(decoded.items);
    refused.map(|(rejected_data_points, error_message)| ExportMetricsPartialSuccess {
        rejected_data_points,
        error_message,
    })
}

/// Stores the log records of a request; says what was refused.
pub(crate) fn export_logs(store: &Store, request: ExportLogsServiceRequest) -> Option<ExportLogsPartialSuccess> {
    let decoded = decode::logs(request, &mut store.interner());
    let refused = refused(store, &decoded);
    store.ingest_logs(decoded.items);
    refused
        .map(|(rejected_log_records, error_message)| ExportLogsPartialSuccess { rejected_log_records, error_message })
}

fn refused<T>(store: &Store, decoded: &Decoded<T>) -> Option<(i64, String)> {
    store.reject(decoded.rejected.unsigned_abs());
    (decoded.rejected > 0).then(|| (decoded.rejected, decoded.reason.to_owned()))
}

#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn respond<T: Message + Serialize>(self, status: StatusCode, body: &T) -> Response {
        match self {
            Self::Protobuf => {
                (status, [(header::CONTENT_TYPE, "application/x-protobuf")], body.encode_to_vec()).into_response()
            }
            Self::Json => (status, axum::Json(body)).into_response(),
        }
    }
}

/// The body of every OTLP error response: `google.rpc.Status`.
#[derive(Clone, PartialEq, Serialize, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Receiver {
    fn receive<Q, S>(
        &self,
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
        export: impl FnOnce(&Store, Q) -> S,
    ) -> Response
    where
        Q: Message + Default + DeserializeOwned,
        S: Message + Serialize,
    {
        let Some(encoding) = Encoding::of(headers) else {
            let message = "expected `content-type: application/x-protobuf` or `application/json`";
            return refuse(Encoding::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned());
        };
        let Ok(_permit) = self.permits.try_acquire() else {
            let mut response =
                refuse(encoding, StatusCode::SERVICE_UNAVAILABLE, "too many requests at once".to_owned());
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            return response;
        };
        let body = match body {
            Ok(body) => body,
            Err(rejection) => return refuse(encoding, rejection.status(), rejection.body_text()),
        };
        let body = match self.decompress(headers, body) {
            Ok(body) => body,
            Err((status, message)) => return refuse(encoding, status, message),
        };
        let request = match encoding {
            Encoding::Protobuf => Q::decode(body).map_err(|error| format!("not a valid protobuf message: {error}")),
            Encoding::Json => serde_json::from_slice(&body).map_err(|error| format!("not valid OTLP/JSON: {error}")),
        };
        match request {
            Ok(request) => encoding.respond(StatusCode::OK, &export(&self.store, request)),
            Err(message) => refuse(encoding, StatusCode::BAD_REQUEST, message),
        }
    }

    fn decompress(&self, headers: &HeaderMap, body: Bytes) -> Result<Bytes, (StatusCode, String)> {
        let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok("identity"), |value| value.to_str());
        match encoding.map(str::to_ascii_lowercase).as_deref() {
            Ok("identity" | "") => Ok(body),
            Ok("gzip") => {
                let mut plain = Vec::new();
                let limit = self.max_bytes as u64 + 1;
                flate2::read::GzDecoder::new(&*body)
                    .take(limit)
                    .read_to_end(&mut plain)
                    .map_err(|error| (StatusCode::BAD_REQUEST, format!("not valid gzip: {error}")))?;
                if plain.len() as u64 == limit {
                    let message = format!("body is larger than {} bytes after decompression", self.max_bytes);
                    return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
                }
                Ok(plain.into())
            }
            _ => Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected `content-encoding: gzip` or none".to_owned())),
        }
    }
}

fn refuse(encoding: Encoding, status: StatusCode, message: String) -> Response {
    // google.rpc.Code: INVALID_ARGUMENT, or UNAVAILABLE for what may be tried again.
    let code = if status == StatusCode::SERVICE_UNAVAILABLE { 14 } else { 3 };
    encoding.respond(status, &Status { code, message })
}
