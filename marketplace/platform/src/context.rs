//! What a service gets to build itself from, and what it gives back.

use std::pin::Pin;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::consumer::Consumer;
use crate::contract::ContractHooks;
use crate::database::{Database, Migration};
use crate::env::Env;
use crate::token::InternalTokens;

/// Given to a service's `app` function: its name, its environment, and ways to open what it needs.
#[derive(Debug, Clone)]
pub struct Context {
    name: &'static str,
    env: Env,
    stopping: CancellationToken,
}

impl Context {
    /// A context for the service `name`.
    #[must_use]
    pub fn new(name: &'static str, env: Env) -> Self {
        Self { name, env, stopping: CancellationToken::new() }
    }

    /// Name of the service: audience of its tokens, prefix of its queues.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The environment; read all of it before [`database`](Self::database), so that mistakes are reported together.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Cancelled when the service is told to stop; background tasks end then.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// The tokens between gateway and services, under `INTERNAL_TOKEN_SECRET`.
    ///
    /// # Errors
    ///
    /// Reports every mistake of the environment noted so far.
    pub fn tokens(&self) -> anyhow::Result<InternalTokens> {
        let secret = self.env.text("INTERNAL_TOKEN_SECRET");
        self.env.check()?;
        Ok(InternalTokens::new(&secret))
    }

    /// Opens `DATABASE_URL` and applies the platform's tables and `migrations`.
    ///
    /// # Errors
    ///
    /// Reports every mistake of the environment noted so far (`AMQP_URL` and `INTERNAL_TOKEN_SECRET` too, which every
    /// service with a database needs), or why the database cannot be opened or migrated.
    pub async fn database(&self, migrations: &'static [Migration]) -> anyhow::Result<Database> {
        let _ = (self.env.url("AMQP_URL"), self.env.text("INTERNAL_TOKEN_SECRET"));
        self.plain_database(migrations).await
    }

    /// Opens `DATABASE_URL` for a server outside the system, which needs neither broker nor internal tokens.
    ///
    /// # Errors
    ///
    /// Reports every mistake of the environment noted so far, or why the database cannot be opened or migrated.
    pub async fn plain_database(&self, migrations: &'static [Migration]) -> anyhow::Result<Database> {
        let url = self.env.url_of_database("DATABASE_URL");
        self.env.check()?;
        Database::open(&url, migrations).await.with_context(|| format!("database `{}`", crate::database::shown(&url)))
    }
}

/// A background task of a service.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A whole service: what it serves, what it consumes, what it runs.
#[derive(Default)]
pub struct App {
    /// The service's routes, without health and metrics.
    pub router: Router,
    /// Consumers of events.
    pub consumers: Vec<Consumer>,
    /// Provider states and messages for contract verification.
    pub contract: ContractHooks,
    /// The database, whose health the platform reports.
    pub database: Option<Database>,
    /// Whether the platform relays the database's outbox to the broker.
    pub messaging: bool,
    /// Tasks that run until the service stops; they watch [`Context::stopping`].
    pub tasks: Vec<Task>,
    /// Whether requests are served without an internal token (the gateway, third parties).
    pub public: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("consumers", &self.consumers).field("public", &self.public).finish_non_exhaustive()
    }
}

impl App {
    /// A service behind the gateway: each request needs a valid internal token.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self { router, ..Self::default() }
    }

    /// A server that clients reach without an internal token.
    #[must_use]
    pub fn public(router: Router) -> Self {
        Self { router, public: true, ..Self::default() }
    }

    /// Relays this database's outbox and reports its health.
    #[must_use]
    pub fn with_database(mut self, database: &Database) -> Self {
        self.database = Some(database.clone());
        self.messaging = true;
        self
    }

    /// Reports this database's health; nothing is relayed (third parties, which know no broker).
    #[must_use]
    pub fn with_plain_database(mut self, database: &Database) -> Self {
        self.database = Some(database.clone());
        self
    }

    /// Runs a consumer; it needs a database.
    #[must_use]
    pub fn with_consumer(mut self, consumer: Consumer) -> Self {
        self.consumers.push(consumer);
        self
    }

    /// Serves these hooks when `CONTRACT_HOOKS=1`.
    #[must_use]
    pub fn with_contract(mut self, hooks: ContractHooks) -> Self {
        self.contract = hooks;
        self
    }

    /// Runs a task until the service stops.
    #[must_use]
    pub fn with_task(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.tasks.push(Box::pin(task));
        self
    }
}
