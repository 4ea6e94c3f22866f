//! A whole service inside a test: its real routes on a temporary database, called without a socket.

use std::any::Any;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::clock;
use crate::context::{App, Context};
use crate::database::Database;
use crate::env::Env;
use crate::run::Running;
use crate::token::InternalTokens;

/// The secret of internal tokens in tests.
const SECRET: &str = "internal secret of the tests, long enough";

/// A broker that is not there, for tests without one.
const NO_BROKER: &str = "amqp://guest:guest@127.0.0.1:9/";

/// A service under test; its database file goes when this is dropped.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use platform::testing::TestApp;
/// use platform::{App, Caller, Context};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> anyhow::Result<()> {
/// async fn app(_: Context) -> anyhow::Result<App> {
///     Ok(App::new(Router::new().route("/api/v1/lamps/me", get(|caller: Caller| async move { caller.username }))))
/// }
/// let lamps = TestApp::start("lamps", &[], app).await?;
/// let answer = lamps.get("/api/v1/lamps/me", &Caller::new("u-1", "ada", "ada@example.test")).await;
/// assert_eq!(answer.status, 200);
/// assert_eq!(answer.text, "ada");
/// # Ok(()) }
/// ```
pub struct TestApp {
    name: &'static str,
    directory: Directory,
    url: String,
    running: Running,
    database: Option<Database>,
    // Last: what the service runs on goes after the service.
    held: Vec<Box<dyn Any + Send>>,
}

/// What a service answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl TestApp {
    /// Starts a service without a broker: events stay in its outbox. `variables` go over the defaults.
    ///
    /// # Errors
    ///
    /// What `app` returns, or why it cannot be served.
    pub async fn start<F, Fut>(name: &'static str, variables: &[(&str, &str)], app: F) -> anyhow::Result<Self>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = anyhow::Result<App>>,
    {
        Self::build(name, variables, app, false).await
    }

    /// Starts a service with its relay and consumers, on the broker at `amqp_url`.
    ///
    /// # Errors
    ///
    /// What `app` returns, or why it cannot be served.
    pub async fn start_with_broker<F, Fut>(
        name: &'static str,
        amqp_url: &str,
        variables: &[(&str, &str)],
        app: F,
    ) -> anyhow::Result<Self>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = anyhow::Result<App>>,
    {
        let mut all = vec![("AMQP_URL", amqp_url)];
        all.extend(variables);
        Self::build(name, &all, app, true).await
    }

    async fn build<F, Fut>(
        name: &'static str,
        variables: &[(&str, &str)],
        app: F,
        messaging: bool,
    ) -> anyhow::Result<Self>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = anyhow::Result<App>>,
    {
        let directory = Directory::create()?;
        let url = directory.database_url();
        let mut all = vec![("DATABASE_URL", url.as_str()), ("INTERNAL_TOKEN_SECRET", SECRET), ("AMQP_URL", NO_BROKER)];
        all.extend(variables);
        let ctx = Context::new(name, Env::from_pairs(&all));
        let url =
            all.iter().rfind(|(name, _)| *name == "DATABASE_URL").map_or(url.clone(), |(_, url)| (*url).to_owned());
        let mut app = app(ctx.clone()).await?;
        if !messaging {
            app.messaging = false;
            app.consumers.clear();
        }
        let database = app.database.clone();
        Ok(Self { name, directory, url, running: Running::start(&ctx, app)?, database, held: Vec::new() })
    }

    /// Keeps what the service runs on, such as a database that goes when it is dropped, until the service is gone.
    #[must_use]
    pub fn holding(mut self, backend: impl Any + Send) -> Self {
        self.held.push(Box::new(backend));
        self
    }

    /// The service's database.
    ///
    /// # Panics
    ///
    /// When the service has none.
    #[must_use]
    pub fn database(&self) -> &Database {
        self.database.as_ref().expect("the service under test has a database")
    }

    /// The URL of the service's database.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.url.clone()
    }

    /// Everything that the service serves, for tests that need it on a real socket.
    pub fn router(&self) -> axum::Router {
        self.running.router.clone()
    }

    /// GET on behalf of `caller`.
    pub async fn get(&self, path: &str, caller: &Caller) -> Answer {
        self.call(Method::GET, path, Some(caller), &[], None).await
    }

    /// POST with a JSON body on behalf of `caller`.
    pub async fn post(&self, path: &str, caller: &Caller, body: Value) -> Answer {
        self.call(Method::POST, path, Some(caller), &[], Some(body)).await
    }

    /// PUT with a JSON body on behalf of `caller`.
    pub async fn put(&self, path: &str, caller: &Caller, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(caller), &[], Some(body)).await
    }

    /// DELETE on behalf of `caller`.
    pub async fn delete(&self, path: &str, caller: &Caller) -> Answer {
        self.call(Method::DELETE, path, Some(caller), &[], None).await
    }

    /// Any call; without a caller it carries no internal token.
    ///
    /// # Panics
    ///
    /// When the request cannot be written (a malformed path or header).
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        caller: Option<&Caller>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(caller) = caller {
            let token = InternalTokens::new(SECRET).sign(self.name, caller).expect("a token for the test's caller");
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a well-formed request");
        let response = match self.running.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, text, json }
    }

    /// Stops relay, consumers and tasks, as SIGTERM would.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp").field("name", &self.name).field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Opens an SQLite database of its own for a test of a store; the file goes when the guard is dropped.
///
/// # Errors
///
/// When the file cannot be made or a migration fails.
pub async fn database(migrations: &[crate::Migration]) -> anyhow::Result<(Database, impl Sized + use<>)> {
    let directory = Directory::create()?;
    Ok((Database::open(&directory.database_url(), migrations).await?, directory))
}

/// A directory that goes when this is dropped.
#[derive(Debug)]
struct Directory(PathBuf);

impl Directory {
    fn create() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("marketplace-{}", clock::new_id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn database_url(&self) -> String {
        format!("sqlite://{}", self.0.join("service.db").display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}
