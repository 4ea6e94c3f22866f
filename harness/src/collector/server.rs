//! Starting and stopping the receiver.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::stats::StoreLimits;
use super::store::Store;
use super::{grpc, http};

/// How long open connections may take to finish after the receiver was told to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// Where to listen and how much to keep.
#[derive(Clone, Debug)]
pub struct CollectorConfig {
    /// Address for OTLP over HTTP. Port 0 picks a free one; the well-known one is 4318.
    pub http: SocketAddr,
    /// Address for OTLP over gRPC. Port 0 picks a free one; the well-known one is 4317.
    pub grpc: SocketAddr,
    /// Largest request body in bytes, before and after decompression.
    pub max_request_bytes: usize,
    /// Requests worked on at once; more are asked to come again later.
    pub max_concurrent_requests: usize,
    /// Bounds of the store.
    pub limits: StoreLimits,
}

impl Default for CollectorConfig {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            http: free,
            grpc: free,
            max_request_bytes: 16 * 1024 * 1024,
            max_concurrent_requests: 32,
            limits: StoreLimits::default(),
        }
    }
}

/// Why the receiver could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// An address could not be listened on.
    #[error("cannot listen for OTLP on `{address}`: {source}; choose a free port, or port 0 to have one chosen")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A running receiver. Dropping it stops it.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens for OTLP over HTTP.
    pub http_addr: SocketAddr,
    /// Where it listens for OTLP over gRPC.
    pub grpc_addr: SocketAddr,
    /// What it received.
    pub store: Arc<Store>,
    stop: DropGuard,
    tasks: Vec<JoinHandle<()>>,
}

impl Collector {
    /// Starts listening. Must be called within a Tokio runtime, on which the receiver then runs.
    ///
    /// # Errors
    ///
    /// [`CollectorError::Listen`] when an address is taken or not local.
    pub async fn start(config: CollectorConfig) -> Result<Self, CollectorError> {
        let (http_listener, http_addr) = listen(config.http).await?;
        let (grpc_listener, grpc_addr) = listen(config.grpc).await?;
        let store = Arc::new(Store::new(config.limits.clone()));
        let stop = CancellationToken::new();
        let tasks = vec![
            tokio::spawn(http::serve(http_listener, Arc::clone(&store), config.clone(), stop.clone())),
            tokio::spawn(grpc::serve(grpc_listener, Arc::clone(&store), config, stop.clone())),
        ];
        Ok(Self { http_addr, grpc_addr, store, stop: stop.drop_guard(), tasks })
    }

    /// Stops listening and waits, at most two seconds, for requests that are being received. The store stays readable.
    pub async fn shutdown(self) {
        drop(self.stop);
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_DEADLINE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CollectorError> {
    let failed = |source| CollectorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
