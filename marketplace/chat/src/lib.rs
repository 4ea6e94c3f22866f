//! Conversations between two people, and the custom offers that sellers make in them.
//!
//! Only the two people of a conversation can read it. An offer is a message that carries one; making it tells
//! notification, and its state goes from pending to accepted or cancelled, once. What is sent or changed is told at once to
//! the open sockets of those whom it is for, through the gateways (`live`).

pub mod contract;
pub mod domain;
pub mod events;
mod live;
mod page;
mod routes;
pub mod store;

use live::Live;
pub use routes::openapi;

use platform::{App, Context, Database, Migration};

/// The service's schema.
pub const SCHEMA: &[Migration] = &[
    Migration::new(1, "conversations and messages", include_str!("../migrations/0001_conversations.sql")),
    Migration::new(2, "pushes to sockets and presence", include_str!("../migrations/0002_live.sql")),
];

/// What every route works with.
#[derive(Clone, Debug)]
struct Chat {
    database: Database,
    live: Live,
}

/// Builds the service from `DATABASE_URL`, and optionally `PRESENCE_EXPIRY_MS` and `LIVE_POLL_MS`.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let live = live::prepare(ctx.env());
    let database = ctx.database(SCHEMA).await?;
    let live = live.open(&database, ctx.stopping());
    let state = Chat { database: database.clone(), live: live.clone() };
    let app = App::new(routes::router(state)).with_database(&database).with_contract(contract::hooks(&database));
    Ok(live.serve(app))
}
