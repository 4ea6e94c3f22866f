//! Reviews: after an order, its buyer reviews the seller and its seller reviews the buyer, each at most once.
//!
//! What a review changes elsewhere (ratings, the order's own page) follows from the event `review.submitted.v1`.

pub mod contract;
pub mod domain;
pub mod events;
mod routes;
pub mod store;

pub use routes::openapi;

use platform::{App, Context, Migration};

/// The service's schema.
pub const SCHEMA: &[Migration] = &[Migration::new(1, "reviews", include_str!("../migrations/0001_reviews.sql"))];

/// Builds the service from `DATABASE_URL`.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(SCHEMA).await?;
    Ok(App::new(routes::router(database.clone())).with_database(&database).with_contract(contract::hooks(&database)))
}
