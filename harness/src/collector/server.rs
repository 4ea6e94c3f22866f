//! Starting and stopping the receiver.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Address for OTLP over gRPC, if at all. Port 0 picks a free one; the well-known one is 4317.
    pub grpc: Option<SocketAddr>,
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
            grpc: Some(free),
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
    /// Where it listens for OTLP over gRPC, if at all.
    pub grpc_addr: Option<SocketAddr>,
    /// What it received.
    pub store: Arc<Store>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    _stop_on_drop: DropGuard,
}

impl Collector {
    /// Starts listening. Must be called within a Tokio runtime, on which the receiver then runs.
    ///
    /// # Errors
    ///
    /// [`CollectorError::Listen`] when an address is taken or not local.
    pub async fn start(config: CollectorConfig) -> Result<Self, CollectorError> {
        let (http_listener, http_addr) = listen(config.http).await?;
        let grpc_listener = match config.grpc {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let store = Arc::new(Store::new(config.limits.clone()));
        let stop = CancellationToken::new();
        let mut tasks =
            vec![tokio::spawn(http::serve(http_listener, Arc::clone(&store), config.clone(), stop.clone()))];
        let grpc_addr = grpc_listener.map(|(listener, address)| {
            tasks.push(tokio::spawn(grpc::serve(listener, Arc::clone(&store), config, stop.clone())));
            address
        });
        Ok(Self {
            http_addr,
            grpc_addr,
            store,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            tasks: Mutex::new(tasks),
        })
    }

    /// Stops listening and waits, at most two seconds, for requests that are being received. The store stays readable.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for mut task in tasks {
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
