//! Every service of the marketplace, the payment provider and a mail server, on free ports of this process.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::Method;
use backends::{Broker, Pair};
use platform::testing::{Answer, TestApp};
use platform::{App, Caller, Context, Database};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::mail_sink::MailSink;
use crate::tap::Tap;
use crate::wait::until;

/// The path below which clients find everything.
pub(crate) const PUBLIC: &str = "/api/v1/gateway";

/// The marketplace, running.
pub(crate) struct System {
    pub(crate) gateway: TestApp,
    pub(crate) mails: MailSink,
    pub(crate) tap: Tap,
    services: BTreeMap<&'static str, TestApp>,
    servers: Vec<JoinHandle<()>>,
    // Last: what everything runs on goes after everything.
    _broker: Broker,
}

/// What starts one service after the other.
struct Start {
    pair: Pair,
    amqp: String,
    services: BTreeMap<&'static str, TestApp>,
    servers: Vec<JoinHandle<()>>,
}

impl Start {
    /// Starts a service on a database of its own; where it listens.
    async fn service<F, Fut>(&mut self, name: &'static str, more: &[(&str, &str)], app: F) -> String
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = anyhow::Result<App>>,
    {
        let place = self.pair.database().await;
        let mut variables = vec![("DATABASE_URL", place.url()), ("ALLOW_SEED", "1")];
        variables.extend(more);
        let service = TestApp::start_with_broker(name, &self.amqp, &variables, app).await;
        let service = service.unwrap_or_else(|error| panic!("{name}: {error:#}")).holding(place);
        let url = self.listen(service.router()).await;
        until(&format!("`{name}` is ready"), || async {
            (service.get("/health/ready", &Caller::anonymous()).await.status == 200).then_some(())
        })
        .await;
        self.services.insert(name, service);
        url
    }

    async fn listen(&mut self, router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.servers.push(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
        url
    }
}

impl System {
    pub(crate) async fn start(pair: Pair) -> Self {
        let broker = pair.broker().await;
        let mails = MailSink::start().await;
        let mut start = Start { pair, amqp: broker.url(), services: BTreeMap::new(), servers: Vec::new() };
        let payments = start.service("payments-sim", &[], payments_sim::app).await;
        let cheap = [("ARGON2_MEMORY_KIB", "8"), ("ARGON2_ITERATIONS", "1")];
        let auth = start.service("auth", &cheap, auth::app).await;
        let users = start.service("users", &[], users::app).await;
        let gig = start.service("gig", &[], gig::app).await;
        let chat = start.service("chat", &[], chat::app).await;
        let order = start.service("order", &[("PAYMENTS_URL", &payments)], order::app).await;
        let review = start.service("review", &[], review::app).await;
        let mail = [("SMTP_URL", mails.url.as_str()), ("PUBLIC_URL", "https://marketplace.example")];
        start.service("notification", &mail, notification::app).await;
        let variables = [
            ("JWT_SECRET", "a user secret of at least 32 characters"),
            ("AUTH_URL", &auth),
            ("USERS_URL", &users),
            ("GIG_URL", &gig),
            ("CHAT_URL", &chat),
            ("ORDER_URL", &order),
            ("REVIEW_URL", &review),
        ];
        let gateway = TestApp::start("gateway", &variables, gateway::app).await.unwrap();
        let tap = Tap::open(&broker.url()).await;
        Self { gateway, mails, tap, services: start.services, servers: start.servers, _broker: broker }
    }

    /// The database of a service.
    pub(crate) fn database(&self, service: &str) -> &Database {
        self.services[service].database()
    }

    /// A number that a query, about the aggregate `id`, finds in a service's database; nothing found counts as 0.
    pub(crate) async fn number(&self, service: &str, query: &'static str, id: &str) -> i64 {
        let pool = self.database(service).pool();
        let row: Option<(i64,)> = sqlx::query_as(query).bind(id).fetch_optional(pool).await.unwrap();
        row.map_or(0, |(number,)| number)
    }

    /// A call to the gateway, with a token or as a visitor.
    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        self.call_with(method, path, token, &[], body).await
    }

    /// The same with more headers.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        more: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        headers.extend(more);
        self.gateway.call(method, &format!("{PUBLIC}{path}"), None, &headers, body).await
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}
