//! The providers of the marketplace, each as a whole in this process, with what it needs behind it.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use contracts::store::{Pact, load_dir};
use platform::testing::TestApp;
use tower::ServiceExt as _;

use crate::shop::serve;

/// All of them.
pub(crate) const NAMES: [&str; 8] = ["auth", "chat", "gateway", "gig", "notification", "order", "review", "users"];

/// Hooks for contracts, people who are made up, and hashes that cost next to nothing.
const VARIABLES: [(&str, &str); 4] =
    [("CONTRACT_HOOKS", "1"), ("ALLOW_SEED", "1"), ("ARGON2_MEMORY_KIB", "8"), ("ARGON2_ITERATIONS", "1")];

/// A provider that is served until this is dropped.
pub(crate) struct Served {
    pub(crate) name: &'static str,
    pub(crate) http: SocketAddr,
    /// Where it is asked for messages.
    pub(crate) messages: SocketAddr,
    /// Whether it has states and messages.
    pub(crate) hooks: bool,
    pub(crate) router: Router,
    _services: Vec<TestApp>,
}

impl Served {
    pub(crate) async fn start(name: &'static str) -> Self {
        let mut services = Vec::new();
        let router = match name {
            "auth" => run(name, &[], auth::app, &mut services).await,
            "chat" => run(name, &[], chat::app, &mut services).await,
            "gateway" => gateway(&mut services).await,
            "gig" => run(name, &[], gig::app, &mut services).await,
            "notification" => {
                let variables = [("SMTP_URL", "smtp://127.0.0.1:9"), ("PUBLIC_URL", "https://marketplace.example")];
                run(name, &variables, notification::app, &mut services).await
            }
            "order" => order(&mut services).await,
            "review" => run(name, &[], review::app, &mut services).await,
            "users" => run(name, &[], users::app, &mut services).await,
            other => panic!("no provider is called `{other}`"),
        };
        let (http, messages) = (serve(router.clone()).await, serve(messages(router.clone())).await);
        Self { name, http, messages, hooks: name != "notification", router, _services: services }
    }

    /// What the committed pacts expect of it, read as the verification of this repository reads them.
    pub(crate) fn pacts(&self) -> Vec<Pact> {
        let pacts = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pacts")).unwrap();
        let pacts: Vec<Pact> = pacts.into_iter().filter(|pact| pact.provider == self.name).collect();
        assert!(!pacts.is_empty(), "no pact expects anything of `{}`", self.name);
        pacts
    }
}

async fn run<F, R>(name: &'static str, more: &[(&str, &str)], app: F, services: &mut Vec<TestApp>) -> Router
where
    F: FnOnce(platform::Context) -> R,
    R: Future<Output = anyhow::Result<platform::App>>,
{
    let variables = [&VARIABLES, more].concat();
    let service = TestApp::start(name, &variables, app).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let router = service.router();
    services.push(service);
    router
}

async fn order(services: &mut Vec<TestApp>) -> Router {
    let payments = serve(run("payments-sim", &[], payments_sim::app, services).await).await;
    run("order", &[("PAYMENTS_URL", &format!("http://{payments}"))], order::app, services).await
}

async fn gateway(services: &mut Vec<TestApp>) -> Router {
    let behind = [
        ("AUTH_URL", run("auth", &[], auth::app, services).await),
        ("USERS_URL", run("users", &[], users::app, services).await),
        ("GIG_URL", run("gig", &[], gig::app, services).await),
        ("CHAT_URL", run("chat", &[], chat::app, services).await),
        ("ORDER_URL", order(services).await),
        ("REVIEW_URL", run("review", &[], review::app, services).await),
    ];
    let mut urls = Vec::new();
    for (name, router) in behind {
        urls.push((name, format!("http://{}", serve(router).await)));
    }
    let mut variables = vec![("JWT_SECRET", "a user secret of at least 32 characters")];
    variables.extend(urls.iter().map(|(name, url)| (*name, url.as_str())));
    run("gateway", &variables, gateway::app, services).await
}

/// The official verifier asks for messages at the root of a port of their own; here they have a path.
pub(crate) fn messages(service: Router) -> Router {
    Router::new().fallback(move |mut request: Request| async move {
        *request.uri_mut() = "/_contract/messages".parse().unwrap();
        service.oneshot(request).await
    })
}
