//! OTLP over gRPC.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::http::{export_logs, export_metrics, export_traces};
use super::server::CollectorConfig;
use super::store::Store;

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, store: Arc<Store>, config: CollectorConfig, stop: CancellationToken) {
    let receiver = Receiver { store };
    let limit = config.max_request_bytes;
    // A failing accept is retried inside; there is nothing to report once the listener is gone.
    let _ = Server::builder()
        .concurrency_limit_per_connection(config.max_concurrent_requests.max(1))
        .add_service(TraceServiceServer::new(receiver.clone()).max_decoding_message_size(limit))
        .add_service(MetricsServiceServer::new(receiver.clone()).max_decoding_message_size(limit))
        .add_service(LogsServiceServer::new(receiver).max_decoding_message_size(limit))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop.cancelled_owned())
        .await;
}

#[derive(Clone)]
struct Receiver {
    store: Arc<Store>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let partial_success = export_traces(&self.store, request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let partial_success = export_metrics(&self.store, request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let partial_success = export_logs(&self.store, request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}
