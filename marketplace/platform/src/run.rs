//! From environment to exit code: what every service's `main` does.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use telemetry::task::{self, Task};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::bug;
use crate::consumer::runtime;
use crate::context::{App, Context};
use crate::env::{ConfigError, Env};
use crate::health::{Beacon, Dependencies};
use crate::outbox::relay;
use crate::serve;

/// How long requests in flight may take to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(5);

/// How long consumers, relay and tasks may take to end after that.
const STOP: Duration = Duration::from_secs(3);

/// How long the last spans, metrics and log lines may take to go out.
const FLUSH: Duration = Duration::from_secs(2);

const FAILED: u8 = 1;
const MISCONFIGURED: u8 = 2;

/// Runs the service `name` until SIGTERM, and returns its exit code: 0 stopped, 1 failed, 2 wrong configuration.
///
/// Reads `LISTEN_ADDR` and what the service's `app` reads; mistakes are reported together. Serves `/health/live`,
/// `/health/ready` and `/metrics` beside the service's routes. On SIGTERM or SIGINT it stops accepting, lets requests in
/// flight and events in hand end, and flushes its telemetry, each under a deadline.
pub fn main<F, Fut>(name: &'static str, app: F) -> ExitCode
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<App>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(FAILED, &format!("{name}: cannot start: {error}")),
    };
    runtime.block_on(async {
        let telemetry = match telemetry::init(telemetry::Config::from_env(name).version(env!("CARGO_PKG_VERSION"))) {
            Ok(telemetry) => telemetry,
            Err(error) => return complain(MISCONFIGURED, &format!("{name}: {error}")),
        };
        let code = match serve(name, app).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let wrong = error.downcast_ref::<ConfigError>().is_some();
                tracing::error!(error = format!("{error:#}"), "cannot run");
                complain(if wrong { MISCONFIGURED } else { FAILED }, &format!("{name}: {error:#}"))
            }
        };
        let report = telemetry.shutdown_async(FLUSH).await;
        if !report.is_complete() {
            complain(0, &format!("{name}: telemetry lost at shutdown: {report:?}"));
        }
        code
    })
}

/// One line for people; stderr works whatever state logging is in.
fn complain(code: u8, line: &str) -> ExitCode {
    _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::from(code)
}

async fn serve<F, Fut>(name: &'static str, app: F) -> anyhow::Result<()>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<App>>,
{
    let env = Env::from_process();
    if let Err(unknown) = bug::from_environment() {
        env.problem::<()>(format!("`{}`: {unknown}", bug::VARIABLE));
    }
    let address = env.address("LISTEN_ADDR");
    // Bound before the service does anything, so that a taken port has no other consequences.
    let listener = match address {
        Some(address) => Some(
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on `{address}` (LISTEN_ADDR)"))?,
        ),
        None => None,
    };
    let ctx = Context::new(name, env.clone());
    let app = app(ctx.clone()).await?;
    env.check()?;
    let listener = listener.context("no address to listen on")?;
    let address = listener.local_addr()?;
    let running = Running::start(&ctx, app)?;

    let accepting = CancellationToken::new();
    let mut server = task::spawn("http server", {
        let (router, accepting) = (running.router.clone(), accepting.clone());
        // Whoever limits what one address may do needs to know it.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        async move { axum::serve(listener, service).with_graceful_shutdown(accepting.cancelled_owned()).await }
    });
    tracing::info!(address = %address, "service started");

    let mut ended = None;
    let stopped = stop_signal()?;
    tokio::select! {
        signal = stopped => tracing::info!(signal, "stopping"),
        result = &mut server => ended = Some(result),
    }
    if ended.is_none() {
        accepting.cancel();
        match tokio::time::timeout(DRAIN, &mut server).await {
            Ok(result) => ended = Some(result),
            Err(_) => {
                tracing::warn!("requests still running at the deadline are cut off");
                server.abort();
            }
        }
    }
    running.stop().await;
    tracing::info!("service stopped");
    match ended {
        Some(Ok(result)) => result.context("server"),
        Some(Err(error)) => Err(error).context("server"),
        None => Ok(()),
    }
}

/// Resolves with the name of the signal.
fn stop_signal() -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// A service's routes and the tasks behind them.
pub(crate) struct Running {
    pub(crate) router: axum::Router,
    stopping: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts relay, consumers and tasks of `app`.
    pub(crate) fn start(ctx: &Context, mut app: App) -> anyhow::Result<Self> {
        let stopping = ctx.stopping().clone();
        let mut tasks = JoinSet::new();
        let mut dependencies = Dependencies { database: app.database.clone(), broker: Vec::new() };
        let consumers = std::mem::take(&mut app.consumers);
        for background in std::mem::take(&mut app.tasks) {
            tasks.spawn(Task::new("background").wrap(background));
        }
        let database = app.database.clone();
        anyhow::ensure!(database.is_some() || consumers.is_empty(), "a consumer needs a database for its inbox");
        if let Some(database) = database.filter(|_| app.messaging) {
            let amqp_url = ctx.env().url("AMQP_URL");
            ctx.env().check()?;
            let mut beacon = || {
                let beacon = Beacon::default();
                dependencies.broker.push(beacon.clone());
                beacon
            };
            let (url, token) = (amqp_url.clone(), stopping.clone());
            let relay = relay::run(database.clone(), url, ctx.name(), beacon(), token);
            tasks.spawn(Task::new("outbox relay").wrap(relay));
            for consumer in consumers {
                let (url, token) = (amqp_url.clone(), stopping.clone());
                let consumer = runtime::run(consumer, database.clone(), url, beacon(), token);
                tasks.spawn(Task::new("consumer").wrap(consumer));
            }
        }
        Ok(Self { router: serve::router(ctx, app, dependencies)?, stopping, tasks })
    }

    /// Tells the tasks to end and waits for them, up to a deadline.
    pub(crate) async fn stop(mut self) {
        self.stopping.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP, all).await.is_err() {
            tracing::warn!("tasks still running at the deadline are cut off");
        }
    }
}
