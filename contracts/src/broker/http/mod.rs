//! The Pact Broker's HTTP interface, as far as its official clients use it: HAL documents, absolute links.

mod access;
mod environments;
mod failure;
mod hal;
mod index;
mod matrix;
mod pacticipants;
mod pacts;
mod pages;
mod placements;
mod publish;
mod removal;
mod verifications;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post, put};

pub use access::{Access, Credential, Rights};

use super::{Hosts, Store};
use failure::Failure;
use hal::Links;

/// Most bytes of a request: a publication holds its pacts in base64.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Where verifiers ask what to verify.
const FOR_VERIFICATION: &str = "/pacts/provider/{provider}/for-verification";

/// What every route works with.
#[derive(Clone, Debug)]
struct Served {
    store: Store,
    /// Where clients reach the broker, when it is not what they call it in `Host`.
    base: Option<Arc<str>>,
    /// Whom webhooks may reach.
    hosts: Arc<Hosts>,
}

/// The broker over HTTP, for whoever has `access`. Links begin with `base` (`https://broker.example`), or else with the
/// host that a client asked for.
///
/// # Examples
///
/// ```no_run
/// use contracts::broker::{Access, Store, router};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open("sqlite://broker.db").await?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9292").await?;
/// axum::serve(listener, router(store, Access::everybody(), None)).await?;
/// # Ok(()) }
/// ```
pub fn router(store: Store, access: Access, base: Option<&str>) -> Router {
    router_with_webhooks(store, access, base, Hosts::default())
}

/// The same, with webhooks that may reach `hosts`; what they are to be told is delivered by a
/// [`Courier`](super::Courier).
pub fn router_with_webhooks(store: Store, access: Access, base: Option<&str>, hosts: Hosts) -> Router {
    let base = base.map(|base| base.trim_end_matches('/').into());
    let served = Served { store, base, hosts: Arc::new(hosts) };
    Router::new()
        .route("/", get(index::show))
        .route("/contracts/publish", post(publish::publish))
        .route("/pacticipants", get(pacticipants::all).post(pacticipants::create))
        .route(
            "/pacticipants/{name}",
            get(pacticipants::one).patch(pacticipants::change).put(pacticipants::change).delete(removal::pacticipant),
        )
        .route("/pacticipants/{name}/versions", get(pacticipants::versions))
        .route(
            "/pacticipants/{name}/versions/{number}",
            get(pacticipants::version).put(pacticipants::put_version).delete(removal::version),
        )
        .route(
            "/pacticipants/{name}/versions/{number}/tags/{tag}",
            get(pacticipants::tag).put(pacticipants::put_tag).delete(removal::tag),
        )
        .route("/pacticipants/{name}/branches/{branch}", get(pacticipants::branch).delete(removal::branch))
        .route("/pacticipants/{name}/branches/{branch}/versions/{number}", put(pacticipants::put_branch))
        .route("/pacticipants/{name}/versions/{number}/{kind}/environment/{environment}", post(placements::record))
        .route("/pacts/latest", get(pacts::latest))
        .route("/pacts/provider/{provider}/latest", get(pacts::latest_of_provider))
        .route(FOR_VERIFICATION, get(verifications::latest).post(verifications::for_verification))
        .route(
            "/pacts/provider/{provider}/consumer/{consumer}/version/{number}",
            get(pacts::of_version).delete(removal::pact),
        )
        .route("/pacts/provider/{provider}/consumer/{consumer}/pact-version/{content}", get(pacts::by_content))
        .route(
            "/pacts/provider/{provider}/consumer/{consumer}/pact-version/{content}/verification-results",
            post(verifications::record),
        )
        .route(
            "/pacts/provider/{provider}/consumer/{consumer}/pact-version/{content}/verification-results/{verification}",
            get(verifications::one),
        )
        .route("/matrix", get(matrix::ask))
        .route("/matrix/provider/{provider}/consumer/{consumer}", get(matrix::pair))
        .route("/environments", get(environments::all).post(environments::create))
        .route("/environments/{id}", get(environments::one).put(environments::change).delete(removal::environment))
        .route("/environments/{id}/deployed-versions/currently-deployed", get(placements::deployed))
        .route("/environments/{id}/released-versions/currently-supported", get(placements::released))
        .route("/deployed-versions/{id}", get(placements::one).patch(placements::end))
        .route("/released-versions/{id}", get(placements::one).patch(placements::end))
        .route("/webhooks", get(webhooks::all).post(webhooks::create))
        .route("/webhooks/{id}", get(webhooks::one).put(webhooks::put).delete(webhooks::delete))
        .route("/webhooks/{id}/execute", post(webhooks::execute))
        .route("/webhooks/{id}/logs", get(webhooks::logs))
        .route("/webhooks/provider/{provider}", post(webhooks::create_for_provider))
        .route("/webhooks/consumer/{consumer}", post(webhooks::create_for_consumer))
        .route("/webhooks/provider/{provider}/consumer/{consumer}", post(webhooks::create_for_pair))
        .fallback(|| async {
            Failure::not_found("there is nothing at this address: start at `/` and follow the links")
        })
        .layer(middleware::from_fn_with_state(Arc::new(access), access::check))
        .layer(middleware::from_fn_with_state(served.clone(), pages::for_people))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(served)
}
