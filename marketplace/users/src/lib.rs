//! Buyers and sellers: who they are, and how their orders, gigs and ratings add up.
//!
//! Profiles come from people, counters from events: every event that is about a buyer or a seller changes their counters
//! once, in the transaction that records the event as seen. What gig needs to know about a seller leaves here as an event.

pub mod activity;
pub mod consumer;
pub mod contract;
pub mod counters;
pub mod domain;
pub mod events;
mod routes;
mod seed;
pub mod store;
pub mod work;

pub use routes::openapi;

use platform::{App, Context, Database, Migration};

/// The service's schema.
pub const SCHEMA: &[Migration] = &[
    Migration::new(1, "profiles and counters", include_str!("../migrations/0001_profiles.sql")),
    Migration::new(2, "work and account activity", include_str!("../migrations/0002_work_and_activity.sql")),
];

/// What every route works with.
#[derive(Clone, Debug)]
struct Users {
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
    let state = Users { database: database.clone(), seeding };
    Ok(App::new(routes::router(state))
        .with_database(&database)
        .with_consumer(consumer::consumer())
        .with_contract(contract::hooks(&database)))
}
