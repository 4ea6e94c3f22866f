//! Gigs: what sellers offer, and how buyers find it.
//!
//! A gig and its entry in the full-text index change in one transaction. What is shown of a seller, and every rating, is
//! kept by events of the users service.

pub mod consumer;
pub mod contract;
pub mod domain;
pub mod events;
mod listing;
mod routes;
pub mod search;
mod seed;
pub mod store;

pub use routes::openapi;

use platform::{App, Context, Database, Migration};

/// The service's schema.
pub const SCHEMA: &[Migration] = &[
    Migration::new(1, "gigs and sellers", include_str!("../migrations/0001_gigs.sql")),
    Migration::per_backend(
        2,
        "full-text index",
        include_str!("../migrations/0002_search_sqlite.sql"),
        include_str!("../migrations/0002_search_postgres.sql"),
    ),
];

/// What every route works with.
#[derive(Clone, Debug)]
struct Gigs {
    database: Database,
    seeding: bool,
}

/// Builds the service from `DATABASE_URL` and `ALLOW_SEED`.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let seeding = ctx.env().switch("ALLOW_SEED");
    let database = ctx.database(SCHEMA).await?;
    let state = Gigs { database: database.clone(), seeding };
    Ok(App::new(routes::router(state))
        .with_database(&database)
        .with_consumer(consumer::consumer())
        .with_contract(contract::hooks(&database)))
}
