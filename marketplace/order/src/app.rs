//! The order service, put together.

use std::time::Duration;

use platform::{App, Consumer, Context, Migration};

use crate::payments::Payments;
use crate::settlement::Settlement;
use crate::{contract, reviews, routes};

/// The service's tables.
pub(crate) const SCHEMA: &[Migration] = &[
    Migration::new(1, "orders, facts and payment actions", include_str!("../migrations/0001_orders.sql")),
    Migration::new(2, "quantity of intents", include_str!("../migrations/0002_quantity.sql")),
];

/// Longest a payment call may take with its retries, in milliseconds; the gateway waits longer.
const PAYMENTS_BUDGET: u64 = 8000;

/// The whole service; reads `PAYMENTS_URL`, and optionally `PAYMENTS_BUDGET_MS`, beside what every service reads.
///
/// # Errors
///
/// Reports everything that is wrong with its environment, or why its database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let payments_url = ctx.env().url("PAYMENTS_URL");
    let budget = Duration::from_millis(ctx.env().number("PAYMENTS_BUDGET_MS", PAYMENTS_BUDGET));
    let database = ctx.database(SCHEMA).await?;
    let settlement = Settlement::new(database.clone(), Payments::new(payments_url, budget)?);
    let consumer = Consumer::new("order").on::<crate::events::ReviewSubmitted>(reviews::submitted);
    Ok(App::new(routes::router(settlement.clone()))
        .with_database(&database)
        .with_consumer(consumer)
        .with_task(settlement.clone().run(ctx.stopping().clone()))
        .with_contract(contract::hooks(settlement)))
}
