//! The front door: everything that clients reach, they reach here.
//!
//! The gateway knows who a client is (a token in a cookie or as a bearer), tells the services in a signed token of its
//! own, and holds back what they should not have to deal with: too many requests, too many at once, and requests to a
//! service that cannot be reached. What a service refuses is passed on as it said it; how it fails is not shown.

pub mod clients;
mod contract;
pub mod rate;
mod routes;
pub mod session;
mod shield;
pub mod socket;

pub use routes::openapi;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use platform::{App, Context};

use clients::{AuthClient, ChatClient, GigClient, OrderClient, Patience, ReviewClient, Service, UsersClient};
use rate::RateLimit;
use session::Sessions;
use socket::Sockets;

/// The services behind the gateway.
#[derive(Debug)]
struct Clients {
    auth: AuthClient,
    users: UsersClient,
    gigs: GigClient,
    chat: ChatClient,
    orders: OrderClient,
    reviews: ReviewClient,
}

/// What every route works with.
#[derive(Clone, Debug)]
struct Gateway {
    clients: Arc<Clients>,
    sessions: Sessions,
}

impl FromRef<Gateway> for Sessions {
    fn from_ref(gateway: &Gateway) -> Self {
        gateway.sessions.clone()
    }
}

/// Builds the gateway from `JWT_SECRET`, `INTERNAL_TOKEN_SECRET`, `AUTH_URL`, `USERS_URL`, `GIG_URL`, `CHAT_URL`,
/// `ORDER_URL`, `REVIEW_URL`, and optionally `SESSION_HOURS`, `COOKIE_SECURE`, `RATE_PER_SECOND`, `RATE_BURST`,
/// `MAX_IN_FLIGHT`, `CALL_TIMEOUT_MS`, `CALL_ATTEMPTS`, `CALLS_PER_SERVICE`, `ALLOWED_ORIGINS`, `MAX_SOCKETS`, `SOCKETS_PER_USER` and
/// `SOCKET_EVENTS_PER_SECOND`.
///
/// # Errors
/// Every mistake of the environment.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let env = ctx.env();
    let secret = env.text("JWT_SECRET");
    let number = |name: &str, default: u32| {
        let value = env.number(name, u64::from(default));
        u32::try_from(value)
            .unwrap_or_else(|_| env.problem(format!("`{name}` is `{value}`: expected a number below 2^32")))
    };
    let sessions = Sessions::new(&secret, number("SESSION_HOURS", 24), env.switch("COOKIE_SECURE"));
    let rate = RateLimit::new(number("RATE_PER_SECOND", 2_000), number("RATE_BURST", 4_000));
    let in_flight = number("MAX_IN_FLIGHT", 1_000).max(1) as usize;
    let default = Patience::default();
    let total = number("CALL_TIMEOUT_MS", default.total.as_millis() as u32).max(1);
    let total = Duration::from_millis(total.into());
    let patience = Patience {
        attempt: default.attempt.min(total),
        total,
        attempts: number("CALL_ATTEMPTS", default.attempts),
        at_once: number("CALLS_PER_SERVICE", default.at_once as u32).max(1) as usize,
        ..default
    };
    let settings = socket::Settings::from_env(env);
    let urls = ["AUTH", "USERS", "GIG", "CHAT", "ORDER", "REVIEW"].map(|service| env.url(&format!("{service}_URL")));
    let tokens = ctx.tokens()?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(1))
        .pool_max_idle_per_host(64)
        .build()?;
    let http = telemetry::http::Client::new(http);
    let [auth, users, gig, chat, order, review] = urls;
    let service =
        |name: &'static str, base: &str| Service::new(name, base, http.clone(), tokens.clone()).with_patience(patience);
    let services = [
        service("auth", &auth),
        service("users", &users),
        service("gig", &gig),
        service("chat", &chat),
        service("order", &order),
        service("review", &review),
    ];
    let hooks = contract::hooks(&sessions, services.clone());
    let [auth, users, gigs, chat_service, orders, reviews] = services;
    let gateway = Gateway {
        clients: Arc::new(Clients {
            auth: AuthClient::new(auth),
            users: UsersClient::new(users),
            gigs: GigClient::new(gigs),
            chat: ChatClient::new(chat_service),
            orders: OrderClient::new(orders),
            reviews: ReviewClient::new(reviews),
        }),
        sessions: sessions.clone(),
    };
    let sockets = Sockets::new(settings, sessions.clone(), http.clone(), tokens.clone(), &chat);
    let router = routes::router(gateway).merge(sockets.router());
    let router = shield::raise(router, sessions, rate, in_flight);
    Ok(App::public(router).with_task(sockets.run(ctx.stopping().clone())).with_contract(hooks))
}
