//! A listener of its own, so that operators are answered when the service's port is overloaded, and strangers are not.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long answers on their way may take to end.
const DRAIN: Duration = Duration::from_millis(500);

/// The admin routes being served; dropping it ends them at once.
#[derive(Debug)]
#[must_use = "the admin routes are served until this is dropped"]
pub struct AdminServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Says why, instead of 404, and how to change it.
pub(super) fn refusal() -> Router {
    let why = "/admin is served on loopback addresses only, unless `Admin::allow_remote_admin` is called\n";
    Router::new().route("/admin/{*path}", any(async move || (StatusCode::FORBIDDEN, why)))
}

pub(super) fn start(listener: TcpListener, router: Router) -> std::io::Result<AdminServer> {
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
    let task = tokio::spawn(async { serve.await });
    tracing::info!(target: "telemetry::admin", { server.address = %address.ip(), server.port = address.port() }, "admin routes are served");
    Ok(AdminServer { address, stop: Some(stop), task })
}

// === impl AdminServer ===

impl AdminServer {
    /// Where it listens; the port that was picked when 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more and lets answers on their way end, for half a second at most.
    pub async fn shutdown(mut self) {
        // Whoever has stopped listening has nothing left to end.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = tokio::time::timeout(DRAIN, &mut self.task).await;
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
