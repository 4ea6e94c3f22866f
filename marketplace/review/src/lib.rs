//! Reviews: after an order, its buyer reviews the seller and its seller reviews the buyer, once each.
//!
//! The request carries the facts of the order, checked by the gateway against the order service; this service checks that
//! the caller is one of its two sides, and that this side has not reviewed it before.

pub mod contract;
pub mod domain;
pub mod events;
mod routes;
mod store;

use platform::{App, Context, Migration};

/// The service's tables.
pub const SCHEMA: &[Migration] = &[Migration::new(1, "reviews", include_str!("../migrations/0001_reviews.sql"))];

/// The whole service.
///
/// # Errors
///
/// Reports everything that is wrong with its environment, or why its database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(SCHEMA).await?;
    Ok(App::new(routes::router(database.clone()))
        .with_database(&database)
        .with_contract(contract::hooks(database)))
}
