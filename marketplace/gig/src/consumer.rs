//! What this service does when it hears of a seller.

use platform::{Consumer, Event, HandlerError, Tx};

use crate::events::{SellerCreated, SellerUpdated};
use crate::store;

/// Every event that this service handles.
#[must_use]
pub fn consumer() -> Consumer {
    Consumer::new("gig").on::<SellerCreated>(seller_created).on::<SellerUpdated>(seller_updated)
}

/// Keeps what a new seller says.
pub async fn seller_created(
    tx: &mut Tx,
    _event: Event,
    SellerCreated(facts): SellerCreated,
) -> Result<(), HandlerError> {
    store::keep_seller(tx, &facts).await?;
    Ok(())
}

/// Keeps what a seller says now, and how they and their gig are rated now.
pub async fn seller_updated(
    tx: &mut Tx,
    _event: Event,
    SellerUpdated(facts): SellerUpdated,
) -> Result<(), HandlerError> {
    store::keep_seller(tx, &facts).await?;
    Ok(())
}
