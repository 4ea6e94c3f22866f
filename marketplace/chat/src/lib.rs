//! Conversations between two people, and the custom offers that sellers make in them.
//!
//! Only the two people of a conversation can read it. An offer is a message that carries one; making it tells
//! notification, and its state goes from pending to accepted or cancelled, once.

pub mod contract;
pub mod domain;
pub mod events;
mod routes;
pub mod store;

use platform::{App, Context, Database, Migration};

/// The service's schema.
pub const SCHEMA: &[Migration] =
    &[Migration::new(1, "conversations and messages", include_str!("../migrations/0001_conversations.sql"))];

/// What every route works with.
#[derive(Clone, Debug)]
struct Chat {
    database: Database,
}

/// Builds the service from `DATABASE_URL`.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(SCHEMA).await?;
    let state = Chat { database: database.clone() };
    Ok(App::new(routes::router(state)).with_database(&database).with_contract(contract::hooks()))
}
