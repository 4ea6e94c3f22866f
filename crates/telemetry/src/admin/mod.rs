//! What operators and orchestrators ask a running process: whether it works, its metrics, to log more or less, and which
//! build it is.
//!
//! | path | answer |
//! |---|---|
//! | `GET /health/live` | 200 as long as the process answers at all |
//! | `GET /health/ready` | 200 when every [check](Admin::check) passes, else 503; both with the results as JSON |
//! | `GET /metrics` | all metrics in Prometheus' text format, or in OpenMetrics' with exemplars for those who ask for it |
//! | `GET /admin/log-level` | the log filter in force and, unless that is for good, in how many seconds it expires, as JSON |
//! | `PUT /admin/log-level` | replaces it by the directives in the body (`RUST_LOG` syntax), until the process ends |
//! | `PUT /admin/log-level?for=5m` | the same for a while (`s`, `m`, `h`; at most a day); then the lasting one is back |
//! | `GET /admin/build` | service, version, instance, commit, platform, uptime in seconds |
//!
//! [`Admin::serve`] answers all of it on a port of its own. [`Admin::probes`] gives the part that may stand beside a
//! service's public routes: everything but `/admin/*`.

use std::borrow::Cow;
use std::fmt::Display;
use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics;

mod build;
mod checks;
mod expiry;
mod health;
mod log_level;
mod server;

pub(crate) use build::{Build, COMMIT};
pub use server::AdminServer;

use checks::{Check, Checks};

/// Longest time the checks may take unless told otherwise. Probers give up after a second (Kubernetes' default), and whoever has
/// given up learns no names: the answer must be on its way before.
const CHECK_TIMEOUT: Duration = Duration::from_millis(700);

/// How long results stand unless told otherwise: short enough that nobody notices, long enough to blunt a storm of probes.
const CHECK_CACHE: Duration = Duration::from_millis(200);

/// All routes with no checks: [`Admin::router`] of [`Admin::new`].
///
/// Serve it where only operators reach it; [`Admin::serve`] does.
pub fn admin_router() -> Router {
    Admin::new().router()
}

/// Health, metrics and controls of this process; see the [module](self) for what is served.
///
/// # Examples
///
/// ```
/// use telemetry::admin::Admin;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let admin = Admin::new()
///     .check("database", || async { Ok::<(), std::io::Error>(()) })
///     .check("disk", || async { Err("no space left") });
/// let server = admin.serve("127.0.0.1:0").await?;
/// let ready = reqwest::get(format!("http://{}/health/ready", server.local_addr())).await.unwrap();
/// assert_eq!(ready.status(), 503);
/// server.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "it answers nothing until its routes are served"]
pub struct Admin {
    checks: Vec<Check>,
    timeout: Duration,
    cache: Duration,
    remote: bool,
}

// === impl Admin ===

impl Admin {
    /// No checks: ready as soon as it is served.
    pub fn new() -> Self {
        Self { checks: Vec::new(), timeout: CHECK_TIMEOUT, cache: CHECK_CACHE, remote: false }
    }

    /// Adds what readiness depends on, under a name that the answer shows.
    ///
    /// The check runs in a task of its own, at the same time as the others and outside of any trace. It is down when it
    /// returns an error (the answer shows the text, redacted), panics, or takes longer than [`Admin::check_timeout`]. It should
    /// not block its thread; one that does is down as well, provided that the runtime has another thread.
    /// A later check of the same name replaces the earlier one.
    pub fn check<F, Fut, E>(mut self, name: impl Into<Cow<'static, str>>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let check = Check::new(name.into(), check);
        self.checks.retain(|other| other.name != check.name);
        self.checks.push(check);
        self
    }

    /// Longest time all checks together may take (default 700 ms); those that have not answered by then are down, and named.
    ///
    /// Keep it below the prober's own patience, which with Kubernetes is a second unless `timeoutSeconds` says otherwise.
    pub fn check_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long the results stand before the checks run again (default 200 ms); probes that come at the same time share one run.
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache = time;
        self
    }

    /// Answers `/admin/*` to whoever reaches the address, even when [`Admin::serve`] is given one that is not loopback.
    pub fn allow_remote_admin(mut self) -> Self {
        self.remote = true;
        self
    }

    /// What may stand beside a service's own routes: `/health/live`, `/health/ready` and `/metrics`.
    pub fn probes(self) -> Router {
        probes(Checks::new(self.checks, self.timeout, self.cache))
    }

    /// All routes, for a listener of the caller's. Serve it where only operators reach it.
    pub fn router(self) -> Router {
        self.probes().merge(log_level::router()).merge(build::router())
    }

    /// Serves everything on a port of its own (0 picks a free one) until the returned server is dropped or shut down.
    ///
    /// On an address that is not loopback `/admin/*` is refused with 403, unless [`Admin::allow_remote_admin`] was called:
    /// the log level is not for everybody who can reach the machine. Probes and metrics are answered anywhere.
    ///
    /// # Errors
    ///
    /// When the address cannot be resolved or listened on.
    pub async fn serve(self, address: impl ToSocketAddrs) -> std::io::Result<AdminServer> {
        let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
        let listener = tokio::net::TcpListener::bind(&*addresses).await?;
        let open = self.remote || listener.local_addr()?.ip().is_loopback();
        let router = if open { self.router() } else { self.probes().merge(server::refusal()) };
        server::start(listener, router)
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self::new()
    }
}

fn probes(checks: Checks) -> Router {
    Router::new().merge(health::router(checks)).route("/metrics", get(scrape))
}

async fn scrape(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let (content_type, page) = metrics::exposition(accept);
    ([(header::CONTENT_TYPE, content_type)], page).into_response()
}
